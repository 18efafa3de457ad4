//! The host's blocks leave no trace in the sound.

use hybridmix_shim::params;
use proptest::prelude::*;

use crate::rig::{Rig, noise, playing};

const LENGTH: usize = 60_000;

/// Plays noise in blocks of the given sizes through D = 200 ms, every frame answered with a gain that
/// depends on its end, and returns the bits that come out.
fn render(rate: u32, begin: i64, blocks: &[usize]) -> Vec<u32> {
    let mut rig = Rig::new(rate, 8192, 2);
    rig.shared.params.set(params::CONTROL_DELAY, 4.0);
    let (mut left, mut right) = (noise(1, LENGTH), noise(2, LENGTH));
    // Odd input: it must be treated alike wherever the blocks end.
    for at in (0..LENGTH).step_by(977) {
        left[at] = f32::from_bits(at as u32);
    }
    let mut done = 0;
    for &size in blocks.iter().cycle() {
        let end = (done + size).min(LENGTH);
        let (left, right) = (&mut left[done..end], &mut right[done..end]);
        rig.process(&playing(begin + done as i64), &mut [left, right]);
        rig.serve(|end| ((end / 50) % 73) as f32 - 40.0);
        done = end;
        if done == LENGTH {
            break;
        }
    }
    assert_eq!(rig.shared.readout.late.load(std::sync::atomic::Ordering::SeqCst), 0);
    left.iter().chain(&right).map(|sample| sample.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_split_gives_the_same_bits(
        rate in prop::sample::select(vec![44_100u32, 48_000, 96_000]),
        begin in -100_000i64..100_000,
        blocks in prop::collection::vec(0usize..4300, 2..10),
    ) {
        let blocks: Vec<usize> = blocks.into_iter().chain([1]).collect();
        prop_assert!(render(rate, begin, &blocks) == render(rate, begin, &[512]));
    }
}

/// What flush-to-zero and denormals-are-zero do to the thread of a host that sets them.
#[test]
#[cfg(target_arch = "x86_64")]
fn the_hosts_denormal_mode_changes_nothing() {
    use std::arch::asm;
    let usual = render(48_000, 0, &[512]);
    let mut kept = 0u32;
    // SAFETY: reads and writes the control register of this thread's floating point unit, by which only
    // results on subnormal numbers change; it is restored below.
    unsafe {
        asm!("stmxcsr [{}]", in(reg) &raw mut kept, options(nostack));
        let mode = kept | 0x8040;
        asm!("ldmxcsr [{}]", in(reg) &raw const mode, options(nostack, readonly));
    }
    let flushed = render(48_000, 0, &[512]);
    // SAFETY: as above.
    unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const kept, options(nostack, readonly)) };
    assert!(flushed == usual);
    assert!(std::hint::black_box(f32::from_bits(1)) * 1.0 > 0.0, "restored");
}
