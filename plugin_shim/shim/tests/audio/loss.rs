//! What happens when no values come.

use std::sync::atomic::Ordering::SeqCst;

use hybridmix_shim::params;
use wire::{flags, status};

use crate::rig::{RATE, Rig, answer, decibels, playing};

/// A second with values of -6 dB; returns where it ended, with every frame answered.
fn mixing(rig: &mut Rig) -> i64 {
    for at in (0..48_000).step_by(480) {
        rig.constant(&playing(at), 0.5, 480);
        rig.serve(|_| -6.0);
    }
    // The answer to the last frame is taken with the first sample of the block that follows.
    assert_eq!(rig.status(), status::MIXING);
    48_000
}

#[test]
fn hold_keeps_the_gain_and_says_so_after_2_s_of_audio() {
    let mut rig = Rig::plain();
    let mut at = mixing(&mut rig);
    for block in 0..400 {
        let heard = rig.constant(&playing(at), 0.5, 480);
        rig.take();
        assert!(heard.iter().all(|sample| (decibels(sample / 0.5) + 6.0).abs() < 1e-4));
        assert_eq!(rig.status(), if block < 199 { status::MIXING } else { status::HOLDING });
        at += 480;
    }
}

#[test]
fn fallback_ramps_to_the_saved_values_from_the_exact_sample_on() {
    for size in [100usize, 480, 4096] {
        let mut rig = Rig::plain();
        rig.shared.params.set(params::ON_LOSS, 1.0);
        rig.shared.start_values[0].set(Some(-3.6));
        let begin = mixing(&mut rig);
        let mut heard = Vec::new();
        while heard.len() < 110_000 {
            heard.extend(rig.constant(&playing(begin + heard.len() as i64), 0.5, size));
            rig.take();
        }
        let loss = 2 * RATE as usize;
        assert!(heard[..=loss].iter().all(|sample| sample.to_bits() == heard[0].to_bits()), "size {size}");
        for (gone, sample) in heard[loss..loss + 5000].iter().enumerate() {
            let expected = -6.0 + (gone as f64 * 0.001).min(2.4);
            assert!((decibels(sample / 0.5) - expected).abs() < 0.001);
        }
        assert_eq!(rig.status(), status::FALLBACK);
    }
}

#[test]
fn values_that_flow_again_are_used_again() {
    let mut rig = Rig::plain();
    rig.shared.params.set(params::ON_LOSS, 1.0);
    let begin = mixing(&mut rig);
    for at in (begin..begin + 144_000).step_by(480) {
        rig.constant(&playing(at), 0.5, 480);
        rig.take();
    }
    assert_eq!(rig.status(), status::FALLBACK);
    let mut last = 0.0;
    for at in (begin + 144_000..begin + 240_000).step_by(480) {
        last = rig.constant(&playing(at), 0.5, 480)[479];
        rig.serve(|_| -6.0);
    }
    assert_eq!(rig.status(), status::MIXING);
    assert!((decibels(last / 0.5) + 6.0).abs() < 1e-4);
}

#[test]
fn the_status_names_the_cause() {
    let mut rig = Rig::plain();
    rig.constant(&playing(0), 0.5, 480);
    assert_eq!(rig.status(), status::WAITING);
    for cause in [status::NO_SERVICE, status::CONNECTING, status::VERSION_REFUSED, status::NOT_TRUSTED] {
        rig.shared.link.up.store(false, SeqCst);
        rig.shared.link.status.store(cause, SeqCst);
        rig.constant(&playing(480), 0.5, 480);
        assert_eq!(rig.status(), cause);
    }
    drop(rig.processor);
    assert_eq!(rig.shared.readout.status.load(SeqCst), status::IDLE);
}

#[test]
fn blocks_too_long_for_the_control_delay_are_named_with_the_delay_that_they_need() {
    let mut rig = Rig::plain();
    for at in (0..48_000).step_by(2000) {
        rig.constant(&playing(at), 0.5, 2000);
        rig.serve(|_| 0.0);
    }
    assert_eq!(rig.status(), status::NOT_ALIGNED);
    assert_eq!(rig.shared.value(params::NEEDED_DELAY).to_bits(), 96.0f64.to_bits());
}

#[test]
fn an_incomplete_answer_is_counted_and_shown_until_the_run_ends() {
    let mut rig = Rig::plain();
    rig.constant(&playing(0), 0.5, 2400);
    let run = rig.take()[0].0.run;
    let mut incomplete = answer(run, 2400, 1920, 0.0);
    incomplete.flags = flags::INCOMPLETE;
    rig.send(incomplete);
    rig.constant(&playing(2400), 0.5, 480);
    assert_eq!(rig.status(), status::INCOMPLETE);
    assert_eq!(rig.shared.readout.incomplete.load(SeqCst), 1);
    rig.constant(&playing(0), 0.5, 480);
    assert_eq!(rig.status(), status::MIXING);
}
