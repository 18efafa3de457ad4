//! Messages that wait to be taken.

use std::collections::VecDeque;

use crate::options::{Options, PART_OVERHEAD};

/// The parts of one message.
pub type Message = Vec<Vec<u8>>;

/// A queue of whole messages, bounded in number and bytes.
///
/// It outlives the connection that filled it, so that a peer's last words are heard.
#[derive(Debug)]
pub struct Inbox {
    messages: VecDeque<Message>,
    bytes: usize,
    limit: usize,
    byte_limit: usize,
}

impl Inbox {
    /// An empty queue with the limits of `options`.
    pub fn new(options: &Options) -> Self {
        Self { messages: VecDeque::new(), bytes: 0, limit: options.rx_limit, byte_limit: options.rx_bytes }
    }

    /// Takes the oldest message.
    pub fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= cost(&message);
        Some(message)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Whether a limit is reached; the peer is then not read from until messages are taken.
    pub fn is_full(&self) -> bool {
        self.messages.len() >= self.limit || self.bytes >= self.byte_limit
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        self.messages.clear();
        self.bytes = 0;
    }

    pub(crate) fn push(&mut self, message: Message) {
        self.bytes += cost(&message);
        self.messages.push_back(message);
    }
}

fn cost(message: &Message) -> usize {
    message.iter().map(|part| part.len() + PART_OVERHEAD).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inbox_is_full_at_its_number_of_messages() {
        let mut inbox = Inbox::new(&Options { rx_limit: 2, ..Options::default() });
        inbox.push(vec![vec![]]);
        assert!(!inbox.is_full());
        inbox.push(vec![vec![]]);
        assert!(inbox.is_full());
        assert_eq!(inbox.pop(), Some(vec![vec![]]));
        assert!(!inbox.is_full());
    }

    #[test]
    fn the_inbox_is_full_at_its_number_of_bytes_and_counts_them_back() {
        let mut inbox = Inbox::new(&Options { rx_bytes: 1000, ..Options::default() });
        inbox.push(vec![vec![0; 1000 - PART_OVERHEAD]]);
        assert!(inbox.is_full());
        inbox.pop();
        assert!(inbox.is_empty() && !inbox.is_full());
        assert_eq!(inbox.bytes, 0);
    }
}
