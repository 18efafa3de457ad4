//! BLOCKs on their way into one message.

use wire::HEADER_SIZE;
use wire::limits::{MAX_PACKETS, MAX_PAYLOAD};

/// The packets of the next message; the buffers are kept from message to message.
#[derive(Debug, Default)]
pub struct Outgoing {
    heads: Vec<u8>,
    payload: Vec<u8>,
}

impl Outgoing {
    /// Whether a packet with a payload of `length` bytes fits the limits of one message.
    pub fn has_room(&self, length: usize) -> bool {
        self.heads.len() < MAX_PACKETS * HEADER_SIZE && self.payload.len() + length <= MAX_PAYLOAD
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Adds a packet.
    pub fn push(&mut self, head: &[u8; HEADER_SIZE], payload: &[u8]) {
        self.heads.extend_from_slice(head);
        self.payload.extend_from_slice(payload);
    }

    /// Both frames of the message.
    pub fn frames(&self) -> [&[u8]; 2] {
        [&self.heads, &self.payload]
    }

    /// Begins the next message.
    pub fn clear(&mut self) {
        self.heads.clear();
        self.payload.clear();
    }
}
