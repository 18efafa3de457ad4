//! Values take effect at their sample.

use std::sync::atomic::Ordering::SeqCst;

use hybridmix_shim::params;
use hybridmix_shim::shared::StartValues;
use wire::flags;

use crate::rig::{D, FRAME, RATE, Rig, answer, decibels, gain_alone, playing};

/// Blocks of `size` from `from` to `to` of a constant, answering every frame with 0 dB.
fn play(rig: &mut Rig, from: i64, to: i64, size: i64) -> Vec<f32> {
    let mut heard = Vec::new();
    let mut at = from;
    while at < to {
        let frames = size.min(to - at);
        heard.extend(rig.constant(&playing(at), 0.5, frames as usize));
        rig.serve(|_| 0.0);
        at += frames;
    }
    heard
}

#[test]
fn a_change_begins_at_exactly_its_sample_and_ends_exactly_at_its_target() {
    for size in [1, 63, 128, 480, 1024, 1777] {
        let mut rig = Rig::plain();
        let mut heard = Vec::new();
        for at in (0..9000).step_by(size) {
            heard.extend(rig.constant(&playing(at), 0.5, size));
            rig.serve(|_| 2.0);
        }
        let change = (FRAME + D) as usize;
        assert!(heard[..=change].iter().all(|sample| sample.to_bits() == 0.5f32.to_bits()), "size {size}");
        assert!(heard[change + 1] > 0.5);
        for (gone, sample) in heard[change..change + 2400].iter().enumerate() {
            assert!((decibels(sample / 0.5) - gone as f64 / 1200.0).abs() < 0.0001);
        }
        let end = heard[change + 2400];
        assert!((decibels(end / 0.5) - 2.0).abs() < 1e-5);
        assert!(heard[change + 2400..].iter().all(|sample| sample.to_bits() == end.to_bits()));
        assert_eq!(rig.shared.readout.late.load(SeqCst), 0);
    }
}

#[test]
fn the_applied_gain_is_shown() {
    let mut rig = Rig::plain();
    for at in (0..48_000).step_by(512) {
        rig.constant(&playing(at), 0.5, 512);
        rig.serve(|_| -7.5);
    }
    let shown = params::by_id(params::APPLIED_GAIN).expect("declared");
    assert_eq!(shown.text(rig.shared.value(params::APPLIED_GAIN)), "-7.50 dB");
    assert_eq!(rig.status(), wire::status::MIXING);
}

#[test]
fn values_that_come_after_their_sample_apply_at_the_next_block_and_are_counted() {
    let mut rig = Rig::plain();
    rig.constant(&playing(0), 0.5, 4800);
    let run = rig.take()[0].0.run;
    rig.send(answer(run, FRAME, D, 2.4));
    let heard = rig.constant(&playing(4800), 0.5, 64);
    assert_eq!(rig.shared.readout.late.load(SeqCst), 1);
    assert_eq!(heard[0].to_bits(), 0.5f32.to_bits());
    assert!((decibels(heard[10] / 0.5) - 0.01).abs() < 0.001);
}

#[test]
fn values_at_the_first_sample_of_a_block_are_on_time() {
    let mut rig = Rig::plain();
    rig.constant(&playing(0), 0.5, (FRAME + D) as usize);
    rig.serve(|_| 1.0);
    let heard = rig.constant(&playing(FRAME + D), 0.5, 64);
    assert_eq!(rig.shared.readout.late.load(SeqCst), 0);
    assert!(heard[1] > 0.5);
}

#[test]
fn a_locked_gain_is_told_to_the_service_and_the_next_start_begins_with_it() {
    let mut rig = Rig::plain();
    rig.constant(&playing(0), 0.5, 4800);
    rig.serve(|_| -3.0);
    rig.constant(&playing(4800), 0.5, 4800);
    assert_eq!(rig.shared.start_values(), StartValues::default());
    rig.shared.params.set(params::LOCK, 1.0);
    rig.constant(&playing(9600), 0.5, 4800);
    let hops = rig.serve(|_| -6.0);
    assert!(hops.iter().any(|(hop, _)| hop.flags & flags::LOCKED != 0));
    rig.constant(&playing(14_400), 0.5, 4800);
    assert_eq!(rig.shared.start_values(), gain_alone(-6.0));
    rig.shared.params.set(params::LOCK, 0.0);
    rig.serve(|_| -9.0);
    rig.constant(&playing(19_200), 0.5, 9600);
    assert_eq!(rig.shared.start_values(), gain_alone(-6.0));
}

#[test]
fn nonsense_from_the_service_changes_nothing() {
    let mut rig = Rig::plain();
    rig.constant(&playing(0), 0.5, 4000);
    let run = rig.take()[0].0.run;
    let sane = answer(run, FRAME, D, 6.0);
    let mut odd = vec![
        answer(run + 1, FRAME, D, 6.0),
        answer(run, FRAME, -1, 6.0),
        answer(run, FRAME, i64::from(RATE) + 1, 6.0),
        answer(run, 4 * FRAME, D, 6.0),
        answer(run, i64::MAX, i64::MIN, 6.0),
    ];
    odd.push(hybridmix_shim::shared::Scheduled { count: 33, ..sane });
    for (index, value) in [f32::NAN, f32::INFINITY, 36.1, -80.1].into_iter().enumerate() {
        // These are answers, only without a value that makes sense.
        odd.push(answer(run, FRAME - 400 + 50 * index as i64, D, value));
    }
    let mut unknown = answer(run, FRAME - 50, D, 6.0);
    unknown.values[0].0 = 99;
    odd.push(unknown);
    let mut none = answer(run, FRAME - 10, D, 6.0);
    none.flags = flags::NONE;
    odd.push(none);
    for answer in odd {
        rig.send(answer);
    }
    let heard = rig.constant(&playing(4000), 0.5, 4000);
    let odd = heard.iter().position(|sample| sample.to_bits() != 0.5f32.to_bits());
    assert_eq!(odd, None);
}

#[test]
fn a_parameter_that_is_not_listed_holds_its_value() {
    let mut rig = Rig::plain();
    rig.constant(&playing(0), 0.5, 2400);
    let run = rig.take()[0].0.run;
    let mut both = answer(run, FRAME, 0, -6.0);
    both.values[1] = (2, -3.0);
    both.count = 2;
    rig.send(both);
    rig.constant(&playing(2400), 0.5, 8192);
    let run_end = 2400 + 8192;
    rig.take();
    rig.send(answer(run, 4 * FRAME, D, -5.0));
    let heard = rig.constant(&playing(run_end), 0.5, 8192);
    assert!((decibels(heard[8191] / 0.5) + 8.0).abs() < 0.001);
}

#[test]
fn bypass_passes_audio_bit_for_bit_and_fades_in_20_ms() {
    let mut rig = Rig::plain();
    play(&mut rig, 0, 4800, 480);
    let mut at = 4800;
    for _ in 0..100 {
        rig.constant(&playing(at), 0.5, 480);
        rig.serve(|_| -12.0);
        at += 480;
    }
    rig.shared.params.set(params::BYPASS, 1.0);
    let heard = rig.constant(&playing(at), 0.5, 4800);
    let steepest = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    assert!(steepest < 0.5 / 960.0 * 1.01, "a step of {steepest}");
    assert!(heard[959] < 0.5);
    assert!(heard[960..].iter().all(|sample| sample.to_bits() == 0.5f32.to_bits()));
    assert_eq!(rig.status(), wire::status::BYPASSED);
    let hops = rig.serve(|_| -6.0);
    assert!(hops.iter().all(|(hop, _)| hop.flags & flags::BYPASSED != 0));
    rig.shared.params.set(params::BYPASS, 0.0);
    let heard = rig.constant(&playing(at + 4800), 0.5, 480 * 60);
    let steepest = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    assert!(steepest < 0.5 / 960.0 * 1.01, "a step of {steepest}");
    assert!((decibels(heard[480 * 60 - 1] / 0.5) + 6.0).abs() < 0.001, "the gain went on meanwhile");
}
