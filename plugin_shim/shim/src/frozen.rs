//! A frozen track: values from the plan alone, as functions of the position in the song.

use std::sync::Arc;

use dsp::Chain;

use crate::bypass::Bypass;
use crate::channels::{length, part, signed, unsigned};
use crate::plan::{Desk, Plan};
use crate::transport::{Begin, Clock, Step};

/// Most channels of a track.
const CHANNELS: usize = 2;
/// Levels that differ by more than 1.5 dB are not of the same sound. Levels are counted in half dB.
const CLOSE: i32 = 3;
/// A frame that is softer than -60 dBFS, then as now, tells nothing.
const AUDIBLE: i32 = -120;
/// Softer levels count as this: -70 dBFS.
const FLOOR: i32 = -140;
/// Audible frames that are looked at together: 2 s.
const WINDOW: u32 = 40;

/// Where a track gets its values from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// From the service.
    Live,
    /// They stay, because the song stands still.
    Held,
    /// From the plan: the block begins at this position in the song.
    Planned(i64),
}

/// What is played of a plan.
#[derive(Debug)]
pub(crate) struct Frozen {
    /// Samples per frame.
    frame: i64,
    /// By how many samples what groove gives is late.
    latency: i64,
    plan: Option<Arc<Plan>>,
    seen: u32,
    /// Samples since the last start: the position in the song for hosts that render without one.
    since: i64,
    /// The plan does not fit the sound, from the next block on, and from this position within the block.
    unfit: bool,
    unfit_at: i64,
    levels: Levels,
}

/// The level of the frame at hand, and which of those before were not as the plan knows them.
#[derive(Debug)]
struct Levels {
    /// Sums of squares, per channel: each grows sample by sample, so the host's blocks do not matter.
    sums: [f64; CHANNELS],
    /// Where the next sample of the frame at hand is expected; another one means that the frame is not whole.
    next: Option<i64>,
    strange: u64,
}

impl Frozen {
    pub(crate) fn new(rate: u32, latency: i64) -> Frozen {
        Frozen {
            frame: i64::from(rate / 20),
            latency,
            plan: None,
            seen: 0,
            since: 0,
            unfit: false,
            unfit_at: i64::MAX,
            levels: Levels { sums: [0.0; CHANNELS], next: None, strange: 0 },
        }
    }

    /// Takes over what the state brought.
    pub(crate) fn refresh(&mut self, desk: &Desk) {
        if let Some(plan) = desk.newer(&mut self.seen) {
            self.plan = plan;
            self.start_over();
        }
    }

    /// Whether there is a plan.
    pub(crate) fn planned(&self) -> bool {
        self.plan.is_some()
    }

    /// Where the next block gets its values from, of a track that is to be frozen if `wanted`. A host that renders
    /// without a position starts the song where it starts.
    pub(crate) fn course(&mut self, wanted: bool, offline: bool, step: &Step) -> Course {
        if step.begins == Some(Begin::Start) {
            self.since = 0;
            self.start_over();
        }
        if !wanted || self.plan.is_none() || self.unfit {
            Course::Live
        } else if step.clock == Clock::Host {
            Course::Planned(step.position)
        } else if offline {
            Course::Planned(self.since)
        } else {
            Course::Held
        }
    }

    fn start_over(&mut self) {
        (self.unfit, self.unfit_at) = (false, i64::MAX);
        (self.levels.next, self.levels.strange) = (None, 0);
    }

    /// A block of `frames` samples was processed.
    pub(crate) fn processed(&mut self, frames: i64) {
        self.since = self.since.saturating_add(frames);
        self.unfit |= self.unfit_at != i64::MAX;
    }

    /// The transport put the track somewhere: its values are there at once, whatever was played before.
    pub(crate) fn place(&self, course: Course, begin: Begin, chain: &mut Chain) {
        let Some(plan) = &self.plan else { return };
        match course {
            Course::Planned(at) => self.locate(plan, at, chain),
            // What the song begins with.
            Course::Held if begin == Begin::Start => self.locate(plan, self.position_of(plan, 0), chain),
            Course::Held | Course::Live => {}
        }
    }

    /// Makes the sound of a block that begins at `position`, cut where values may begin to move.
    pub(crate) fn play(
        &mut self,
        course: Course,
        position: i64,
        channels: &mut [&mut [f32]],
        chain: &mut Chain,
        bypass: &mut Bypass,
    ) {
        let planned = matches!(course, Course::Planned(_));
        if planned {
            self.listen(position, channels);
        }
        let end = position.saturating_add(signed(length(channels)));
        let mut at = position;
        while at < end {
            let next = if planned { self.follow(at, chain) } else { end };
            let stop = next.min(end);
            let range = (unsigned(at - position), unsigned(stop - position));
            let known = self.plan.as_ref().filter(|_| planned && at < self.unfit_at);
            let fades = known.and_then(|plan| plan.fades.as_ref());
            part(channels, range, |part| bypass.process(chain, fades, at, part));
            at = stop;
        }
    }

    /// Sets `chain` to what a pass from the start would have at `position`, moves under way included.
    fn locate(&self, plan: &Plan, position: i64, chain: &mut Chain) {
        let last = plan.frames() - 1;
        for &(id, value, _) in &plan.neutral {
            chain.snap(id, value);
        }
        if let Some([shift, _]) = &plan.groove {
            // What begins here, `follow` tells.
            chain.snap(shift.id, shift.target(self.index(plan, position.saturating_sub(1)).min(last)));
        }
        for column in &plan.columns {
            let index = self.index(plan, self.heard(column.comes_in, position));
            let earliest = (index + 1).saturating_sub(column.apart).max(1);
            let moved = (earliest..=index.min(last)).rev().find(|&index| column.moves(index));
            match moved {
                Some(index) => {
                    chain.snap(column.id, column.target(index - 1));
                    chain.set(column.id, column.target(index), self.position_of(plan, index));
                }
                None => {
                    chain.snap(column.id, column.target(index.min(last)));
                }
            }
        }
    }

    /// Tells `chain` what begins at `position`, unless the sound was found to be another before. Returns the next
    /// position at which something may begin.
    fn follow(&self, position: i64, chain: &mut Chain) -> i64 {
        let Some(plan) = &self.plan else { return i64::MAX };
        if position < self.unfit_at {
            for &(id, value, comes_in) in &plan.neutral {
                chain.set(id, value, self.heard(comes_in, position));
            }
            for column in &plan.columns {
                let at = self.heard(column.comes_in, position);
                chain.set(column.id, column.target(self.index(plan, at).min(plan.frames() - 1)), at);
            }
            if let Some([shift, slot]) = &plan.groove {
                let index = self.index(plan, position);
                // Once, where the frame begins: the slot is so long after that.
                if position == self.position_of(plan, index)
                    && (1..plan.frames()).contains(&index)
                    && shift.moves(index)
                {
                    chain.set(shift.id, shift.target(index), position);
                    chain.set(slot.id, slot.target(index), position);
                }
            }
        }
        let next = |at: i64| (at.div_euclid(self.frame) + 1).saturating_mul(self.frame);
        next(position).min(next(position - self.latency).saturating_add(self.latency))
    }

    /// Where a section that is for what `comes_in`, or else for what comes out of groove, is at `position`.
    fn heard(&self, comes_in: bool, position: i64) -> i64 {
        if comes_in { position } else { position.saturating_sub(self.latency) }
    }

    /// Number in the plan of the frame at `position`, perhaps beyond its end; 0 before its begin.
    fn index(&self, plan: &Plan, position: i64) -> usize {
        unsigned(position.div_euclid(self.frame).saturating_sub(plan.begin))
    }

    fn position_of(&self, plan: &Plan, index: usize) -> i64 {
        plan.begin.saturating_add(signed(index)).saturating_mul(self.frame)
    }

    /// Compares the input from `position` on, before it is processed, with what the plan knows of it.
    fn listen(&mut self, position: i64, channels: &[&mut [f32]]) {
        let Some(plan) = &self.plan else { return };
        let levels = &mut self.levels;
        if levels.next != Some(position) {
            // Whatever comes before the next whole frame is passed over.
            levels.next = None;
        }
        let frames = length(channels);
        let mut done = 0;
        while done < frames {
            let at = position.saturating_add(signed(done));
            let phase = at.rem_euclid(self.frame);
            if phase == 0 {
                (levels.sums, levels.next) = ([0.0; CHANNELS], Some(at));
            }
            let take = unsigned(self.frame - phase).min(frames - done);
            if levels.next.is_some() {
                for (sum, channel) in levels.sums.iter_mut().zip(channels) {
                    for sample in channel[done..done + take].iter().filter(|sample| sample.is_finite()) {
                        *sum += f64::from(*sample) * f64::from(*sample);
                    }
                }
                let end = at.saturating_add(signed(take));
                levels.next = Some(end);
                if phase + signed(take) == self.frame {
                    let index = at.div_euclid(self.frame).saturating_sub(plan.begin);
                    let known = usize::try_from(index).ok().and_then(|index| plan.levels.get(index));
                    let level = decibels(levels.sums, self.frame, channels.len());
                    if known.is_some_and(|&known| levels.tell(known, level)) {
                        self.unfit_at = self.unfit_at.min(end);
                    }
                }
            }
            done += take;
        }
    }
}

impl Levels {
    /// Notes a frame that has `level` and had `known`; whether too many were too different.
    fn tell(&mut self, known: i32, level: i32) -> bool {
        if known.max(level) >= AUDIBLE {
            let strange = (known.max(FLOOR) - level.max(FLOOR)).abs() > CLOSE;
            self.strange = (self.strange << 1 | u64::from(strange)) & ((1 << WINDOW) - 1);
        }
        self.strange.count_ones() > WINDOW / 2
    }
}

/// Mean square over a frame and its channels, in half dB.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn decibels(sums: [f64; CHANNELS], frame: i64, channels: usize) -> i32 {
    let mean = sums.iter().sum::<f64>() / (frame as f64 * channels as f64);
    if mean > 0.0 { (20.0 * mean.log10()).round() as i32 } else { i32::MIN / 2 }
}
