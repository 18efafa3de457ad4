use super::{BELOW_DB, Density, SLOPE, copy_db};
use crate::ramp::Pace;
use crate::section::{Declaration, Section};

const THRESHOLD: u16 = 7;
const MIX: u16 = 8;
const RATE: u32 = 48_000;

fn density(threshold_db: f64, mix: f64) -> Density {
    let declare = |id, name, slew_per_s| Declaration {
        id,
        name,
        section: "density",
        neutral: 0.0,
        pace: Pace { ramp_ms: 50.0, slew_per_s },
    };
    let declarations = [declare(THRESHOLD, "density_threshold_db", 24.0), declare(MIX, "density_mix", 0.5)];
    let mut section = Density::new(RATE, &declarations).expect("both declared");
    assert!(section.snap(THRESHOLD, threshold_db) && section.snap(MIX, mix));
    section
}

/// A tone of 1 kHz with this mean square in dBFS.
#[allow(clippy::cast_possible_truncation)]
fn tone(level_db: f64, frames: u32) -> Vec<f32> {
    let amplitude = 10f64.powf(level_db / 20.0) * std::f64::consts::SQRT_2;
    let step = std::f64::consts::TAU * 1000.0 / f64::from(RATE);
    (0..frames).map(|n| (amplitude * (step * f64::from(n)).sin()) as f32).collect()
}

#[allow(clippy::cast_precision_loss)]
fn level_db(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    10.0 * (sum / samples.len() as f64).log10()
}

fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|sample| sample.to_bits()).collect()
}

/// By how many dB a tone at `level_db` changes once the detector has settled.
fn change_db(section: &mut Density, at_db: f64) -> f64 {
    let mut samples = tone(at_db, 2 * RATE);
    section.process(0, &mut [&mut samples]);
    level_db(&samples[RATE as usize..]) - at_db
}

#[test]
fn at_rest_at_a_mix_of_0_every_bit_pattern_passes() {
    let patterns = [1u32, 0x8000_0001, 0x7f80_0001, 0x7fc0_1234, 0xff80_0000, 0x3f80_0000, 0x0040_0000];
    let mut samples: Vec<f32> = patterns.iter().map(|&bits| f32::from_bits(bits)).collect();
    let mut section = density(-40.0, 0.0);
    section.process(-3, &mut [&mut samples]);
    section.set(THRESHOLD, -30.0, 10);
    section.process(10, &mut [&mut samples]);
    section.snap(MIX, 0.5);
    section.set(MIX, 0.0, 100);
    section.process(1_000_000, &mut [&mut samples]);
    assert_eq!(bits(&samples), patterns);
}

#[test]
fn the_tracks_level_stays_what_is_quieter_comes_up_and_what_is_louder_goes_down() {
    let threshold = -30.0;
    let same = change_db(&mut density(threshold, 0.5), threshold + BELOW_DB);
    assert!(same.abs() < 0.05, "{same} dB at the track's level");
    let up = change_db(&mut density(threshold, 0.5), threshold - 6.0);
    let whole = 20.0 * (0.5 + 0.5 * 10f64.powf(SLOPE * BELOW_DB / 20.0)).log10();
    assert!((up - whole).abs() < 0.05, "{up} dB below the threshold, {whole} were expected");
    let down = change_db(&mut density(threshold, 0.5), threshold + BELOW_DB + 8.0);
    let whole = 20.0 * (0.5 + 0.5 * 10f64.powf(-SLOPE * 8.0 / 20.0)).log10();
    assert!((down - whole).abs() < 0.05, "{down} dB above the track's level, {whole} were expected");
}

#[test]
fn what_lies_far_below_the_track_is_not_lifted() {
    let change = change_db(&mut density(-30.0, 1.0), -75.0);
    assert!(change.abs() < 1e-6, "{change} dB");
}

#[test]
fn the_copy_never_gets_louder_with_a_louder_sound_and_bends_smoothly() {
    let mut last = copy_db(-24.0);
    for step in -2399..4000 {
        let now = copy_db(f64::from(step) / 100.0);
        assert!((-0.0076..=0.0).contains(&(now - last)), "{now} after {last}");
        last = now;
    }
}

#[test]
fn both_channels_get_one_gain() {
    let mut section = density(-40.0, 0.7);
    let (mut left, mut right) = (tone(-10.0, 4_800), tone(-30.0, 4_800));
    let before = (left.clone(), right.clone());
    section.process(0, &mut [&mut left, &mut right]);
    for index in (100..4_800).filter(|index| index % 48 > 5 && index % 24 != 0) {
        let factor = left[index] / before.0[index];
        assert!((right[index] / before.1[index] / factor - 1.0).abs() < 1e-5, "{index}");
    }
}

#[test]
fn nan_and_infinity_pass_and_count_as_silence() {
    let mut clean = tone(-20.0, 4_800);
    clean[1_000] = 0.0;
    clean[1_001] = 0.0;
    let mut broken = clean.clone();
    broken[1_000] = f32::NAN;
    broken[1_001] = f32::NEG_INFINITY;
    for samples in [&mut clean, &mut broken] {
        density(-40.0, 0.5).process(0, &mut [samples]);
    }
    assert!(broken[1_000].is_nan() && broken[1_001].is_infinite());
    assert_eq!(bits(&clean[1_002..]), bits(&broken[1_002..]));
}

#[test]
fn an_absurd_sample_is_forgotten_within_two_seconds() {
    let mut section = density(-40.0, 0.5);
    let mut samples = tone(-20.0, 4 * RATE);
    samples[0] = f32::MAX;
    section.process(0, &mut [&mut samples]);
    let mut clean = tone(-20.0, 4 * RATE);
    density(-40.0, 0.5).process(0, &mut [&mut clean]);
    let apart = level_db(&samples[2 * RATE as usize..]) - level_db(&clean[2 * RATE as usize..]);
    assert!(apart.abs() < 0.01, "{apart} dB");
}

#[test]
fn it_begins_from_rest_when_set_at_once_after_a_hole_and_after_a_mix_of_0() {
    let render = |section: &mut Density, position| {
        let mut samples = tone(-20.0, 480);
        section.process(position, &mut [&mut samples]);
        bits(&samples)
    };
    let expected = render(&mut density(-40.0, 0.5), 0);
    let mut used = density(-40.0, 0.5);
    render(&mut used, 0);
    assert_ne!(render(&mut used, 480), expected, "it goes on");
    assert_eq!(render(&mut used, 2_000), expected, "after a hole");
    used.rebase(10_000);
    assert_ne!(render(&mut used, 12_480), expected, "over a jump it goes on");
    used.snap(THRESHOLD, -40.0);
    assert_eq!(render(&mut used, 12_960), expected, "set at once");
    used.set(MIX, 0.0, 13_440);
    used.process(13_440, &mut [&mut tone(-20.0, 2 * RATE)]);
    assert!((used.mean, used.held) == (0.0, 0.0), "after a mix of 0");
}

#[test]
fn it_takes_its_own_parameters_and_needs_both() {
    let mut section = density(-40.0, 0.0);
    assert!(section.set(THRESHOLD, -30.0, 0) && section.set(MIX, 0.1, 0));
    assert!(!section.set(1, 1.0, 0) && !section.snap(99, 1.0));
    let pace = Pace { ramp_ms: 50.0, slew_per_s: 24.0 };
    let alone = Declaration { id: MIX, name: "density_mix", section: "density", neutral: 0.0, pace };
    assert!(Density::new(RATE, &[alone]).is_none());
}
