//! One connection: socket, protocol and timers.

use std::io;
use std::time::Instant;

use mio::{Registry, Token};

use crate::endpoint::Endpoint;
use crate::error::{Error, SendError};
use crate::heartbeat::{Beat, Heartbeat};
use crate::inbox::Inbox;
use crate::options::Options;
use crate::session::Session;
use crate::stream::Stream;

/// Reads per turn: a peer that never stops sending does not keep the thread from its other work.
const READS_PER_TURN: usize = 64;

#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    session: Session,
    connected: bool,
    opened: Instant,
    /// Since when messages flow.
    ready: Option<Instant>,
    heartbeat: Heartbeat,
    /// The socket may hold bytes that were not read (events come once per change).
    readable: bool,
}

impl Connection {
    /// Begins to connect.
    pub(crate) fn open(
        endpoint: &Endpoint,
        options: &Options,
        registry: &Registry,
        token: Token,
        now: Instant,
    ) -> Result<Self, Error> {
        let mut stream = Stream::connect(endpoint, options.expected_uid)?;
        stream.register(registry, token).map_err(Error::Connect)?;
        Ok(Self {
            stream,
            session: Session::new(options),
            connected: false,
            opened: now,
            ready: None,
            heartbeat: Heartbeat::new(options.heartbeat_interval, options.heartbeat_timeout, now),
            readable: true,
        })
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.session.is_ready()
    }

    /// Since when messages flow.
    pub(crate) fn ready_since(&self) -> Option<Instant> {
        self.ready
    }

    pub(crate) fn try_send(&mut self, parts: &[&[u8]]) -> Result<(), SendError> {
        self.session.try_send(parts)
    }

    /// Whether a message refused as full is worth another try.
    pub(crate) fn has_room(&self) -> bool {
        self.session.has_room()
    }

    pub(crate) fn has_unsent(&self) -> bool {
        !self.session.to_send().is_empty()
    }

    /// The socket has something to tell.
    pub(crate) fn set_readable(&mut self) {
        self.readable = true;
    }

    /// Whether another turn would read at once.
    pub(crate) fn wants_turn(&self, inbox: &Inbox) -> bool {
        self.connected && self.readable && !inbox.is_full()
    }

    /// When a timer is due.
    pub(crate) fn due(&self, options: &Options) -> Instant {
        if self.is_ready() { self.heartbeat.due() } else { self.opened + options.handshake_timeout }
    }

    /// Reads, judges the timers (only then: what waited in the socket counts as heard) and writes.
    pub(crate) fn turn(&mut self, options: &Options, inbox: &mut Inbox, now: Instant) -> Result<(), Error> {
        if !self.connected {
            self.connected = self.stream.is_connected()?;
        }
        if self.connected {
            self.read(inbox, now)?;
        }
        if self.is_ready() {
            if self.ready.is_none() {
                self.ready = Some(now);
                self.heartbeat.heard(now);
            }
            match self.heartbeat.beat(now) {
                Beat::Wait => {}
                Beat::Ask => self.session.ping(),
                Beat::Dead => return Err(Error::Silent(options.heartbeat_timeout)),
            }
        } else if now >= self.opened + options.handshake_timeout {
            return Err(Error::HandshakeTimeout(options.handshake_timeout));
        }
        self.write()
    }

    /// Writes what is queued, as far as the socket takes it.
    pub(crate) fn write(&mut self) -> Result<(), Error> {
        while self.connected && self.has_unsent() {
            match self.stream.send(self.session.to_send()) {
                Ok(0) => break,
                Ok(count) => self.session.sent(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(Error::Lost(error)),
            }
        }
        Ok(())
    }

    /// Reads what is there, until the inbox is full.
    pub(crate) fn read(&mut self, inbox: &mut Inbox, now: Instant) -> Result<(), Error> {
        self.session.receive(0, inbox)?;
        for _ in 0..READS_PER_TURN {
            if inbox.is_full() {
                // It is we who do not listen.
                self.heartbeat.heard(now);
                return Ok(());
            }
            if !self.readable {
                return Ok(());
            }
            match self.stream.read(self.session.space()) {
                Ok(0) => return Err(Error::Closed { handshake: !self.is_ready() }),
                Ok(count) => {
                    self.heartbeat.heard(now);
                    self.session.receive(count, inbox)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
                Err(error) => return Err(Error::Lost(error)),
            }
        }
        Ok(())
    }

    /// Closes the socket.
    pub(crate) fn close(mut self, registry: &Registry) {
        self.stream.deregister(registry);
    }
}
