//! Keeping the host's signals away from the bridge thread.
//!
//! One of the modules that hold `unsafe`: the signal mask of a thread has no safe interface.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr;

/// Blocks every signal on the calling thread: the host's handlers run on the host's threads, and writing to
/// a closed socket cannot kill the process. The process-wide handlers stay as the host set them.
pub fn block_on_this_thread() {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` initialises the set it is given, and `pthread_sigmask` only reads it; a null
    // pointer for the old mask is allowed. Faults such as SIGSEGV are delivered all the same.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), ptr::null_mut());
    }
}
