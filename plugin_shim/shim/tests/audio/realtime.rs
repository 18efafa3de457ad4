//! The audio thread keeps to itself.

use std::sync::atomic::Ordering::SeqCst;

use assert_no_alloc::assert_no_alloc;

use crate::rig::{Rig, playing, standing};

#[test]
#[cfg(debug_assertions)]
fn the_assertion_that_all_these_tests_run_under_bites() {
    let before = assert_no_alloc::violation_count();
    let kept = assert_no_alloc(|| vec![1u8; 100]);
    assert_eq!(kept.len(), 100);
    assert!(assert_no_alloc::violation_count() > before);
}

/// Everything that an instance does on the audio thread, but for the wait.
fn exercise(rig: &mut Rig, left: &mut [f32], right: &mut [f32]) {
    let mut at = 0;
    for round in 0..200usize {
        let frames = [64, 480, 1, 0, 1024][round % 5];
        let block = if round % 50 < 40 { playing(at) } else { standing(Some(at)) };
        rig.processor.process(&block, &mut [&mut left[..frames], &mut right[..frames]]);
        at += if round % 30 == 29 { 100_000 } else { frames as i64 };
        rig.shared.link.up.store(round % 70 < 60, SeqCst);
        rig.shared.params.set(1, if round % 25 > 20 { 1.0 } else { 0.0 });
    }
}

/// With every lock of the instance held, an audio thread that took one would never come back; and one that
/// calls the system is killed by the kernel.
#[test]
#[cfg(target_os = "linux")]
fn no_lock_is_taken_and_the_system_is_not_called() {
    let mut rig = Rig::plain();
    let (mut left, mut right) = (vec![0.5; 1024], vec![0.5; 1024]);
    let shared = rig.shared.clone();
    let identity = shared.identity.lock().expect("not poisoned");
    let gate = shared.gate.lock.lock().expect("not poisoned");
    let bell = shared.gate.bell.lock().expect("not poisoned");
    assert_eq!(confined(|| exercise(&mut rig, &mut left, &mut right)), Some(0));
    assert_eq!(confined(|| drop(std::fs::File::open("/dev/null"))), None, "the check itself bites");
    drop((identity, gate, bell));
}

/// Runs `work` in a child process that may do nothing but compute and end; `None` when it was killed.
#[cfg(target_os = "linux")]
fn confined(work: impl FnOnce()) -> Option<i32> {
    // SAFETY: the child only computes, on memory of its own, and ends by a plain exit of its one thread;
    // the parent waits for it.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            if libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_STRICT) != 0 {
                libc::_exit(1);
            }
            work();
            libc::syscall(libc::SYS_exit, 0);
        }
        assert!(child > 0, "fork");
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
    }
}
