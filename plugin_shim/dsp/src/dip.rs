//! Dip: one bell that cuts, with moving depth and centre.
//!
//! A trapezoidal (TPT) state-variable filter, which stays stable and quiet while it moves. Coefficients
//! are worked out anew for every sample that moves and are functions of the position alone.

use std::f64::consts::{LOG2_10, PI};

use crate::denormal::{flush, settled};
use crate::section::{CHANNELS, Declaration, Section};
use crate::value::Value;

/// Name of the section in the declarations.
pub const NAME: &str = "dip";

/// Width of the bell; a cut of any depth has its half, in decibels, at the same two frequencies.
pub const Q: f64 = 0.7;

/// The section `dip`: `dip_db` is the gain of the bell at its centre, `dip_hz` the centre.
///
/// At rest at exactly 0 dB it does not touch a sample, and forgets: the filter begins from rest when it
/// is used again. It forgets too when its values are set at once, and where the stream has a hole; it
/// goes on over a jump of the timeline, because what is heard goes on. NaN and infinity pass, and count
/// as silence inside.
#[derive(Debug)]
pub struct Dip {
    rate: f64,
    depth: Value,
    centre: Value,
    states: [[f64; 2]; CHANNELS],
    /// The sample that comes next unless the stream has a hole.
    next: i64,
}

impl Dip {
    /// A bell at the neutral values of its parameters; `None` unless both are declared.
    #[must_use]
    pub fn new(rate: u32, declarations: &[Declaration]) -> Option<Dip> {
        Some(Dip {
            rate: f64::from(rate),
            depth: Value::named("dip_db", rate, declarations)?,
            centre: Value::named("dip_hz", rate, declarations)?,
            states: [[0.0; 2]; CHANNELS],
            next: 0,
        })
    }

    fn value(&mut self, id: u16) -> Option<&mut Value> {
        [&mut self.depth, &mut self.centre].into_iter().find(|value| value.id == id)
    }

    fn forget(&mut self) {
        self.states = [[0.0; 2]; CHANNELS];
    }

    fn bell(&self, position: i64) -> Bell {
        Bell::new(self.depth.ramp.value(position), self.centre.ramp.value(position), self.rate)
    }
}

impl Section for Dip {
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
        self.depth.ramp.rebase(offset);
        self.centre.ramp.rebase(offset);
        self.next = self.next.saturating_add(offset);
    }

    fn process(&mut self, position: i64, channels: &mut [&mut [f32]]) {
        if position != self.next {
            self.forget();
        }
        let frames = channels.iter().map(|channel| channel.len()).max().unwrap_or(0);
        let mut at = position;
        self.next = position.saturating_add(i64::try_from(frames).unwrap_or(i64::MAX));
        let mut bell = self.bell(at);
        for index in 0..frames {
            if self.depth.rests_at_0(at) {
                // Nothing is set before the end of this stretch, so the rest of it rests too.
                self.forget();
                return;
            }
            let before = at.saturating_sub(1);
            if self.depth.ramp.moves(before) || self.centre.ramp.moves(before) {
                bell = self.bell(at);
            }
            for (channel, state) in channels.iter_mut().zip(&mut self.states) {
                if let Some(sample) = channel.get_mut(index) {
                    *sample = bell.filter(*sample, state);
                }
            }
            at = at.saturating_add(1);
        }
    }

    /// What a bell does to the level depends on the sound, so it says nothing.
    fn level_change(&self, _position: i64) -> f64 {
        0.0
    }
}

/// The filter at one depth and centre.
#[derive(Clone, Copy, Debug)]
struct Bell {
    /// How far the states and the input move the band-pass and low-pass outputs.
    a1: f64,
    a2: f64,
    a3: f64,
    /// Share of the band-pass in the output.
    band: f64,
}

impl Bell {
    fn new(depth_db: f64, centre_hz: f64, rate: f64) -> Bell {
        let amplitude = (depth_db * (LOG2_10 / 40.0)).exp2();
        let g = (PI * centre_hz / rate).tan();
        let k = 1.0 / (Q * amplitude);
        let a1 = 1.0 / (1.0 + g * (g + k));
        let a2 = g * a1;
        Bell { a1, a2, a3: g * a2, band: k * (amplitude * amplitude - 1.0) }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn filter(&self, sample: f32, [first, second]: &mut [f64; 2]) -> f32 {
        let input = if sample.is_finite() { f64::from(flush(sample)) } else { 0.0 };
        let rest = input - *second;
        let band = self.a1 * *first + self.a2 * rest;
        let low = *second + self.a2 * *first + self.a3 * rest;
        *first = settled(2.0 * band - *first);
        *second = settled(2.0 * low - *second);
        if sample.is_finite() { flush((input + self.band * band) as f32) } else { sample }
    }
}

#[cfg(test)]
#[path = "dip_tests.rs"]
mod tests;
