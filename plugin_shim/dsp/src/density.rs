//! Density: parallel compression, the sound and its compressed copy in one.
//!
//! One gain for all channels follows their power, averaged and let go of slowly. The copy is compressed from a threshold on and
//! made up so that a sound [`BELOW_DB`] above the threshold is as loud as it was: the service puts the
//! threshold so far below the track's level, so quiet passages come up and loud ones go down a little.

use std::f64::consts::{LOG2_10, LOG10_2};

use crate::denormal::{flush, settled};
use crate::section::{Declaration, Section};
use crate::value::Value;

/// Name of the section in the declarations.
pub const NAME: &str = "density";

/// How far the threshold lies below the level that stays as it is, dB.
pub const BELOW_DB: f64 = 12.0;
/// Share of what is over the threshold that the copy loses: a ratio of 4.
pub const SLOPE: f64 = 0.75;
/// The copy bends over this many dB around the threshold.
pub const KNEE_DB: f64 = 6.0;
/// From the first so far below the threshold on, the copy is made up less, from the second on not at all:
/// what leaks into a microphone, and noise, are not lifted.
pub const FLOOR_DB: [f64; 2] = [24.0, 42.0];
/// Over how long the power is averaged, and how fast it is let go of, time constants in s.
pub const MEAN_S: f64 = 0.01;
/// See [`MEAN_S`].
pub const RELEASE_S: f64 = 0.15;

/// Power that counts as silence, and the most that counts: absurd samples are soon forgotten.
const POWERS: [f64; 2] = [1e-12, 1e4];

/// The section `density`: `density_threshold_db` is where compression begins, `density_mix` the share of the
/// compressed copy.
///
/// At rest at a mix of exactly 0 it does not touch a sample, and forgets. It forgets and treats NaN and
/// infinity as [`crate::Dip`] does.
#[derive(Debug)]
pub struct Density {
    threshold: Value,
    mix: Value,
    averaging: f64,
    release: f64,
    /// Power of the sound, averaged, and as it is held, full scale 1.
    mean: f64,
    held: f64,
    /// The sample that comes next unless the stream has a hole.
    next: i64,
}

impl Density {
    /// Density at the neutral values of its parameters; `None` unless both are declared.
    #[must_use]
    pub fn new(rate: u32, declarations: &[Declaration]) -> Option<Density> {
        let share = |seconds: f64| 1.0 - (-1.0 / (seconds * f64::from(rate))).exp();
        Some(Density {
            threshold: Value::named("density_threshold_db", rate, declarations)?,
            mix: Value::named("density_mix", rate, declarations)?,
            averaging: share(MEAN_S),
            release: share(RELEASE_S),
            mean: 0.0,
            held: 0.0,
            next: 0,
        })
    }

    fn value(&mut self, id: u16) -> Option<&mut Value> {
        [&mut self.threshold, &mut self.mix].into_iter().find(|value| value.id == id)
    }

    fn forget(&mut self) {
        (self.mean, self.held) = (0.0, 0.0);
    }

    /// Takes the sample `index` of the channels in, and returns the factor for it at `position`.
    fn factor(&mut self, position: i64, channels: &[&mut [f32]], index: usize) -> f64 {
        let finite = |sample: &f32| if sample.is_finite() { f64::from(flush(*sample)) } else { 0.0 };
        let squares = channels.iter().filter_map(|channel| channel.get(index)).map(finite);
        // At most two channels: exact.
        #[allow(clippy::cast_precision_loss)]
        let power = squares.map(|sample| sample * sample).sum::<f64>() / channels.len().max(1) as f64;
        let power = power.min(POWERS[1]);
        self.mean = settled(self.mean + (power - self.mean) * self.averaging);
        self.held = settled((self.held + (self.mean - self.held) * self.release).max(self.mean));
        let mix = self.mix.ramp.value(position);
        let decibels = copy_db(level_db(self.held) - self.threshold.ramp.value(position));
        1.0 + mix * ((decibels * (LOG2_10 / 20.0)).exp2() - 1.0)
    }
}

impl Section for Density {
    fn set(&mut self, id: u16, target: f64, position: i64) -> bool {
        self.value(id).map(|value| value.set(target, position)).is_some()
    }

    fn snap(&mut self, id: u16, target: f64) -> bool {
        let found = self.value(id).map(|value| value.ramp.snap(target)).is_some();
        if found {
            self.forget();
        }
        found
    }

    fn rebase(&mut self, offset: i64) {
        self.threshold.ramp.rebase(offset);
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
            let factor = self.factor(at, channels, index);
            for channel in channels.iter_mut() {
                if let Some(sample) = channel.get_mut(index).filter(|sample| sample.is_finite()) {
                    *sample = flush((f64::from(flush(*sample)) * factor) as f32);
                }
            }
            at = at.saturating_add(1);
        }
    }

    /// What it does to the level depends on the sound, so it says nothing.
    fn level_change(&self, _position: i64) -> f64 {
        0.0
    }
}

fn level_db(power: f64) -> f64 {
    10.0 * LOG10_2 * power.max(POWERS[0]).log2()
}

/// Gain of the compressed copy in dB at `over` dB above the threshold.
fn copy_db(over: f64) -> f64 {
    let [from, to] = FLOOR_DB;
    let bent = (over + 0.5 * KNEE_DB).clamp(0.0, KNEE_DB);
    let lost = bent * bent / (2.0 * KNEE_DB) + (over - 0.5 * KNEE_DB).max(0.0);
    let floor = ((-over - from) / (to - from)).clamp(0.0, 1.0);
    SLOPE * (BELOW_DB * (1.0 - floor) - lost)
}

#[cfg(test)]
#[path = "density_tests.rs"]
mod tests;
