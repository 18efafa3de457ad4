use super::Reverb;
use crate::ramp::Pace;
use crate::section::{Declaration, Section};

const SEND: u16 = 10;
const FIRST: u16 = 11;
const PREDELAY: u16 = 18;
const RATE: u32 = 48_000;

fn reverb() -> Reverb {
    let declare = |id, name, neutral, slew_per_s| Declaration {
        id,
        name,
        section: "reverb",
        neutral,
        pace: Pace { ramp_ms: 50.0, slew_per_s },
    };
    let mut all = vec![declare(SEND, "reverb_send", 0.0, 2.0), declare(PREDELAY, "predelay_ms", 5.0, 10.0)];
    all.extend((FIRST..).zip(super::T60_NAMES).map(|(id, name)| declare(id, name, 0.5, 0.5)));
    Reverb::new(RATE, &all).expect("all declared")
}

fn noise(count: usize) -> Vec<f32> {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        #[allow(clippy::cast_precision_loss)]
        let sample = (state >> 8) as f32 / 16_777_216.0 - 0.5;
        sample
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|sample| sample.to_bits()).collect()
}

fn energy(samples: &[f32]) -> f64 {
    samples.iter().map(|&sample| f64::from(sample) * f64::from(sample)).sum()
}

#[test]
fn at_rest_at_0_every_bit_pattern_passes() {
    let patterns = [1u32, 0x8000_0001, 0x7f80_0001, 0x7fc0_1234, 0xff80_0000, 0x3f80_0000, 0x0040_0000];
    let mut samples: Vec<f32> = patterns.iter().map(|&bits| f32::from_bits(bits)).collect();
    let mut section = reverb();
    section.process(-3, &mut [&mut samples]);
    section.set(FIRST, 2.0, 10);
    section.process(10, &mut [&mut samples]);
    section.snap(SEND, 1.0);
    section.set(SEND, 0.0, 100);
    section.process(1_000_000, &mut [&mut samples]);
    assert_eq!(bits(&samples), patterns);
}

#[test]
fn used_again_it_has_forgotten() {
    let play = |section: &mut Reverb, position| {
        section.set(SEND, 1.0, position);
        let mut samples = noise(20_000);
        section.process(position, &mut [&mut samples]);
        samples
    };
    let (mut fresh, mut used) = (reverb(), reverb());
    let mut before = noise(30_000);
    play(&mut used, 0);
    used.set(SEND, 0.0, 20_000);
    used.process(20_000, &mut [&mut before]);
    fresh.process(0, &mut [&mut vec![0.0; 50_000]]);
    assert_eq!(bits(&play(&mut used, 50_000)), bits(&play(&mut fresh, 50_000)));
}

#[test]
fn the_answer_has_as_much_energy_as_is_asked_for_summed_to_mono() {
    for seconds in [0.25, 0.6, 2.0, 4.0] {
        let mut section = reverb();
        for id in FIRST..PREDELAY {
            section.snap(id, seconds);
        }
        section.snap(SEND, 0.5);
        let mut impulse = vec![0.0; 5 * 48_000];
        impulse[0] = 1.0;
        let mut other = impulse.clone();
        section.process(0, &mut [&mut impulse, &mut other]);
        let mono: Vec<f32> = impulse.iter().zip(&other).map(|(left, right)| 0.5 * (left + right)).collect();
        let level = 10.0 * (energy(&mono[1..]) / 0.25).log10();
        assert!(level.abs() < 1.0, "{level} dB at {seconds} s");
        let lost =
            10.0 * ((energy(&impulse[1..]) + energy(&other[1..])) / (2.0 * energy(&mono[1..]))).log10();
        assert!((0.2..=1.05).contains(&lost), "summed to mono it loses {lost} dB");
    }
}

#[test]
fn a_mono_track_gets_the_middle() {
    let (mut left, mut right, mut mono) = (noise(30_000), noise(30_000), noise(30_000));
    for channels in [&mut [left.as_mut_slice(), right.as_mut_slice()][..], &mut [mono.as_mut_slice()][..]] {
        let mut section = reverb();
        section.snap(SEND, 1.0);
        section.process(0, channels);
    }
    let apart =
        left.iter().zip(&right).zip(&mono).map(|((left, right), mono)| (0.5 * (left + right) - mono).abs());
    assert!(apart.fold(0.0, f32::max) < 1e-6);
    assert_ne!(bits(&left), bits(&right));
}

#[test]
fn a_moving_send_is_a_ramp_and_nothing_else() {
    let (mut still, mut moving) = (reverb(), reverb());
    let count = 48_000;
    let dry = noise(count);
    let (mut one, mut other) = (dry.clone(), dry.clone());
    still.snap(SEND, 1.0);
    moving.snap(SEND, 1.0);
    moving.set(SEND, 0.25, 9_600);
    still.process(0, &mut [&mut one]);
    moving.process(0, &mut [&mut other]);
    let ramp = moving.send.ramp;
    let wrong = (0i64..).zip(dry.iter().zip(one.iter().zip(&other))).map(|(at, (dry, (one, other)))| {
        f64::from(*other) - f64::from(*dry) - ramp.value(at) * (f64::from(*one) - f64::from(*dry))
    });
    let residual: f64 = wrong.map(|wrong| wrong * wrong).sum();
    assert!(10.0 * (residual / energy(&dry)).log10() < -80.0);
}

#[test]
fn nan_and_infinity_pass_and_leave_no_trace() {
    let mut clean = noise(9_600);
    clean[1_000] = 0.0;
    clean[1_001] = 0.0;
    let mut broken = clean.clone();
    broken[1_000] = f32::NAN;
    broken[1_001] = f32::NEG_INFINITY;
    for samples in [&mut clean, &mut broken] {
        let mut section = reverb();
        section.snap(SEND, 1.0);
        section.process(0, &mut [samples]);
    }
    assert!(broken[1_000].is_nan() && broken[1_001].is_infinite());
    assert_eq!(bits(&clean[1_002..]), bits(&broken[1_002..]));
}

#[test]
fn no_subnormal_goes_out_and_silence_becomes_exact() {
    let mut section = reverb();
    for id in FIRST..PREDELAY {
        section.snap(id, 0.1);
    }
    section.snap(SEND, 1.0);
    let mut samples = noise(3 * 48_000);
    samples[4_800..].fill(f32::from_bits(0x007f_ffff));
    section.process(0, &mut [&mut samples]);
    assert!(samples.iter().all(|sample| !sample.is_subnormal()));
    assert!(samples[samples.len() - 100..].iter().all(|sample| sample.to_bits() == 0));
}

#[test]
fn over_a_jump_the_room_goes_on() {
    let (mut straight, mut jumping) = (reverb(), reverb());
    let (mut one, mut other) = (noise(40_000), noise(40_000));
    for section in [&mut straight, &mut jumping] {
        section.snap(SEND, 1.0);
    }
    straight.process(0, &mut [&mut one]);
    jumping.process(0, &mut [&mut other[..20_000]]);
    jumping.rebase(960_000);
    jumping.process(980_000, &mut [&mut other[20_000..]]);
    assert_eq!(bits(&one), bits(&other));
}
