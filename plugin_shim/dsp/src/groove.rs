//! Groove: a delay line whose reading point jumps in the gaps before onsets.
//!
//! The section is late by a fixed look-ahead, and a little more or less where its shift says so. Samples are
//! copied: pitch never moves. A new shift is reached by one splice that ends shortly before the slot that it
//! is for, where both readings differ least. Everything happens at positions that follow from positions.

use crate::denormal::flush;
use crate::section::{Declaration, Section};

/// Name of the section in the declarations.
pub const NAME: &str = "groove";

/// How late the section is without a shift: what the largest advance, a fade and the search for its place need.
const LOOK_AHEAD_MS: i64 = 60;

/// Largest shift either way.
const LARGEST_MS: i64 = 40;

/// Length of a fade, how long it is over before the slot, and how far before that its place is looked for.
const FADE_MS: i64 = 8;
const CLEAR_MS: i64 = 3;
const SEARCH_MS: i64 = 24;

/// Most channels of a track.
const CHANNELS: usize = 2;

/// Samples by which the section is late at `rate` Hz.
#[must_use]
pub fn look_ahead(rate: u32) -> u32 {
    u32::try_from(samples(LOOK_AHEAD_MS, i64::from(rate))).unwrap_or(0)
}

/// The section `groove`: `groove_ms` is how late the track is to play, `groove_slot_ms` how long after the
/// sample at which both are set the slot begins that it is for.
///
/// Times inside count the samples that came in, so the timeline may jump. Where the stream has a hole the line
/// begins with silence.
#[derive(Debug)]
pub struct Groove {
    shift_id: u16,
    slot_id: u16,
    rate: i64,
    lines: [Vec<f32>; CHANNELS],
    /// Position that counts as time 0, and the time of the sample that comes next.
    origin: i64,
    next: i64,
    /// In force, in samples; late is positive.
    shift: i64,
    wanted: Option<Wanted>,
    splice: Option<Splice>,
    /// Share of the new reading at each sample of a fade.
    fade: Vec<f32>,
    /// Sums of the differences of two readings.
    sums: Vec<f64>,
}

/// A shift that was asked for at a time, and the slot that it is for.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    shift: i64,
    at: i64,
    slot: Option<i64>,
}

/// From the shift `before` to the one in force, fading from time `begin` on.
#[derive(Clone, Copy, Debug)]
struct Splice {
    before: i64,
    begin: i64,
}

impl Groove {
    /// A line of silence without a shift; `None` unless both parameters are declared. Allocates.
    #[must_use]
    pub fn new(rate: u32, declarations: &[Declaration]) -> Option<Groove> {
        let id =
            |name| declarations.iter().find(|declared| declared.name == name).map(|declared| declared.id);
        let rate = i64::from(rate);
        let held = samples(LOOK_AHEAD_MS + LARGEST_MS + FADE_MS + SEARCH_MS, rate);
        let held = usize::try_from(held).unwrap_or(0).next_power_of_two();
        let length = samples(FADE_MS, rate);
        Some(Groove {
            shift_id: id("groove_ms")?,
            slot_id: id("groove_slot_ms")?,
            rate,
            lines: [vec![0.0; held], vec![0.0; held]],
            origin: 0,
            next: i64::MIN,
            shift: 0,
            wanted: None,
            splice: None,
            fade: (0..length).map(|index| share(index, length)).collect(),
            sums: vec![0.0; usize::try_from(samples(SEARCH_MS, rate) + length + 1).unwrap_or(0)],
        })
    }

    fn samples(&self, ms: i64) -> i64 {
        samples(ms, self.rate)
    }

    /// A shift in whole samples, towards zero so that no limit is passed.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    fn late(&self, ms: f64) -> i64 {
        let most = self.samples(LARGEST_MS);
        ((ms * self.rate as f64 / 1000.0) as i64).clamp(-most, most)
    }

    /// The nearest number of samples.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    fn nearest(&self, ms: f64) -> i64 {
        (ms * self.rate as f64 / 1000.0).round() as i64
    }

    /// The first and the last time at which the splice to `wanted` may begin; the first is when it is decided.
    fn window(&self, wanted: &Wanted) -> (i64, i64) {
        let earliest = self.shift.min(wanted.shift);
        let free =
            self.splice.map_or(wanted.at, |splice| splice.begin + self.samples(FADE_MS)).max(wanted.at);
        // What a fade that begins later would read has not come in yet when it is decided now.
        let room = self.samples(LOOK_AHEAD_MS) - self.samples(FADE_MS) + earliest;
        let Some(slot) = wanted.slot else {
            return (free, free + room.min(self.samples(SEARCH_MS)));
        };
        let last = slot + room - self.samples(CLEAR_MS);
        let first = free.max(slot - self.samples(CLEAR_MS)).max(last - self.samples(SEARCH_MS));
        (first, last.max(first))
    }

    /// The sample of a channel at `time`.
    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn read(line: &[f32], time: i64) -> f32 {
        line[time as usize & (line.len() - 1)]
    }

    /// Where from `first` to `last` both readings differ least over a fade; the latest of equals.
    fn place(&mut self, first: i64, last: i64, shift: i64) -> i64 {
        let behind = self.samples(LOOK_AHEAD_MS);
        let (old, new) = (behind + self.shift, behind + shift);
        let mut sum = 0.0;
        for (time, place) in (first..).zip(self.sums.iter_mut()) {
            *place = sum;
            for line in &self.lines {
                let apart = f64::from(Self::read(line, time - old)) - f64::from(Self::read(line, time - new));
                if apart.is_finite() {
                    sum += apart * apart;
                }
            }
        }
        let mut best = (f64::INFINITY, first);
        for (begin, (from, to)) in (first..=last).zip(self.sums.iter().zip(&self.sums[self.fade.len()..])) {
            if to - from <= best.0 {
                best = (to - from, begin);
            }
        }
        best.1
    }

    /// Decides what is due at `time`, the sample before which came in already.
    fn decide(&mut self, time: i64) {
        let length = self.samples(FADE_MS);
        if self.splice.is_some_and(|splice| splice.begin + length <= time) {
            self.splice = None;
        }
        let Some(wanted) = self.wanted else { return };
        if wanted.shift == self.shift {
            self.wanted = None;
            return;
        }
        let (first, last) = self.window(&wanted);
        if first <= time && self.splice.is_none() {
            let begin = self.place(time, last.max(time), wanted.shift);
            self.splice = Some(Splice { before: self.shift, begin });
            self.shift = wanted.shift;
            self.wanted = None;
        }
    }

    /// The next time after `time` at which something may be decided.
    fn pause(&self, time: i64) -> i64 {
        let decided = self.wanted.map(|wanted| self.window(&wanted).0);
        let over = self.splice.map(|splice| splice.begin + self.samples(FADE_MS));
        [decided, over].into_iter().flatten().filter(|&at| at > time).min().unwrap_or(i64::MAX)
    }

    /// Takes the samples of `stretch` in and gives those that are due instead; the first is at `time`.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn pass(&mut self, time: i64, channel: usize, stretch: &mut [f32]) {
        let behind = samples(LOOK_AHEAD_MS, self.rate) + self.shift;
        let line = &mut self.lines[channel];
        let last = line.len() - 1;
        for (at, sample) in (time..).zip(stretch) {
            line[at as usize & last] = *sample;
            let new = Self::read(line, at - behind);
            *sample = match self.splice {
                None => new,
                Some(Splice { before, begin }) => {
                    let old = Self::read(line, at - behind + self.shift - before);
                    match usize::try_from(at - begin).map(|index| self.fade.get(index)) {
                        Err(_) => old,
                        Ok(Some(share)) => flush(old + share * (new - old)),
                        Ok(None) => new,
                    }
                }
            };
        }
    }
}

impl Section for Groove {
    fn set(&mut self, id: u16, target: f64, position: i64) -> bool {
        let at = position.saturating_sub(self.origin);
        if id == self.shift_id {
            self.wanted = Some(Wanted { shift: self.late(target), at, slot: None });
        } else if id == self.slot_id {
            let slot = at.saturating_add(self.nearest(target));
            if let Some(wanted) = self.wanted.as_mut().filter(|wanted| wanted.at == at) {
                wanted.slot = Some(slot);
            }
        } else {
            return false;
        }
        true
    }

    fn snap(&mut self, id: u16, target: f64) -> bool {
        if id == self.shift_id {
            self.shift = self.late(target);
            (self.wanted, self.splice) = (None, None);
        }
        id == self.shift_id || id == self.slot_id
    }

    fn rebase(&mut self, offset: i64) {
        self.origin = self.origin.saturating_add(offset);
    }

    fn process(&mut self, position: i64, channels: &mut [&mut [f32]]) {
        if position.saturating_sub(self.origin) != self.next {
            // Time begins anew.
            if let Some(wanted) = &mut self.wanted {
                let moved = position.saturating_sub(self.origin);
                wanted.at -= moved;
                wanted.slot = wanted.slot.map(|slot| slot - moved);
            }
            (self.origin, self.next, self.splice) = (position, 0, None);
            self.lines.iter_mut().for_each(|line| line.fill(0.0));
        }
        let frames = channels.iter().map(|channel| channel.len()).max().unwrap_or(0);
        let mut done = 0;
        while done < frames {
            let time = self.next;
            self.decide(time);
            let left = i64::try_from(frames - done).unwrap_or(i64::MAX);
            let count = usize::try_from(left.min(self.pause(time) - time)).unwrap_or(1);
            for (index, channel) in channels.iter_mut().enumerate().take(CHANNELS) {
                if let Some(stretch) = channel.get_mut(done..done + count) {
                    self.pass(time, index, stretch);
                }
            }
            done += count;
            self.next += i64::try_from(count).unwrap_or(0);
        }
    }

    fn level_change(&self, _position: i64) -> f64 {
        0.0
    }

    fn latency(&self) -> i64 {
        self.samples(LOOK_AHEAD_MS)
    }

    fn forget(&mut self) {
        self.next = i64::MIN;
    }
}

fn samples(ms: i64, rate: i64) -> i64 {
    ms * rate / 1000
}

/// Raised cosine from 0 to 1.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn share(index: i64, length: i64) -> f32 {
    let turn = std::f64::consts::PI * (index as f64 + 0.5) / length as f64;
    (0.5 - 0.5 * turn.cos()) as f32
}

#[cfg(test)]
#[path = "groove_tests.rs"]
mod tests;
