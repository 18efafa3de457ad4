//! Knowing that this process is a copy: a forked child has the memory of the bridge, but not its thread.
//!
//! One of the modules that hold `unsafe`: registering a fork handler has no safe interface.

#![allow(unsafe_code)]

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

static FORKS: AtomicU32 = AtomicU32::new(0);
static REGISTERED: Once = Once::new();

extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::SeqCst);
}

/// Begins to watch for forks. Any thread but audio; further calls do nothing.
pub fn watch() {
    REGISTERED.call_once(|| {
        // SAFETY: the handler only touches an atomic, which is allowed between fork and exec, and it lives
        // as long as this library: the C library unregisters it when the library is unloaded.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

/// How many forks lie between this process and the one in which [`watch`] was first called.
///
/// Whatever was made under another number belongs to a thread that does not exist here. One atomic load:
/// audio may ask at every block.
pub fn generation() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_child_knows_that_it_is_one() {
        watch();
        watch();
        let before = generation();
        // SAFETY: the child only loads an atomic and ends, without running any destructor.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let code = i32::from(generation() != before + 1);
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(code) };
        }
        let mut status = -1;
        // SAFETY: waits for the child that was just made and writes to a local.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!((status, generation()), (0, before));
    }
}
