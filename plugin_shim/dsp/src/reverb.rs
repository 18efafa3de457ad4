//! Reverb: the room of the live sources around a track, beside its own sound, which is not delayed.
//!
//! The room hears the mean of the channels and answers with a middle, the same in both channels, and a side
//! that is added to the left and taken from the right: the two correlate by 0.6, and summed to mono only the
//! middle is left, so the sum has no comb and loses at most 1 dB. Decay filters are worked out anew at
//! positions that are multiples of [`STEP`] while reverberation times move; levels and pre-delay move by the
//! sample. The service sends reverberation times, which mean the same at every sample rate; what filters they
//! need is a product of a small matrix and some formulas ([`decay`]), cheap enough for the audio thread.

mod decay;
mod line;
mod network;

use decay::BANDS;
use network::Network;

use crate::denormal::flush;
use crate::section::{Declaration, Section};
use crate::value::Value;

/// Name of the section in the declarations.
pub const NAME: &str = "reverb";

/// Longest time in s that it sounds on: the longest reverberation time and pre-delay that are declared.
pub const TAIL_S: f64 = 4.1;

/// Samples between two settings of the decay filters.
const STEP: i64 = 64;

/// Level of the side beside the middle: 0.5 makes the channels correlate by (1 - 0.25) / (1 + 0.25) = 0.6.
const SIDE: f64 = 0.5;

/// Reverberation times by octave, as declared.
const T60_NAMES: [&str; BANDS] =
    ["t60_125_s", "t60_250_s", "t60_500_s", "t60_1000_s", "t60_2000_s", "t60_4000_s", "t60_8000_s"];

/// The section `reverb`: `reverb_send` is the level of the room, `t60_…_s` its reverberation times,
/// `predelay_ms` when it begins to answer.
///
/// At a send of 1 the room's answer has the energy of the track itself, for white noise to 8 kHz, summed to
/// mono. At rest at exactly 0 it does not touch a sample, and forgets. It forgets too when its send is set at
/// once, and where the stream has a hole; it goes on over a jump of the timeline, because what is heard goes
/// on. NaN and infinity pass, and count as silence inside.
#[derive(Debug)]
pub struct Reverb {
    send: Value,
    t60: [Value; BANDS],
    predelay: Value,
    network: Network,
    /// The network is silent, and its filters may be those of another time.
    silent: bool,
    /// The sample that comes next unless the stream has a hole.
    next: i64,
}

impl Reverb {
    /// A silent room; `None` unless all parameters are declared. Allocates.
    #[must_use]
    pub fn new(rate: u32, declarations: &[Declaration]) -> Option<Reverb> {
        let named = |name: &str| Value::named(name, rate, declarations);
        let [a, b, c, d, e, f, g] = T60_NAMES.map(named);
        Some(Reverb {
            send: named("reverb_send")?,
            t60: [a?, b?, c?, d?, e?, f?, g?],
            predelay: named("predelay_ms")?,
            network: Network::new(rate),
            silent: true,
            next: 0,
        })
    }

    fn values(&mut self) -> impl Iterator<Item = &mut Value> {
        [&mut self.send, &mut self.predelay].into_iter().chain(&mut self.t60)
    }

    fn forget(&mut self) {
        if !self.silent {
            self.network.forget();
            self.silent = true;
        }
    }

    /// What is to be done before the sample at `at`.
    fn control(&mut self, at: i64) {
        let begins = self.silent;
        if begins || at.rem_euclid(STEP) == 0 {
            let before = at.saturating_sub(STEP);
            if begins || self.t60.iter().any(|value| value.ramp.moves(before)) {
                let t60 = self.t60.each_ref().map(|value| value.ramp.value(at));
                #[allow(clippy::cast_precision_loss)] // A small constant.
                self.network.set(&t60, (!begins).then_some(STEP as f64));
            } else {
                self.network.rest();
            }
            self.network.settle();
            self.silent = false;
        }
    }
}

impl Section for Reverb {
    fn set(&mut self, id: u16, target: f64, position: i64) -> bool {
        self.values().find(|value| value.id == id).map(|value| value.set(target, position)).is_some()
    }

    fn snap(&mut self, id: u16, target: f64) -> bool {
        let found = self.values().find(|value| value.id == id).map(|value| value.ramp.snap(target)).is_some();
        if found {
            self.forget();
        }
        found
    }

    fn rebase(&mut self, offset: i64) {
        for value in self.values() {
            value.ramp.rebase(offset);
        }
        self.next = self.next.saturating_add(offset);
    }

    fn process(&mut self, position: i64, channels: &mut [&mut [f32]]) {
        if position != self.next {
            self.forget();
        }
        let frames = channels.iter().map(|channel| channel.len()).max().unwrap_or(0);
        let mut at = position;
        self.next = position.saturating_add(i64::try_from(frames).unwrap_or(i64::MAX));
        let share = if channels.len() > 1 { 0.5 } else { 1.0 };
        for index in 0..frames {
            if !self.send.ramp.moves(at) && self.send.ramp.target() == 0.0 {
                // Nothing is set before the end of this stretch, so the rest of it rests too.
                self.forget();
                return;
            }
            self.control(at);
            let input = channels.iter().filter_map(|channel| channel.get(index)).map(|&sample| heard(sample));
            let predelay = self.predelay.ramp.value(at) * self.network.per_ms();
            let [middle, side] = self.network.process(share * input.sum::<f64>(), predelay);
            let send = self.send.ramp.value(at);
            let sides = if channels.len() > 1 { [SIDE * side, -SIDE * side] } else { [0.0; 2] };
            for (channel, side) in channels.iter_mut().zip(sides) {
                if let Some(sample) = channel.get_mut(index) {
                    *sample = beside(*sample, send * (middle + side));
                }
            }
            at = at.saturating_add(1);
        }
    }

    /// What a room does to the level depends on the sound, so it says nothing.
    fn level_change(&self, _position: i64) -> f64 {
        0.0
    }
}

/// What the room hears of a sample.
#[inline]
fn heard(sample: f32) -> f64 {
    if sample.is_finite() { f64::from(flush(sample)) } else { 0.0 }
}

/// `sample` with `wet` added, where it is a number.
#[inline]
#[allow(clippy::cast_possible_truncation)]
fn beside(sample: f32, wet: f64) -> f32 {
    if sample.is_finite() { flush((f64::from(sample) + wet) as f32) } else { sample }
}

#[cfg(test)]
#[path = "reverb_tests.rs"]
mod tests;
