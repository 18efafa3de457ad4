//! Groove in the engine: what is late, and what begins when.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use hybridmix_shim::params;
use hybridmix_shim::shared::{MAX_VALUES, Scheduled, Shared};

use crate::rig::{D, FRAME, RATE, Rig, decibels, playing, process};

/// Samples of look-ahead at 48 kHz.
const LATE: i64 = 2880;
/// A click comes in here, and is to come out this much later than the look-ahead.
const CLICK: i64 = 9000;
const SHIFT: i64 = 240;

/// 48 kHz, with groove on.
fn rig() -> Rig {
    let shared = Arc::new(Shared::default());
    assert!(shared.params.set(params::GROOVE_AMOUNT, 100.0));
    Rig::of(shared, process(), RATE, 8192, 2)
}

/// The answer to the frame that ends at 7200: 6 dB, and the shift for the slot at the click.
fn both(run: u32) -> Scheduled {
    let mut values = [(0, 0.0); MAX_VALUES];
    let slot_ms = (CLICK - 3 * FRAME - D) as f32 / 48.0;
    values[..3].copy_from_slice(&[(1, 6.0), (26, 5.0), (27, slot_ms)]);
    Scheduled { run, frame_end: 3 * FRAME, apply_at: 3 * FRAME + D, flags: 0, count: 3, values }
}

/// What becomes of 0.1 with a click in it, in blocks of `size`; `bypass` from sample 0 on or never.
fn render(size: usize, bypass: bool) -> Vec<f32> {
    let mut rig = rig();
    assert!(rig.shared.params.set(params::BYPASS, f64::from(u8::from(bypass))));
    let mut heard = Vec::new();
    let mut sent = false;
    for at in (0..30_000).step_by(size) {
        let mut left: Vec<f32> = (at..at + size as i64).map(|n| if n == CLICK { 0.9 } else { 0.1 }).collect();
        let mut right = left.clone();
        rig.process(&playing(at), &mut [&mut left, &mut right]);
        heard.extend(left);
        for (hop, _) in rig.take() {
            if !sent && hop.end() == 3 * FRAME {
                rig.send(both(hop.run));
                sent = true;
            }
        }
    }
    assert!(sent);
    assert_eq!(rig.shared.readout.late.load(SeqCst), 0);
    heard
}

#[test]
fn a_shift_begins_where_sound_comes_in_and_a_gain_follows_the_sound() {
    for size in [64, 480, 1777] {
        let heard = render(size, false);
        let begins = (3 * FRAME + D + LATE) as usize;
        assert!(
            heard[LATE as usize..=begins].iter().all(|sample| (sample - 0.1).abs() < 1e-6),
            "size {size}"
        );
        let gone = decibels(heard[begins + 200] / 0.1);
        assert!((gone - 0.2).abs() < 1e-3, "size {size}: {gone} dB, and not 0.001 per sample");
        let loudest = (0..heard.len()).max_by(|&one, &other| heard[one].total_cmp(&heard[other]));
        assert_eq!(loudest, usize::try_from(CLICK + LATE + SHIFT).ok(), "size {size}");
    }
}

#[test]
fn blocks_do_not_matter() {
    let bits = |size| render(size, false)[..29_000].iter().map(|sample| sample.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(64), bits(1777));
}

#[test]
fn under_bypass_it_is_the_look_ahead_alone() {
    let heard = render(512, true);
    let expected = |at: i64| {
        if at < LATE {
            0.0f32
        } else if at == CLICK + LATE {
            0.9
        } else {
            0.1
        }
    };
    let same = (0..29_000).all(|at| heard[at as usize].to_bits() == expected(at).to_bits());
    assert!(same);
}
