//! High-pass: a gentle cut of what lies below the dip's range.
//!
//! A trapezoidal (TPT) one-pole low-pass is taken off the sound, as much of it as is asked for. At a mix
//! of 1 it is a high-pass of 6 dB per octave; between 0 and 1, a low shelf. Minimum phase throughout.

use std::f64::consts::PI;

use crate::denormal::{flush, settled};
use crate::section::{CHANNELS, Declaration, Section};
use crate::value::Value;

/// Name of the section in the declarations.
pub const NAME: &str = "high_pass";

/// Where a mix of 1 is 3 dB down.
pub const CORNER_HZ: f64 = 250.0;

/// The section `high_pass`: `high_pass_mix` is the share of the low-pass that is taken off.
///
/// At rest at exactly 0 it does not touch a sample, and forgets. It forgets and treats NaN and infinity as
/// [`crate::Dip`] does.
#[derive(Debug)]
pub struct HighPass {
    mix: Value,
    /// How far the input moves the low-pass in a sample.
    share: f64,
    states: [f64; CHANNELS],
    /// The sample that comes next unless the stream has a hole.
    next: i64,
}

impl HighPass {
    /// A high-pass at the neutral value of its parameter; `None` unless that is declared.
    #[must_use]
    pub fn new(rate: u32, declarations: &[Declaration]) -> Option<HighPass> {
        let g = (PI * CORNER_HZ / f64::from(rate)).tan();
        let mix = Value::named("high_pass_mix", rate, declarations)?;
        Some(HighPass { mix, share: g / (1.0 + g), states: [0.0; CHANNELS], next: 0 })
    }

    fn forget(&mut self) {
        self.states = [0.0; CHANNELS];
    }
}

impl Section for HighPass {
    fn set(&mut self, id: u16, target: f64, position: i64) -> bool {
        let known = self.mix.id == id;
        if known {
            self.mix.set(target, position);
        }
        known
    }

    fn snap(&mut self, id: u16, target: f64) -> bool {
        let known = self.mix.id == id;
        if known {
            self.mix.ramp.snap(target);
            self.forget();
        }
        known
    }

    fn rebase(&mut self, offset: i64) {
        self.mix.ramp.rebase(offset);
        self.next = self.next.saturating_add(offset);
    }

    #[allow(clippy::cast_possible_truncation)]
    fn process(&mut self, position: i64, channels: &mut [&mut [f32]]) {
        if position != self.next {
            self.forget();
        }
        let frames = channels.iter().map(|channel| channel.len()).max().unwrap_or(0);
        self.next = position.saturating_add(i64::try_from(frames).unwrap_or(i64::MAX));
        let mut at = position;
        for index in 0..frames {
            if self.mix.rests_at_0(at) {
                self.forget();
                return;
            }
            let mix = self.mix.ramp.value(at);
            for (channel, state) in channels.iter_mut().zip(&mut self.states) {
                let Some(sample) = channel.get_mut(index) else { continue };
                let input = if sample.is_finite() { f64::from(flush(*sample)) } else { 0.0 };
                let step = (input - *state) * self.share;
                let low = *state + step;
                *state = settled(low + step);
                if sample.is_finite() {
                    *sample = flush((input - mix * low) as f32);
                }
            }
            at = at.saturating_add(1);
        }
    }

    /// What a filter does to the level depends on the sound, so it says nothing.
    fn level_change(&self, _position: i64) -> f64 {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::HighPass;
    use crate::ramp::Pace;
    use crate::section::{Declaration, Section};

    const MIX: u16 = 9;
    const RATE: u32 = 48_000;

    fn high_pass(mix: f64) -> HighPass {
        let pace = Pace { ramp_ms: 50.0, slew_per_s: 2.0 };
        let declared =
            Declaration { id: MIX, name: "high_pass_mix", section: "high_pass", neutral: 0.0, pace };
        let mut section = HighPass::new(RATE, &[declared]).expect("declared");
        assert!(section.snap(MIX, mix));
        section
    }

    #[allow(clippy::cast_possible_truncation)]
    fn tone(hz: f64, frames: u32) -> Vec<f32> {
        let step = std::f64::consts::TAU * hz / f64::from(RATE);
        (0..frames).map(|n| (0.5 * (step * f64::from(n)).sin()) as f32).collect()
    }

    fn bits(samples: &[f32]) -> Vec<u32> {
        samples.iter().map(|sample| sample.to_bits()).collect()
    }

    #[test]
    fn at_rest_at_0_every_bit_pattern_passes() {
        let patterns = [1u32, 0x8000_0001, 0x7f80_0001, 0x7fc0_1234, 0xff80_0000, 0x3f80_0000, 0x0040_0000];
        let mut samples: Vec<f32> = patterns.iter().map(|&bits| f32::from_bits(bits)).collect();
        let mut section = high_pass(0.0);
        section.process(-3, &mut [&mut samples]);
        section.snap(MIX, 0.5);
        section.set(MIX, 0.0, 100);
        section.process(1_000_000, &mut [&mut samples]);
        assert_eq!(bits(&samples), patterns);
    }

    #[test]
    fn it_is_3_db_down_at_250_hz_and_falls_by_6_db_per_octave_below() {
        for (hz, expected) in [(250.0, -3.01), (62.5, -12.30), (31.25, -18.13), (2_500.0, -0.04)] {
            let mut samples = tone(hz, RATE);
            high_pass(1.0).process(0, &mut [&mut samples]);
            let peak = samples[24_000..].iter().fold(0.0f32, |peak, sample| sample.abs().max(peak));
            let change = 20.0 * (f64::from(peak) / 0.5).log10();
            assert!((change - expected).abs() < 0.05, "{change} dB at {hz} Hz");
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
            high_pass(1.0).process(0, &mut [samples]);
        }
        assert!(broken[1_000].is_nan() && broken[1_001].is_infinite());
        assert_eq!(bits(&clean[1_002..]), bits(&broken[1_002..]));
    }

    #[test]
    fn it_begins_from_rest_after_a_hole_and_goes_on_over_a_jump() {
        let render = |section: &mut HighPass, position| {
            let mut samples = tone(300.0, 480);
            section.process(position, &mut [&mut samples]);
            bits(&samples)
        };
        let expected = render(&mut high_pass(1.0), 0);
        let mut used = high_pass(1.0);
        render(&mut used, 0);
        assert_ne!(render(&mut used, 480), expected, "it goes on");
        assert_eq!(render(&mut used, 2_000), expected, "after a hole");
        used.rebase(10_000);
        assert_ne!(render(&mut used, 12_480), expected, "over a jump it goes on");
    }
}
