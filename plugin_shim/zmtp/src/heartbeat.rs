//! Whether the peer is alive.

use std::time::{Duration, Instant};

/// What is due now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Nothing.
    Wait,
    /// A PING.
    Ask,
    /// An answer that did not come in time.
    Dead,
}

/// Asks after a silence, and gives up when the answer does not come.
///
/// The peer is only given up some time after it was asked: a host that was itself stopped for a while finds
/// its connections alive.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    interval: Duration,
    patience: Duration,
    heard: Instant,
    asked: Option<Instant>,
}

impl Heartbeat {
    /// `timeout` counts from the last byte heard, and is longer than `interval`.
    pub(crate) fn new(interval: Duration, timeout: Duration, now: Instant) -> Self {
        Self { interval, patience: timeout.saturating_sub(interval), heard: now, asked: None }
    }

    /// The peer sent something.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.asked = None;
    }

    /// When [`Heartbeat::beat`] has something to say next.
    pub(crate) fn due(&self) -> Instant {
        self.asked.map_or(self.heard + self.interval, |asked| asked + self.patience)
    }

    /// What is due; [`Beat::Ask`] comes once per silence.
    pub(crate) fn beat(&mut self, now: Instant) -> Beat {
        if now < self.due() {
            Beat::Wait
        } else if self.asked.is_some() {
            Beat::Dead
        } else {
            self.asked = Some(now);
            Beat::Ask
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn a_silent_peer_is_asked_once_and_then_given_up() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(MS(300), MS(1000), start);
        assert_eq!(heartbeat.beat(start + MS(299)), Beat::Wait);
        assert_eq!(heartbeat.beat(start + MS(300)), Beat::Ask);
        assert_eq!(heartbeat.beat(start + MS(301)), Beat::Wait);
        assert_eq!(heartbeat.due(), start + MS(1000));
        assert_eq!(heartbeat.beat(start + MS(1000)), Beat::Dead);
    }

    #[test]
    fn whatever_is_heard_starts_over() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(MS(300), MS(1000), start);
        assert_eq!(heartbeat.beat(start + MS(300)), Beat::Ask);
        heartbeat.heard(start + MS(999));
        assert_eq!(heartbeat.beat(start + MS(1298)), Beat::Wait);
        assert_eq!(heartbeat.beat(start + MS(1299)), Beat::Ask);
    }

    #[test]
    fn a_host_that_slept_asks_before_it_gives_up() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(MS(300), MS(1000), start);
        assert_eq!(heartbeat.beat(start + MS(60_000)), Beat::Ask);
        assert_eq!(heartbeat.beat(start + MS(60_699)), Beat::Wait);
        assert_eq!(heartbeat.beat(start + MS(60_700)), Beat::Dead);
    }
}
