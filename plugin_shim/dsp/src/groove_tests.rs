use super::{Groove, look_ahead};
use crate::ramp::Pace;
use crate::section::{Declaration, Section};

const RATE: u32 = 48_000;
const LATE: usize = 2880;
const MS: i64 = 48;

fn groove(rate: u32) -> Groove {
    let pace = Pace { ramp_ms: 0.0, slew_per_s: 1e9 };
    let declare = |id, name| Declaration { id, name, section: "groove", neutral: 0.0, pace };
    Groove::new(rate, &[declare(26, "groove_ms"), declare(27, "groove_slot_ms")]).expect("both are declared")
}

fn ask(section: &mut Groove, shift_ms: f64, slot_ms: f64, position: i64) {
    assert!(section.set(26, shift_ms, position) && section.set(27, slot_ms, position));
}

/// A click every 125 ms, the first after 100 ms.
fn clicks(count: usize) -> Vec<f32> {
    (0..count).map(|index| if index % 6000 == 4800 { 1.0 } else { 0.0 }).collect()
}

fn loud(samples: &[f32]) -> Vec<usize> {
    samples.iter().enumerate().filter(|(_, sample)| **sample != 0.0).map(|(index, _)| index).collect()
}

#[test]
fn without_a_shift_every_bit_pattern_comes_out_a_look_ahead_later() {
    for rate in [44_100, 48_000, 96_000, 192_000] {
        let late = usize::try_from(look_ahead(rate)).expect("small");
        let input: Vec<f32> = (0..30_000u32).map(|bits| f32::from_bits(0x7f00_0000 + 700 * bits)).collect();
        let mut samples = input.clone();
        groove(rate).process(-77, &mut [&mut samples]);
        assert!(samples[..late].iter().all(|sample| sample.to_bits() == 0));
        let same = samples[late..].iter().zip(&input).all(|(one, other)| one.to_bits() == other.to_bits());
        assert!(same, "{rate} Hz");
    }
}

#[test]
fn a_shift_moves_the_slot_that_it_is_for_and_those_behind_it_by_whole_samples() {
    for (shift, samples) in [(5.0, 240), (-5.0, -240), (-25.0, -1200), (20.0, 960), (-40.0, -1920)] {
        let mut sound = clicks(30_000);
        let mut section = groove(RATE);
        let slot = 4800 + 6000;
        // As the service does it: 30 ms before the slot comes in.
        let position = slot - 30 * MS;
        let (before, after) = sound.split_at_mut(usize::try_from(position).expect("positive"));
        section.process(0, &mut [before]);
        ask(&mut section, shift, 30.0, position);
        section.process(position, &mut [after]);
        let begins: Vec<i64> = (0..3).map(|slot| 4800 + 6000 * slot + 2880).collect();
        let expected = [begins[0], begins[1] + samples, begins[2] + samples];
        let expected = expected.map(|time| usize::try_from(time).expect("positive"));
        assert_eq!(loud(&sound)[..3], expected, "{shift} ms");
    }
}

#[test]
fn the_splice_ends_before_the_slot_even_where_the_sound_is_loud_everywhere() {
    let noise = |index: usize| {
        (f64::from(u32::try_from(index).expect("small")) * 12.9898).sin().mul_add(437.5, 0.0).fract()
    };
    #[allow(clippy::cast_possible_truncation)]
    let input: Vec<f32> = (0..30_000).map(|index| noise(index) as f32).collect();
    let (mut sound, mut section) = (input.clone(), groove(RATE));
    let (before, after) = sound.split_at_mut(10_000);
    section.process(0, &mut [before]);
    ask(&mut section, -5.0, 20.0, 10_000);
    section.process(10_000, &mut [after]);
    // The slot is at 10960, so it comes out at 13840 without a shift and at 13600 with it.
    let old = |at: usize| sound[at].to_bits() == input[at - LATE].to_bits();
    let new = |at: usize| sound[at].to_bits() == input[at - LATE + 240].to_bits();
    assert!((LATE..13_600 - 35 * 48).all(old));
    assert!((13_600 - 3 * 48..30_000).all(new));
}

#[test]
fn a_later_shift_replaces_one_that_has_not_been_decided() {
    let (mut sound, mut section) = (clicks(20_000), groove(RATE));
    section.process(0, &mut [&mut sound[..4000]]);
    ask(&mut section, 0.0, 14.0, 4000);
    section.process(4000, &mut [&mut sound[4000..4100]]);
    ask(&mut section, 5.0, 14.0, 4100);
    ask(&mut section, -5.0, 14.0, 4100);
    section.process(4100, &mut [&mut sound[4100..]]);
    assert_eq!(loud(&sound)[..2], [4800 + 2880 - 240, 10_800 + 2880 - 240]);
}

#[test]
fn a_jump_of_the_timeline_lets_what_is_under_way_go_on_and_a_hole_begins_with_silence() {
    let mut whole = clicks(30_000);
    let mut section = groove(RATE);
    section.process(0, &mut [&mut whole[..9000]]);
    ask(&mut section, 5.0, 40.0, 9000);
    section.process(9000, &mut [&mut whole[9000..]]);

    let mut cut = clicks(30_000);
    let mut section = groove(RATE);
    section.process(0, &mut [&mut cut[..9000]]);
    ask(&mut section, 5.0, 40.0, 9000);
    section.process(9000, &mut [&mut cut[9000..9500]]);
    section.rebase(-1_000_000);
    section.process(-990_500, &mut [&mut cut[9500..]]);
    assert_eq!(loud(&whole), loud(&cut));

    let mut after = vec![1.0; 4000];
    section.process(5_000_000, &mut [&mut after]);
    assert!(after[..LATE - 240].iter().all(|sample| *sample == 0.0), "nothing of before the hole");
}

#[test]
fn not_a_number_passes_and_leaves_no_trace() {
    let (mut sound, mut section) = (clicks(30_000), groove(RATE));
    sound[7000] = f32::NAN;
    sound[7001] = f32::INFINITY;
    section.process(0, &mut [&mut sound[..9000]]);
    ask(&mut section, 5.0, 40.0, 9000);
    section.process(9000, &mut [&mut sound[9000..]]);
    let broken: Vec<usize> = (0..30_000).filter(|&at| !sound[at].is_finite()).collect();
    assert!(broken.len() >= 2 && broken.len() <= 4, "{broken:?}");
}

#[test]
fn an_unknown_parameter_is_refused_and_both_have_to_be_declared() {
    assert!(!groove(RATE).set(1, 0.0, 0) && !groove(RATE).snap(1, 0.0));
    assert!(Groove::new(RATE, &[]).is_none());
}
