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
    let ended = in_child(|| {
        let mut rig = Rig::plain();
        let (mut left, mut right) = (vec![0.5; 1024], vec![0.5; 1024]);
        let shared = rig.shared.clone();
        let _held = (shared.identity.lock(), shared.gate.lock.lock(), shared.gate.bell.lock());
        confine();
        exercise(&mut rig, &mut left, &mut right);
        end(7)
    });
    assert_eq!(ended, Some(7));
    let bites = in_child(|| {
        confine();
        drop(std::fs::File::open("/dev/null"));
        end(7)
    });
    assert_eq!(bites, None);
}

#[test]
#[cfg(target_os = "linux")]
fn a_forked_copy_passes_audio_at_the_held_gain_streams_nothing_never_waits_and_says_so() {
    hybridmix_shim::fork::watch();
    let mut rig = Rig::plain();
    rig.shared.start_values[0].set(Some(-6.0));
    let before = rig.constant(&playing(0), 0.5, 4800)[0];
    rig.take();
    let copy = in_child(|| {
        rig.shared.params.set(hybridmix_shim::params::MODE, 2.0);
        let heard = rig.constant(&playing(4800), 0.5, 4800);
        let held = heard.iter().all(|sample| sample.to_bits() == before.to_bits());
        end(i32::from(held && rig.take().is_empty() && rig.status() == wire::status::FORKED))
    });
    assert_eq!(copy, Some(1));
    rig.constant(&playing(4800), 0.5, 480);
    assert_ne!(rig.status(), wire::status::FORKED);
    assert!(!rig.take().is_empty());
}

/// Runs `work` in a forked process and returns what it ends with; `None` when it was killed.
#[cfg(target_os = "linux")]
fn in_child(work: impl FnOnce() -> std::convert::Infallible) -> Option<i32> {
    // SAFETY: the child uses no thread but its own and ends by itself; the parent waits for it.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            let _panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            libc::_exit(101);
        }
        assert!(child > 0, "fork");
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
    }
}

/// From here on this thread may compute and end, and nothing else.
#[cfg(target_os = "linux")]
fn confine() {
    // SAFETY: it takes numbers only.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_STRICT) }, 0);
}

/// Ends the only thread of a forked process, by the one call that [`confine`] leaves for it.
#[cfg(target_os = "linux")]
fn end(code: i32) -> ! {
    // SAFETY: it takes numbers only and does not return.
    unsafe { libc::syscall(libc::SYS_exit, code) };
    unreachable!()
}
