//! The hops of one instance that wait to be sent: bounded, oldest dropped first, the loss marked.

use std::collections::VecDeque;

use wire::flags;
use wire::limits::MAX_HOPS;

use crate::shared::Hop;

/// Live: older hops serve nobody, a member counts as stale for no longer than this 0.5 s.
const LIVE_HOPS: usize = 50;
/// Sync: more than any block and control delay, so that only a render that waits no more ever drops.
const SYNC_HOPS: usize = 1000;

/// Buffers kept for the next hops: as many as wait when nothing is wrong.
const SPARE: usize = 8;

#[derive(Debug)]
struct Entry {
    hop: Hop,
    samples: Vec<f32>,
}

/// The outgoing queue of one instance.
#[derive(Debug, Default)]
pub struct Queue {
    entries: VecDeque<Entry>,
    /// Entries that carry samples; the others announce runs.
    audio: usize,
    spare: Vec<Vec<f32>>,
}

impl Queue {
    /// Appends a hop with its planar samples, in two parts, and returns how many older ones were dropped for it.
    pub fn push(&mut self, hop: Hop, (head, tail): (&[f32], &[f32])) -> u64 {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(head);
        buffer.extend_from_slice(tail);
        let limit = if hop.flags & flags::SYNC == 0 { LIVE_HOPS } else { SYNC_HOPS };
        if hop.frames == 0 {
            // An announcement right after another makes that one pointless; keep it only while there is room.
            let pointless = self.entries.back().is_some_and(|last| last.hop.frames == 0);
            if pointless && self.entries.len() >= limit {
                self.entries.pop_back();
            }
        } else {
            self.audio += 1;
        }
        self.entries.push_back(Entry { hop, samples: buffer });
        let mut dropped = 0;
        while self.audio > limit {
            self.drop_oldest();
            dropped += 1;
        }
        dropped
    }

    /// Drops the oldest samples. The announcement of their run stays while the run may go on.
    fn drop_oldest(&mut self) {
        let Some(index) = self.entries.iter().position(|entry| entry.hop.frames > 0) else { return };
        let Some(old) = self.entries.remove(index) else { return };
        self.audio -= 1;
        match self.entries.get_mut(index) {
            Some(next) if next.hop.frames > 0 => next.hop.flags |= flags::GAP,
            // The next run begins here: nothing is left of the old one, so its announcement goes too.
            _ if index > 0 => drop(self.entries.remove(index - 1)),
            _ => {}
        }
        self.recycle(old.samples);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.audio = 0;
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the oldest entry is a render's.
    pub fn renders(&self) -> bool {
        self.entries.front().is_some_and(|entry| entry.hop.flags & flags::SYNC != 0)
    }

    /// Push stamp of the oldest entry.
    pub fn first_stamp(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.hop.stamp)
    }

    /// Whether the oldest entry announces a run.
    pub fn announces(&self) -> bool {
        self.entries.front().is_some_and(|entry| entry.hop.frames == 0)
    }

    /// Where the samples of the next message would end.
    pub fn end(&self) -> Option<i64> {
        if self.announces() {
            return None;
        }
        let last = self.joinable(i64::MAX).checked_sub(1)?;
        self.entries.get(last).map(|entry| entry.hop.end())
    }

    /// Lays out the next message: its fields, and the samples of all channels in `planar`.
    ///
    /// It covers every contiguous hop with the same settings up to position `until`. [`Self::sent`] takes them
    /// out.
    pub fn next(&self, channels: u16, until: i64, planar: &mut Vec<f32>) -> Option<(Hop, usize)> {
        let first = self.entries.front()?.hop;
        let taken = self.joinable(until);
        if taken == 0 {
            return None;
        }
        let mut hop = first;
        planar.clear();
        for channel in 0..usize::from(channels) {
            for entry in self.entries.range(..taken) {
                let frames = entry.samples.len() / usize::from(channels);
                planar.extend_from_slice(&entry.samples[channel * frames..(channel + 1) * frames]);
            }
        }
        for entry in self.entries.range(1..taken) {
            hop.frames += entry.hop.frames;
            hop.flags |= entry.hop.flags & flags::ZEROED;
            hop.lead = entry.hop.lead;
        }
        Some((hop, taken))
    }

    /// How many entries from the front may travel as one that ends at `until` or before.
    fn joinable(&self, until: i64) -> usize {
        let hops = self.entries.iter().map(|entry| &entry.hop).take(MAX_HOPS as usize);
        let mut entries = hops.take_while(|hop| hop.end() <= until);
        let Some(mut last) = entries.next() else { return 0 };
        if last.frames == 0 {
            return 1;
        }
        let mut count = 1;
        for hop in entries {
            if !follows(last, hop) {
                break;
            }
            (last, count) = (hop, count + 1);
        }
        count
    }

    /// Takes out what [`Self::next`] laid out.
    pub fn sent(&mut self, count: usize) {
        for _ in 0..count {
            let Some(entry) = self.entries.pop_front() else { return };
            self.audio -= usize::from(entry.hop.frames > 0);
            self.recycle(entry.samples);
        }
    }

    fn recycle(&mut self, samples: Vec<f32>) {
        if self.spare.len() < SPARE {
            self.spare.push(samples);
        }
    }
}

/// Whether `next` continues `last` with nothing between them that a receiver would have to see.
fn follows(last: &Hop, next: &Hop) -> bool {
    let loose = flags::RUN_BEGIN | flags::START | flags::GAP;
    let settings = |hop: &Hop| {
        let user = (hop.amount, hop.offset_db, hop.dip_amount, hop.dip_budget_lu);
        let sections = (hop.breath_amount, hop.breath_depth_db, hop.room_amount);
        let levels = (hop.staging_amount, hop.staging_level_db, hop.density_amount, hop.high_pass_amount);
        let groove = (hop.groove_amount, hop.groove_limit_ms, hop.groove_constant_ms);
        (hop.run, hop.group, hop.role, hop.delay, user, sections, levels, groove, hop.tempo.to_bits())
    };
    // A GAP on the first hop of a message does not stand for those that follow it.
    let bits = |hop: &Hop| hop.flags & !(flags::ZEROED | loose);
    next.frames > 0
        && next.flags & loose == 0
        && next.position == last.end()
        && bits(last) == bits(next)
        && settings(last) == settings(next)
}

#[cfg(test)]
#[path = "queue_tests.rs"]
pub(crate) mod tests;
