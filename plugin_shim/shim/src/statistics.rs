//! What the bridge tells the service of its instances from time to time.

use std::time::{Duration, Instant};

use wire::control::{Control, RoundTrip, Stats};

use crate::connection::Connection;
use crate::histogram::Histogram;
use crate::link::Sent;
use crate::member::Member;

const INTERVAL: Duration = Duration::from_millis(200);
/// Most instances in one STATS: what its JSON has room for.
const MAX_INSTANCES: usize = 256;

/// Round trips, and what was said last.
#[derive(Debug)]
pub struct Statistics {
    round_trips: Histogram,
    said: Option<Stats>,
    next: Instant,
}

impl Statistics {
    /// Nothing was measured or said; the first is due at `now`.
    pub fn new(now: Instant) -> Self {
        Self { round_trips: Histogram::default(), said: None, next: now }
    }

    /// An answer came `taken` after its frame was sent.
    pub fn answered(&mut self, taken: Duration) {
        self.round_trips.record(taken);
    }

    /// The connection is gone: the next service has heard nothing.
    pub fn forget(&mut self) {
        self.said = None;
    }

    /// Whether it is time to say something; once per interval.
    pub fn is_due(&mut self, now: Instant) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now + INTERVAL;
        }
        due
    }

    /// Says what changed since the last time, and returns the round trips.
    pub fn send(&mut self, members: &[Member], connection: &mut Connection) -> RoundTrip {
        let quantile = |per_thousand| self.round_trips.quantile_ms(per_thousand);
        let round_trip = RoundTrip {
            p50: quantile(500),
            p99: quantile(990),
            p99_9: quantile(999),
            count: self.round_trips.count(),
        };
        let joined = members.iter().filter(|member| member.is_joined()).take(MAX_INSTANCES);
        let stats = Stats { instances: joined.map(Member::stats).collect(), rtt_ms: round_trip.clone() };
        if self.said.as_ref() != Some(&stats) && connection.say(&Control::Stats(stats.clone())) == Sent::Yes {
            self.said = Some(stats);
        }
        round_trip
    }
}
