//! Values that wait for their sample.

use std::collections::VecDeque;

use crate::shared::{MAX_VALUES, Scheduled};

/// Most frames that wait. An answer is taken only for a frame that was sent, and applies at most 1 s
/// after it, so no service can fill this while audio goes on.
const CAPACITY: usize = 64;

/// The values of one run, in the order of their frames.
#[derive(Debug)]
pub struct Schedule {
    rate: i64,
    run: u32,
    queue: VecDeque<Scheduled>,
    /// Ends of frames sent in this run and not answered yet.
    unanswered: VecDeque<i64>,
    last_sent: Option<i64>,
    last_answered: Option<i64>,
}

impl Schedule {
    /// An empty queue. Allocates; nothing else here does.
    #[must_use]
    pub fn new(rate: u32) -> Schedule {
        Schedule {
            rate: i64::from(rate),
            run: 0,
            queue: VecDeque::with_capacity(CAPACITY),
            unanswered: VecDeque::with_capacity(CAPACITY),
            last_sent: None,
            last_answered: None,
        }
    }

    /// A run begins: whatever belongs to another is dropped, now and later.
    pub fn begin(&mut self, run: u32) {
        self.run = run;
        self.queue.clear();
        self.unanswered.clear();
        (self.last_sent, self.last_answered) = (None, None);
    }

    /// A hop that ends at `end` was sent.
    pub fn sent(&mut self, end: i64) {
        if end.rem_euclid(self.rate / 20) != 0 {
            return;
        }
        if self.unanswered.len() == CAPACITY {
            self.unanswered.pop_front();
        }
        self.unanswered.push_back(end);
        self.last_sent = Some(end);
    }

    /// Whether another answer can be taken.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queue.len() < CAPACITY
    }

    /// Takes an answer. False, and nothing changes, when it belongs to another run, to a frame that was
    /// not sent or is answered already, or makes no sense.
    pub fn accept(&mut self, answer: Scheduled) -> bool {
        let end = answer.frame_end;
        let expected = self.last_sent.is_some_and(|sent| end <= sent)
            && self.last_answered.is_none_or(|answered| end > answered);
        let delay = answer.apply_at.saturating_sub(end);
        let sane = answer.count <= MAX_VALUES && (0..=self.rate).contains(&delay);
        if answer.run != self.run || !expected || !sane || !self.has_room() {
            return false;
        }
        self.last_answered = Some(end);
        while self.unanswered.front().is_some_and(|&sent| sent <= end) {
            self.unanswered.pop_front();
        }
        self.queue.push_back(answer);
        true
    }

    /// The last frame end that was sent and not answered, of those that end before `limit`.
    #[must_use]
    pub fn missing(&self, limit: i64) -> Option<i64> {
        self.unanswered.iter().rev().find(|&&end| end < limit).copied()
    }

    /// The next values, if they apply at `position` or before.
    pub fn due(&mut self, position: i64) -> Option<Scheduled> {
        if self.queue.front()?.apply_at > position { None } else { self.queue.pop_front() }
    }

    /// The sample at which the next values apply.
    #[must_use]
    pub fn next(&self) -> Option<i64> {
        self.queue.front().map(|values| values.apply_at)
    }
}
