//! A ZMTP 3.1 client for one DEALER: one connection, one thread, nothing that blocks.
//!
//! [`Dealer`] connects to a ROUTER over `ipc` or `tcp`, reconnects by itself, and never waits except in
//! [`Dealer::poll`]. Mechanisms are NULL and PLAIN. The protocol itself ([`Session`]) knows neither sockets
//! nor clocks: bytes in, bytes and messages out, so that it can be tested from the first byte on.
//!
//! Whatever a peer sends, the client neither panics nor holds more than [`Options::memory_bound`] bytes; it
//! grows its buffers only by what has arrived, never by a length it was told.
//!
//! Messages that were queued when a connection ends are gone: they are never replayed on the next one, and
//! [`Dealer::generation`] tells the two apart.
//!
//! In a forked child a [`Dealer`] shares its descriptors with the parent: drop it there, or forget it, but call
//! nothing.
#![forbid(unsafe_code)]

mod backoff;
mod codec;
mod command;
mod connection;
mod dealer;
mod endpoint;
mod error;
mod handshake;
mod heartbeat;
mod inbox;
mod options;
mod session;
mod stream;

pub use dealer::{Dealer, MAX_LINGER, Waker};
pub use endpoint::{Endpoint, EndpointError, MAX_IPC_PATH};
pub use error::{Error, ProtocolError, SendError};
pub use inbox::{Inbox, Message};
pub use options::{Mechanism, Options, OptionsError, READ_BUFFER};
pub use session::Session;
