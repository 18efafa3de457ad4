//! What carries messages: one peer, frames in order, nothing that blocks but `poll`.

use std::io;
use std::time::Duration;

use wire::proof;
use zmtp::{Dealer, Endpoint, Mechanism, Options};

use crate::discovery::{Service, own_uid};
use crate::doorbell::Waker;
use crate::handshake::Refusal;

/// Bytes that may wait in user space: some 30 ms of the largest group, and any single message.
const TX_LIMIT: usize = 4 << 20;
/// Longest time that closing may take.
const LINGER: Duration = Duration::from_millis(10);

/// Whether a message went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is on its way.
    Yes,
    /// Not now: no connection, or no room.
    Later,
    /// Never: it is not a message.
    Never,
}

/// A connection to one service that makes itself anew when it is lost.
pub trait Link: Send {
    /// Number of the connection that is ready; another number, another connection.
    fn connection(&self) -> Option<u64>;
    /// Queues one message, whole or not at all.
    fn send(&mut self, frames: [&[u8]; 2]) -> Sent;
    /// Writes what is queued, as far as the system takes it.
    fn flush(&mut self);
    /// Works and waits for at most `timeout`; returns early for messages, changes and the waker.
    fn poll(&mut self, timeout: Duration);
    /// The oldest message received.
    fn receive(&mut self) -> Option<Vec<Vec<u8>>>;
    /// What ends a `poll` from another thread.
    fn waker(&self) -> Waker;
    /// Why the peer is refused, where the link itself can tell.
    fn refusal(&self) -> Option<Refusal>;
    /// Writes what is queued for at most 10 ms and ends the connection.
    fn close(&mut self);
}

/// A link over ZeroMQ.
#[derive(Debug)]
pub struct ZmtpLink(Dealer);

impl ZmtpLink {
    /// Begins to connect to `service`. Nothing that arrives at another user's socket leaves this process.
    ///
    /// # Errors
    /// The endpoint is none, or the system gives no descriptors.
    pub fn open(service: &Service) -> io::Result<Self> {
        let endpoint: Endpoint = service.endpoint.parse().map_err(io::Error::other)?;
        let mechanism = match &endpoint {
            Endpoint::Ipc(_) => Mechanism::Null,
            Endpoint::Tcp(_) => Mechanism::Plain {
                username: "hybridmix".to_owned(),
                password: proof::plain_password(&service.token).to_string(),
            },
        };
        let options = Options {
            mechanism,
            max_parts: 2,
            tx_limit: TX_LIMIT,
            expected_uid: Some(own_uid()),
            ..Options::default()
        };
        Dealer::new(endpoint, options).map(Self)
    }
}

impl Link for ZmtpLink {
    fn connection(&self) -> Option<u64> {
        self.0.is_ready().then(|| self.0.generation())
    }

    fn send(&mut self, frames: [&[u8]; 2]) -> Sent {
        match self.0.try_send(&frames) {
            Ok(()) => Sent::Yes,
            Err(zmtp::SendError::Invalid) => Sent::Never,
            Err(zmtp::SendError::NotReady | zmtp::SendError::Full) => Sent::Later,
        }
    }

    fn flush(&mut self) {
        self.0.flush();
    }

    fn poll(&mut self, timeout: Duration) {
        if self.0.poll(timeout).is_err() {
            // Only a broken event descriptor does this: rest instead of spinning.
            std::thread::sleep(timeout);
        }
    }

    fn receive(&mut self) -> Option<Vec<Vec<u8>>> {
        self.0.recv()
    }

    fn waker(&self) -> Waker {
        let waker = self.0.waker();
        Box::new(move || waker.wake())
    }

    fn refusal(&self) -> Option<Refusal> {
        match self.0.last_error()? {
            zmtp::Error::PeerUser { found, .. } => {
                Some(Refusal::not_trusted(&format!("The service's socket is served by user {found}")))
            }
            zmtp::Error::Protocol(zmtp::ProtocolError::Refused { reason }) => Some(Refusal::not_trusted(
                &format!("The service does not know this plugin's token ({reason})"),
            )),
            _ => None,
        }
    }

    fn close(&mut self) {
        self.0.close(LINGER);
    }
}
