//! Everything that can go wrong, by name.

use std::io;
use std::time::Duration;

use thiserror::Error;

/// Why a connection, or an attempt at one, ended.
#[derive(Debug, Error)]
pub enum Error {
    /// Nobody accepted at the endpoint.
    #[error("cannot connect: {0}")]
    Connect(#[source] io::Error),
    /// The socket is served by another user than expected; not a byte was sent.
    #[error("the endpoint is served by user {found}, expected user {expected}")]
    PeerUser {
        /// User id that the endpoint must be served by.
        expected: u32,
        /// User id that serves it.
        found: u32,
    },
    /// A TCP socket met itself: the port was free and the system chose it for our own end.
    #[error("nobody listens at the endpoint (the socket was connected to itself)")]
    SelfConnected,
    /// The socket failed.
    #[error("the connection was lost: {0}")]
    Lost(#[source] io::Error),
    /// The peer closed the connection.
    #[error("the peer closed the connection{}", if *.handshake { " during the handshake" } else { "" })]
    Closed {
        /// Whether the connection was not ready yet.
        handshake: bool,
    },
    /// The peer accepted but did not complete the handshake.
    #[error("the peer did not complete the handshake within {} ms", .0.as_millis())]
    HandshakeTimeout(Duration),
    /// The peer answered no heartbeat.
    #[error("the peer was silent for {} ms", .0.as_millis())]
    Silent(Duration),
    /// The peer does not speak the protocol that was agreed on.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

/// What a peer did that ZMTP 3.1, or the limits in [`crate::Options`], do not allow.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProtocolError {
    /// The first bytes are no ZMTP signature.
    #[error("the peer does not speak ZMTP: its greeting has no signature")]
    Signature,
    /// The peer speaks a version without heartbeats.
    #[error("the peer speaks ZMTP {major}.{minor}, expected 3.1 or later")]
    Version {
        /// Major version of the peer.
        major: u8,
        /// Minor version of the peer.
        minor: u8,
    },
    /// Both ends must use one mechanism.
    #[error("the peer uses the mechanism {found}, expected {expected}")]
    Mechanism {
        /// Our mechanism.
        expected: &'static str,
        /// The peer's mechanism, printable.
        found: String,
    },
    /// The peer sent ERROR.
    #[error("the peer refused the connection: {reason}")]
    Refused {
        /// The peer's reason, printable.
        reason: String,
    },
    /// Another command was due.
    #[error("the peer sent the command {found}, expected {expected}")]
    Unexpected {
        /// The command that was due.
        expected: &'static str,
        /// What came, printable.
        found: String,
    },
    /// A command whose fields do not fit its length.
    #[error("the peer sent a malformed {command}: {fault}")]
    Malformed {
        /// Name of the command.
        command: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The peer's socket type does not go with DEALER.
    #[error("the peer is a {found} socket, expected ROUTER, DEALER or REP")]
    SocketType {
        /// The peer's socket type, printable.
        found: String,
    },
    /// Flag bits that mean nothing.
    #[error("the peer sent a frame with the flags {flags:#04x}")]
    Flags {
        /// The flags of the frame.
        flags: u8,
    },
    /// A frame above the limit, refused before its body is read.
    #[error("the peer announced a frame of {length} bytes, at most {limit} are allowed")]
    FrameTooLarge {
        /// The announced length.
        length: u64,
        /// The limit for this kind of frame.
        limit: usize,
    },
    /// More parts than the limit.
    #[error("the peer sent a message of more than {limit} parts")]
    TooManyParts {
        /// Parts allowed.
        limit: usize,
    },
    /// A message before READY.
    #[error("the peer sent a message before the handshake was complete")]
    Early,
}

/// Why a message was not queued. The caller still has it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SendError {
    /// There is no connection that is ready.
    #[error("not connected")]
    NotReady,
    /// The send buffer has no room for this message now.
    #[error("the send buffer is full")]
    Full,
    /// No part, too many parts, a part above `max_frame`, or more than `tx_limit` in all: never sendable.
    #[error("the message has no parts, too many or too large ones")]
    Invalid,
}

/// What a peer sent, made fit to print: escaped, and cut after 64 bytes.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let shown = bytes.get(..64).unwrap_or(bytes);
    if shown.is_empty() { "(nothing)".to_owned() } else { shown.escape_ascii().to_string() }
}
