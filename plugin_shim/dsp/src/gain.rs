//! Gain: decibel ramps, summed, applied as one factor per sample.

use crate::denormal::flush;
use crate::ramp::{Pace, Ramp};
use crate::section::{Declaration, Section};

/// Factors are worked out for this many samples at a time.
const STRETCH: usize = 64;

/// Name of the section in the declarations.
pub const NAME: &str = "gain";

/// The section `gain`: every parameter declared for it is a gain in dB; they add up.
///
/// At rest at exactly 0 dB it does not touch a sample: NaN and subnormal numbers pass bit for bit.
/// Otherwise subnormal input and output become zero; NaN and infinity pass, nothing remembers them.
#[derive(Debug)]
pub struct Gain {
    rate: u32,
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    id: u16,
    pace: Pace,
    ramp: Ramp,
}

impl Gain {
    /// A gain at the neutral values of its parameters. Allocates.
    #[must_use]
    pub fn new(rate: u32, declarations: &[Declaration]) -> Gain {
        let parts = declarations.iter().map(|declaration| Part {
            id: declaration.id,
            pace: declaration.pace,
            ramp: Ramp::still(declaration.neutral),
        });
        Gain { rate, parts: parts.collect() }
    }

    fn decibels(&self, position: i64) -> f64 {
        self.parts.iter().map(|part| part.ramp.value(position)).sum()
    }

    /// Samples from `position` on that move before everything is at rest.
    fn moving(&self, position: i64) -> usize {
        let ends = self.parts.iter().filter(|part| part.ramp.moves(position)).map(|part| part.ramp.end());
        let left = ends.max().map_or(0, |end| end.saturating_sub(position));
        usize::try_from(left).unwrap_or(usize::MAX)
    }
}

impl Section for Gain {
    fn set(&mut self, id: u16, target: f64, position: i64) -> bool {
        let rate = self.rate;
        let part = self.parts.iter_mut().find(|part| part.id == id);
        part.map(|part| part.ramp.set(target, position, part.pace, rate)).is_some()
    }

    fn snap(&mut self, id: u16, target: f64) -> bool {
        let part = self.parts.iter_mut().find(|part| part.id == id);
        part.map(|part| part.ramp.snap(target)).is_some()
    }

    fn rebase(&mut self, offset: i64) {
        for part in &mut self.parts {
            part.ramp.rebase(offset);
        }
    }

    fn process(&mut self, position: i64, channels: &mut [&mut [f32]]) {
        let frames = channels.iter().map(|channel| channel.len()).max().unwrap_or(0);
        let moving = self.moving(position).min(frames);
        let mut factors = [0.0f32; STRETCH];
        let mut done = 0;
        let mut at = position;
        while done < moving {
            let count = STRETCH.min(moving - done);
            let mut decibels = [-0.0; STRETCH];
            for part in &self.parts {
                part.ramp.add_to(at, &mut decibels[..count]);
            }
            for (factor, decibels) in factors[..count].iter_mut().zip(decibels) {
                *factor = amplitude(decibels);
            }
            for channel in channels.iter_mut() {
                for (sample, factor) in channel[done..done + count].iter_mut().zip(&factors) {
                    *sample = flush(flush(*sample) * factor);
                }
            }
            done += count;
            at = at.saturating_add(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let decibels = self.decibels(at);
        if decibels == 0.0 {
            return;
        }
        let factor = amplitude(decibels);
        for channel in channels.iter_mut() {
            for sample in channel.iter_mut().skip(moving) {
                *sample = flush(flush(*sample) * factor);
            }
        }
    }

    fn level_change(&self, position: i64) -> f64 {
        self.decibels(position)
    }
}

/// `10 ^ (decibels / 20)`; exactly 1 at 0 dB.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn amplitude(decibels: f64) -> f32 {
    const OCTAVES_PER_DECIBEL: f64 = std::f64::consts::LOG2_10 / 20.0;
    (decibels * OCTAVES_PER_DECIBEL).exp2() as f32
}

#[cfg(test)]
mod tests {
    use super::{Gain, amplitude};
    use crate::ramp::Pace;
    use crate::section::{Declaration, Section};

    fn gain() -> Gain {
        let pace = Pace { ramp_ms: 50.0, slew_per_s: 48.0 };
        let declare = |id| Declaration { id, name: "gain_db", section: "gain", neutral: 0.0, pace };
        Gain::new(48_000, &[declare(1), declare(2)])
    }

    #[test]
    fn at_rest_at_0_db_every_bit_pattern_passes() {
        let patterns = [1u32, 0x8000_0001, 0x7f80_0001, 0x7fc0_1234, 0xff80_0000, 0x3f80_0000, 0x0040_0000];
        let mut samples: Vec<f32> = patterns.iter().map(|&bits| f32::from_bits(bits)).collect();
        let mut section = gain();
        section.process(-3, &mut [&mut samples]);
        section.set(1, 6.0, 0);
        section.set(2, -6.0, 0);
        section.process(1_000_000, &mut [&mut samples]);
        let after: Vec<u32> = samples.iter().map(|sample| sample.to_bits()).collect();
        assert_eq!(after, patterns);
    }

    #[test]
    fn at_any_other_gain_no_subnormal_goes_in_or_out() {
        let mut samples = [f32::from_bits(0x007f_ffff), f32::MIN_POSITIVE, 1.0];
        let mut section = gain();
        section.snap(1, 20.0);
        section.process(0, &mut [&mut samples]);
        assert_eq!(samples[0].to_bits(), 0);
        assert!((samples[2] - 10.0).abs() < 1e-6);
        section.snap(1, -20.0);
        let mut samples = [f32::MIN_POSITIVE, -f32::MIN_POSITIVE];
        section.process(0, &mut [&mut samples]);
        assert_eq!(samples.map(f32::to_bits), [0, 0x8000_0000]);
    }

    #[test]
    fn nan_and_infinity_pass_and_leave_no_trace() {
        let mut section = gain();
        section.snap(1, -6.0);
        let mut samples = [f32::NAN, f32::INFINITY, 1.0];
        section.process(0, &mut [&mut samples]);
        assert!(samples[0].is_nan() && samples[1].is_infinite());
        assert_eq!(samples[2].to_bits(), amplitude(-6.0).to_bits());
    }

    #[test]
    fn an_unknown_parameter_is_refused() {
        assert!(!gain().set(99, 1.0, 0));
        assert!(!gain().snap(99, 1.0));
    }
}
