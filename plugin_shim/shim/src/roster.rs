//! The instances of the process, as far as audio threads must know of each other.
//!
//! A fixed table of atomics: nobody waits for anybody, and what is read may be a block old.

use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

use crate::transport::Clock;

/// Instances that the table has room for; more than these are not seen by the others.
const SLOTS: usize = 512;

/// All instances of the process.
pub static PROCESS: Roster = Roster::new();

/// A table of instances; there is one per process, [`PROCESS`], and tests make their own.
#[derive(Debug)]
pub struct Roster {
    slots: [Slot; SLOTS],
    /// No slot from here on was ever taken.
    used: AtomicUsize,
    stamps: AtomicU64,
    /// A Sync wait came to nothing: nobody waits again until somebody gets values.
    pub gave_up: AtomicBool,
}

#[derive(Debug)]
#[repr(align(64))]
struct Slot {
    taken: AtomicBool,
    /// See [`Lane`]; 0 while the instance does not run.
    lane: AtomicU64,
    start: AtomicI64,
    end: AtomicI64,
    begun: AtomicU64,
    lead: AtomicU32,
}

impl Slot {
    const fn new() -> Slot {
        Slot {
            taken: AtomicBool::new(false),
            lane: AtomicU64::new(0),
            start: AtomicI64::new(0),
            end: AtomicI64::new(0),
            begun: AtomicU64::new(0),
            lead: AtomicU32::new(0),
        }
    }
}

/// Instances in the same lane can be compared: same clock, same rate, same group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane(u64);

const GROUP_BITS: u64 = 0xffff << 32;

impl Lane {
    /// The lane of an instance.
    #[must_use]
    pub fn new(clock: Clock, rate: u32, group: u16) -> Lane {
        let clock: u64 = match clock {
            Clock::Host => 1,
            Clock::Steady => 2,
            Clock::Process => 3,
        };
        Lane(clock << 48 | u64::from(group) << 32 | u64::from(rate))
    }
}

impl Roster {
    /// An empty table.
    #[must_use]
    pub const fn new() -> Roster {
        Roster {
            slots: [const { Slot::new() }; SLOTS],
            used: AtomicUsize::new(0),
            stamps: AtomicU64::new(0),
            gave_up: AtomicBool::new(false),
        }
    }

    /// The next number of the process-wide order.
    pub fn stamp(&self) -> u64 {
        self.stamps.fetch_add(1, Relaxed)
    }

    /// A place for one instance, given back on drop.
    pub fn join(&'static self) -> Member {
        let free = |slot: &Slot| slot.taken.compare_exchange(false, true, AcqRel, Relaxed).is_ok();
        let index = self.slots.iter().position(free);
        if let Some(index) = index {
            self.used.fetch_max(index + 1, AcqRel);
        }
        Member { roster: self, index }
    }
}

impl Default for Roster {
    fn default() -> Self {
        Roster::new()
    }
}

/// One instance's place in the table.
#[derive(Debug)]
pub struct Member {
    roster: &'static Roster,
    index: Option<usize>,
}

impl Member {
    /// The table.
    #[must_use]
    pub fn roster(&self) -> &'static Roster {
        self.roster
    }

    /// Where a run on the process clock begins: at the block most recently begun by another instance
    /// that runs on it, so that hosts that call all instances block by block get equal positions; else 0.
    #[must_use]
    pub fn process_clock(&self, rate: u32) -> i64 {
        let lane = Lane::new(Clock::Process, rate, 0).0;
        let running = self.others().filter(|slot| slot.lane.load(Acquire) & !GROUP_BITS == lane);
        running.max_by_key(|slot| slot.begun.load(Acquire)).map_or(0, |slot| slot.start.load(Relaxed))
    }

    /// A block begins at `start`. Unless it begins a run, this measures how far the others in the lane
    /// got ahead since the block before: their block ends, minus where this one stood meanwhile.
    ///
    /// The one behind measures, because one that stands still (a host may stop calling a silent track)
    /// is not behind; and a block that begins a run does not, because the others may not have jumped yet.
    /// More than `reach` samples are no lead but another place in the song.
    pub fn begin(&self, lane: Lane, start: i64, new_run: bool, reach: i64) {
        let Some(slot) = self.slot() else { return };
        let before = slot.begun.load(Relaxed);
        if new_run {
            slot.end.store(start, Relaxed);
            slot.lead.store(0, Relaxed);
        } else {
            let since = |other: &&Slot| other.begun.load(Relaxed) > before;
            let ahead = self
                .others()
                .filter(|other| other.lane.load(Acquire) == lane.0)
                .filter(since)
                .map(|other| other.end.load(Relaxed).saturating_sub(start))
                .filter(|&ahead| ahead <= reach);
            let lead = u32::try_from(ahead.max().unwrap_or(0)).unwrap_or(0);
            slot.lead.fetch_max(lead, Relaxed);
        }
        slot.start.store(start, Relaxed);
        slot.begun.store(self.roster.stamp(), Release);
        slot.lane.store(lane.0, Release);
    }

    /// The largest lead that any member of the lane measured in its run, in samples.
    #[must_use]
    pub fn lead(&self, lane: Lane) -> u32 {
        let same = self.all().filter(|slot| slot.lane.load(Acquire) == lane.0);
        same.map(|slot| slot.lead.load(Relaxed)).max().unwrap_or(0)
    }

    /// The block that ends at `end` was delivered.
    pub fn finish(&self, end: i64) {
        if let Some(slot) = self.slot() {
            slot.end.store(end, Relaxed);
        }
    }

    /// The instance stops running.
    pub fn rest(&self) {
        if let Some(slot) = self.slot() {
            slot.lane.store(0, Release);
        }
    }

    fn slot(&self) -> Option<&'static Slot> {
        self.index.map(|index| &self.roster.slots[index])
    }

    fn all(&self) -> impl Iterator<Item = &'static Slot> + use<> {
        self.roster.slots[..self.roster.used.load(Acquire)].iter()
    }

    fn others(&self) -> impl Iterator<Item = &'static Slot> + use<> {
        let own = self.index;
        self.all().enumerate().filter(move |(index, _)| Some(*index) != own).map(|(_, slot)| slot)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.rest();
        if let Some(slot) = self.slot() {
            slot.lead.store(0, Relaxed);
            slot.taken.store(false, Release);
        }
    }
}
