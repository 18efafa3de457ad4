//! Which clock counts, and where a run begins.

/// What the host says about its transport at the first sample of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Transport {
    /// The timeline moves.
    pub playing: bool,
    /// Position on the host's timeline in samples.
    pub position: Option<i64>,
    /// The host's steady clock in samples: counts on while the transport stands.
    pub steady: Option<i64>,
    /// Position in quarter notes.
    pub beat: Option<f64>,
    /// Tempo in quarter notes per minute.
    pub tempo: Option<f64>,
}

/// What the host says about a block.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Block {
    /// The host renders offline.
    pub offline: bool,
    /// Its transport at the first sample.
    pub transport: Transport,
}

impl Transport {
    /// The same transport `frames` samples later.
    #[must_use]
    pub fn after(&self, frames: i64, rate: u32) -> Transport {
        let later = |at: i64| at.saturating_add(frames);
        Transport {
            position: self.position.map(later),
            steady: self.steady.map(later),
            beat: beat_after(self.beat, self.tempo, frames, rate),
            ..*self
        }
    }
}

/// A beat `frames` samples later (or earlier) at a tempo; without a tempo, the beat itself.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn beat_after(beat: Option<f64>, tempo: Option<f64>, frames: i64, rate: u32) -> Option<f64> {
    let per_sample = tempo.unwrap_or(0.0) / (60.0 * f64::from(rate));
    beat.map(|beat| beat + per_sample * frames as f64)
}

/// What positions are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The host's timeline, while it plays.
    Host,
    /// The host's steady clock.
    Steady,
    /// A counter shared by the instances of the process.
    Process,
}

/// Why a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// After activation, reset or a standing transport: everything starts afresh. A host may correct the position
    /// that it gave first: a jump within the first 50 ms, before anything could be answered, starts afresh, too.
    Start,
    /// Anything else: a jump, a loop turn, a stop, another clock.
    Jump,
}

/// Where a block lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Position of its first sample.
    pub position: i64,
    /// What it is counted by.
    pub clock: Clock,
    /// Set when a run begins with this block.
    pub begins: Option<Begin>,
    /// How far the position is from where the last block ended; 0 without a jump or a last block.
    pub moved: i64,
}

/// Positions beyond this are no positions: what hosts give when they mean "unknown", and room to count on.
const FARTHEST: u64 = 1 << 52;

/// Follows one instance through the blocks of its host.
///
/// Within a run, positions count the samples processed; what the host reports only decides when a run
/// ends. A report that repeats the last one is no jump (some hosts split a block and report its start
/// for every part), nor is one that moves by the same multiple of the block as the one before: the host
/// plays at another speed.
#[derive(Debug)]
pub struct Tracker {
    rate: i64,
    last: Option<Last>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    clock: Clock,
    playing: bool,
    /// Where the next block begins if nothing happens.
    next: i64,
    /// The host's last report that moved, and the samples processed since.
    reported: i64,
    since: i64,
    /// The last report moved by `pace.0` while `pace.1` samples were processed.
    pace: (i64, i64),
    /// Samples processed since everything started afresh.
    started: i64,
}

impl Tracker {
    /// Nothing was processed yet.
    #[must_use]
    pub fn new(rate: u32) -> Tracker {
        Tracker { rate: i64::from(rate), last: None }
    }

    /// Forgets what was: the next block begins a run.
    pub fn reset(&mut self) {
        self.last = None;
    }

    /// Takes the next block of `frames` samples, at least 1. `process_clock` gives the position of a
    /// run that begins on the process clock.
    pub fn follow(
        &mut self,
        transport: &Transport,
        frames: i64,
        process_clock: impl FnOnce() -> i64,
    ) -> Step {
        let (clock, reported) = choose(transport);
        let last = self.last.filter(|last| last.clock == clock);
        let mut pace = last.map_or((1, 1), |last| last.pace);
        let mut since = last.map_or(0, |last| last.since);
        let mut from = last.map_or(0, |last| last.reported);
        let mut jumped = last.is_none();
        let (Some(last_on_clock), Some(now)) = (last, reported) else {
            let position = match (last, reported) {
                (_, Some(now)) => now,
                (Some(last), None) => last.next,
                (None, None) => process_clock(),
            };
            return self.step(transport, clock, frames, position, (position, 0, (1, 1)));
        };
        if now != last_on_clock.reported {
            let moved = now.saturating_sub(from);
            jumped = !self.is_steady(moved, since, pace);
            if jumped {
                let playable = moved > 0 && moved <= since.saturating_mul(8);
                pace = if playable { (moved, since) } else { (1, 1) };
            } else if since.saturating_mul(1000) >= self.rate {
                pace = (moved, since);
            }
            from = now;
            since = 0;
        }
        let position = if jumped { now } else { last_on_clock.next };
        self.step(transport, clock, frames, position, (from, since, pace))
    }

    fn step(
        &mut self,
        transport: &Transport,
        clock: Clock,
        frames: i64,
        position: i64,
        (reported, since, pace): (i64, i64, (i64, i64)),
    ) -> Step {
        let moved = self.last.map_or(0, |last| position.saturating_sub(last.next));
        let afresh = self.last.is_none_or(|last| transport.playing && !last.playing);
        let goes_on =
            self.last.is_some_and(|last| (transport.playing, clock, 0) == (last.playing, last.clock, moved));
        let started = self.last.filter(|_| !afresh).map_or(0, |last| last.started);
        let corrected = transport.playing && started < self.rate / 20;
        let begins = match () {
            () if !afresh && goes_on => None,
            () if afresh || corrected => Some(Begin::Start),
            () => Some(Begin::Jump),
        };
        self.last = Some(Last {
            clock,
            playing: transport.playing,
            next: position.saturating_add(frames),
            reported,
            since: since.saturating_add(frames),
            pace,
            started: started.saturating_add(frames),
        });
        Step { position, clock, begins, moved }
    }

    /// Whether a report that moved by `moved` over `since` samples is less than 1 ms from the speed of 1
    /// or from the speed of the report before.
    fn is_steady(&self, moved: i64, since: i64, pace: (i64, i64)) -> bool {
        let near = |(over, under): (i64, i64)| {
            let [moved, since, over, under, rate] = [moved, since, over, under, self.rate].map(i128::from);
            (moved * under - since * over).abs() * 1000 < rate * under
        };
        near((1, 1)) || near(pace)
    }
}

fn choose(transport: &Transport) -> (Clock, Option<i64>) {
    let sane = |at: &i64| at.unsigned_abs() < FARTHEST;
    let host = transport.position.filter(|_| transport.playing).filter(sane);
    let steady = transport.steady.filter(sane);
    match (host, steady) {
        (Some(at), _) => (Clock::Host, Some(at)),
        (None, Some(at)) => (Clock::Steady, Some(at)),
        (None, None) => (Clock::Process, None),
    }
}
