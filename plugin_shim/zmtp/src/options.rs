//! Settings of a client, with the bound on memory that follows from them.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::codec::MAX_COMMAND;

/// Largest value of any limit; with it, no sum of them overflows.
pub(crate) const MAX_LIMIT: usize = 1 << 30;

/// Size of the buffer that takes the bytes from the socket.
pub const READ_BUFFER: usize = 32 * 1024;

/// Bytes by which heartbeats may exceed `tx_limit`; beyond it they are not sent (the peer does not read).
pub(crate) const CONTROL_RESERVE: usize = 1024;

/// What a part costs beside its bytes: its place in a list that may be twice as long as needed.
pub(crate) const PART_OVERHEAD: usize = 4 * size_of::<Vec<u8>>();

/// Bytes of the list itself for `limit` messages: it doubles, and is copied when it does.
fn list_bound(limit: usize) -> usize {
    4 * limit.max(4) * size_of::<Vec<Vec<u8>>>()
}

/// How the two ends authenticate.
#[derive(Clone, PartialEq, Eq)]
pub enum Mechanism {
    /// Not at all.
    Null,
    /// The client names itself and a password, each at most 255 bytes, in the clear.
    Plain {
        /// Who we are.
        username: String,
        /// What proves it.
        password: String,
    },
}

impl Mechanism {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Plain { .. } => "PLAIN",
        }
    }
}

impl fmt::Debug for Mechanism {
    /// Names the mechanism; the password never reaches a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Settings of a [`crate::Dealer`] or [`crate::Session`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Name under which a ROUTER addresses us: at most 255 bytes, not beginning with zero; empty for one of
    /// the peer's choosing.
    pub identity: Vec<u8>,
    /// How to authenticate.
    pub mechanism: Mechanism,
    /// Wait before a new attempt to connect: the first, doubling up to the last (at most 250 ms).
    pub backoff: (Duration, Duration),
    /// From the attempt to connect until the connection is ready.
    pub handshake_timeout: Duration,
    /// Silence after which the peer is asked whether it is alive.
    pub heartbeat_interval: Duration,
    /// Silence after which it is taken for dead; longer than the interval.
    pub heartbeat_timeout: Duration,
    /// Largest part of a message, in bytes, both ways.
    pub max_frame: usize,
    /// Most parts of a message, both ways.
    pub max_parts: usize,
    /// Bytes that may wait to be sent, framing included.
    pub tx_limit: usize,
    /// Messages that may wait to be taken; above it nothing is read.
    pub rx_limit: usize,
    /// Bytes in messages that may wait to be taken; above it nothing is read.
    pub rx_bytes: usize,
    /// ipc: the user that must serve the endpoint, checked before a byte is sent, where the system tells
    /// (Linux, Android).
    pub expected_uid: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            identity: Vec::new(),
            mechanism: Mechanism::Null,
            backoff: (Duration::from_millis(20), Duration::from_millis(200)),
            handshake_timeout: Duration::from_millis(1000),
            heartbeat_interval: Duration::from_millis(300),
            heartbeat_timeout: Duration::from_millis(1000),
            max_frame: 1 << 20,
            max_parts: 4,
            tx_limit: 2 << 20,
            rx_limit: 1024,
            rx_bytes: 4 << 20,
            expected_uid: None,
        }
    }
}

/// Settings that contradict each other or the protocol.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OptionsError {
    /// The identity does not fit the protocol.
    #[error("identity: expected at most 255 bytes, the first not zero")]
    Identity,
    /// User name or password do not fit the protocol.
    #[error("PLAIN: expected at most 255 bytes each of user name and password")]
    Credentials,
    /// The back-off is zero, falls, or exceeds 250 ms.
    #[error("backoff: expected more than 0 ms, the second not below the first, at most 250 ms")]
    Backoff,
    /// The time-outs contradict each other or are beyond reason.
    #[error("time-outs: expected 1 ms to 1 day, and heartbeat_timeout above heartbeat_interval")]
    Timeouts,
    /// A limit of zero, or beyond reason.
    #[error("limits: expected 1 to {MAX_LIMIT} each")]
    Limits,
}

impl Options {
    /// Checks the settings; [`crate::Dealer::new`] does it too.
    pub fn check(&self) -> Result<(), OptionsError> {
        if self.identity.len() > 255 || self.identity.first() == Some(&0) {
            return Err(OptionsError::Identity);
        }
        if let Mechanism::Plain { username, password } = &self.mechanism
            && (username.len() > 255 || password.len() > 255)
        {
            return Err(OptionsError::Credentials);
        }
        let (first, last) = self.backoff;
        if first.is_zero() || first > last || last > Duration::from_millis(250) {
            return Err(OptionsError::Backoff);
        }
        let reasonable = Duration::from_millis(1)..=Duration::from_secs(24 * 60 * 60);
        let timeouts = [self.handshake_timeout, self.heartbeat_interval, self.heartbeat_timeout];
        if !timeouts.iter().all(|timeout| reasonable.contains(timeout))
            || self.heartbeat_interval >= self.heartbeat_timeout
        {
            return Err(OptionsError::Timeouts);
        }
        let limits = [self.max_frame, self.max_parts, self.tx_limit, self.rx_limit, self.rx_bytes];
        if limits.iter().any(|limit| !(1..=MAX_LIMIT).contains(limit)) {
            return Err(OptionsError::Limits);
        }
        Ok(())
    }

    /// Bytes that a client with these settings holds at most, whatever its peer and its caller do: the sum of
    ///
    /// - the read buffer, [`READ_BUFFER`];
    /// - the send buffer, `tx_limit` and a reserve for heartbeats, three times over (a buffer that doubles
    ///   is copied once);
    /// - one message that is being received, and its last part once more for the same reason;
    /// - the messages that wait, `rx_bytes` and one message that passed the limit, and the lists that hold
    ///   them;
    /// - one command and its answer.
    pub fn memory_bound(&self) -> usize {
        let message = self.max_parts.saturating_mul(self.max_frame + PART_OVERHEAD);
        [
            READ_BUFFER,
            3 * (self.tx_limit + CONTROL_RESERVE),
            message,
            2 * self.max_frame,
            self.rx_bytes,
            message,
            list_bound(self.rx_limit),
            4 * MAX_COMMAND,
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }
}
