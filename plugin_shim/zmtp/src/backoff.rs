//! How long to wait before the next attempt to connect.

use std::time::Duration;

/// A connection that was ready for so long counts as a success.
const STABLE: Duration = Duration::from_secs(1);

/// A wait that doubles with each failure and starts over after a success.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    last: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new((first, last): (Duration, Duration)) -> Self {
        Self { first, last, next: first }
    }

    /// The wait after an attempt that failed, or a connection that was ready for `lasted`.
    ///
    /// A peer that completes the handshake and hangs up at once does not reset the wait.
    pub(crate) fn after(&mut self, lasted: Option<Duration>) -> Duration {
        if lasted.is_some_and(|lasted| lasted >= STABLE) {
            self.next = self.first;
        }
        let wait = self.next;
        self.next = (wait * 2).min(self.last);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn waits_double_up_to_the_last() {
        let mut backoff = Backoff::new((MS(20), MS(250)));
        let waits: Vec<_> = (0..6).map(|_| backoff.after(None).as_millis()).collect();
        assert_eq!(waits, [20, 40, 80, 160, 250, 250]);
    }

    #[test]
    fn only_a_stable_connection_starts_over() {
        let mut backoff = Backoff::new((MS(20), MS(250)));
        backoff.after(None);
        assert_eq!(backoff.after(Some(MS(999))), MS(40));
        assert_eq!(backoff.after(Some(STABLE)), MS(20));
        assert_eq!(backoff.after(None), MS(40));
    }
}
