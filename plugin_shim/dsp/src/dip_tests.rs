use super::Dip;
use crate::ramp::Pace;
use crate::section::{Declaration, Section};

const DEPTH: u16 = 3;
const CENTRE: u16 = 4;
const RATE: u32 = 48_000;

fn dip() -> Dip {
    let pace = Pace { ramp_ms: 50.0, slew_per_s: 24.0 };
    let declare = |id, name, neutral| Declaration { id, name, section: "dip", neutral, pace };
    Dip::new(RATE, &[declare(DEPTH, "dip_db", 0.0), declare(CENTRE, "dip_hz", 280.0)]).expect("both declared")
}

/// A tone of amplitude 0.5.
#[allow(clippy::cast_possible_truncation)]
fn tone(hz: f64, frames: u32) -> Vec<f32> {
    let step = std::f64::consts::TAU * hz / f64::from(RATE);
    (0..frames).map(|n| (0.5 * (step * f64::from(n)).sin()) as f32).collect()
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, sample| sample.abs().max(peak))
}

fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|sample| sample.to_bits()).collect()
}

#[test]
fn at_rest_at_0_db_every_bit_pattern_passes() {
    let patterns = [1u32, 0x8000_0001, 0x7f80_0001, 0x7fc0_1234, 0xff80_0000, 0x3f80_0000, 0x0040_0000];
    let mut samples: Vec<f32> = patterns.iter().map(|&bits| f32::from_bits(bits)).collect();
    let mut section = dip();
    section.process(-3, &mut [&mut samples]);
    section.set(CENTRE, 350.0, 10);
    section.process(10, &mut [&mut samples]);
    section.snap(DEPTH, -6.0);
    section.set(DEPTH, 0.0, 100);
    section.process(1_000_000, &mut [&mut samples]);
    assert_eq!(bits(&samples), patterns);
}

#[test]
fn the_centre_is_cut_by_the_depth_and_what_is_far_away_is_not() {
    for (hz, least, most) in [(280.0, -9.02, -8.98), (28.0, -0.25, 0.0), (2800.0, -0.25, 0.0)] {
        let mut section = dip();
        section.snap(DEPTH, -9.0);
        let mut samples = tone(hz, RATE);
        section.process(0, &mut [&mut samples]);
        let change = 20.0 * (f64::from(peak(&samples[24_000..])) / 0.5).log10();
        assert!((least..=most).contains(&change), "{change} dB at {hz} Hz");
    }
}

#[test]
fn nan_and_infinity_pass_and_leave_no_trace() {
    let mut clean = tone(300.0, 4_800);
    clean[1_000] = 0.0;
    clean[1_001] = 0.0;
    let mut broken = clean.clone();
    broken[1_000] = f32::NAN;
    broken[1_001] = f32::NEG_INFINITY;
    for samples in [&mut clean, &mut broken] {
        let mut section = dip();
        section.snap(DEPTH, -12.0);
        section.process(0, &mut [samples]);
    }
    assert!(broken[1_000].is_nan() && broken[1_001].is_infinite());
    assert_eq!(bits(&clean[1_002..]), bits(&broken[1_002..]));
}

#[test]
fn no_subnormal_goes_in_or_out_and_silence_becomes_exact() {
    let mut section = dip();
    section.snap(DEPTH, -12.0);
    let mut samples = tone(300.0, 10 * RATE);
    samples[4_800..].fill(f32::from_bits(0x007f_ffff));
    section.process(0, &mut [&mut samples]);
    assert!(samples.iter().all(|sample| !sample.is_subnormal()));
    assert!(samples[RATE as usize..].iter().all(|sample| *sample == 0.0));
    assert!(section.states.iter().flatten().all(|state| !state.is_subnormal()));
}

#[test]
fn it_begins_from_rest_when_set_at_once_after_a_hole_and_after_0_db() {
    let render = |section: &mut Dip, position| {
        let mut samples = tone(300.0, 480);
        section.process(position, &mut [&mut samples]);
        bits(&samples)
    };
    let mut fresh = dip();
    fresh.snap(DEPTH, -6.0);
    let expected = render(&mut fresh, 0);
    let mut used = dip();
    used.snap(DEPTH, -6.0);
    render(&mut used, 0);
    assert_ne!(render(&mut used, 480), expected, "it goes on");
    assert_eq!(render(&mut used, 2_000), expected, "after a hole");
    used.rebase(10_000);
    assert_ne!(render(&mut used, 12_480), expected, "over a jump it goes on");
    used.snap(CENTRE, 280.0);
    assert_eq!(render(&mut used, 12_960), expected, "set at once");
    used.set(DEPTH, 0.0, 13_440);
    let mut past = tone(300.0, RATE);
    used.process(13_440, &mut [&mut past]);
    assert!(used.states.iter().flatten().all(|state| *state == 0.0), "after 0 dB");
}

#[test]
fn channels_do_not_hear_each_other() {
    let mut alone = tone(300.0, 4_800);
    let mut left = alone.clone();
    let mut right = tone(211.0, 4_800);
    let mut section = dip();
    section.snap(DEPTH, -6.0);
    section.process(0, &mut [&mut alone]);
    let mut section = dip();
    section.snap(DEPTH, -6.0);
    section.process(0, &mut [&mut left, &mut right]);
    assert_eq!(bits(&left), bits(&alone));
}

#[test]
fn it_takes_its_own_parameters_and_needs_both() {
    let mut section = dip();
    assert!(section.set(DEPTH, -1.0, 0) && section.snap(CENTRE, 300.0));
    assert!(!section.set(1, 1.0, 0) && !section.snap(99, 1.0));
    let pace = Pace { ramp_ms: 50.0, slew_per_s: 24.0 };
    let alone = Declaration { id: DEPTH, name: "dip_db", section: "dip", neutral: 0.0, pace };
    assert!(Dip::new(RATE, &[alone]).is_none());
}
