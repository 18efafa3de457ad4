//! The client: connects, keeps alive, reconnects.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use crate::backoff::Backoff;
use crate::connection::Connection;
use crate::endpoint::Endpoint;
use crate::error::{Error, SendError};
use crate::inbox::{Inbox, Message};
use crate::options::Options;

/// Longest time that [`Dealer::close`] spends.
pub const MAX_LINGER: Duration = Duration::from_millis(40);

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

/// Ends a [`Dealer::poll`] from any thread: now, or the next one.
#[derive(Clone, Debug)]
pub struct Waker(Arc<mio::Waker>);

impl Waker {
    /// Wakes the dealer; one write to an event descriptor, no lock, no allocation.
    pub fn wake(&self) {
        // It can only fail when the descriptor is gone, and then nobody waits.
        let _ = self.0.wake();
    }
}

/// A DEALER with one connection; see the crate's documentation.
#[derive(Debug)]
pub struct Dealer {
    poll: Poll,
    events: Events,
    waker: Waker,
    endpoint: Endpoint,
    options: Options,
    connection: Option<Connection>,
    inbox: Inbox,
    backoff: Backoff,
    retry_at: Instant,
    generation: u64,
    last_error: Option<Error>,
    /// A send was refused for want of room, and the caller waits to hear of it.
    refused_full: bool,
    /// Something happened that ends a poll.
    news: bool,
    closed: bool,
}

impl Dealer {
    /// A client of `endpoint`; it begins to connect in the first [`Dealer::poll`].
    ///
    /// Fails with `InvalidInput` on options that contradict each other, else only if the system gives no
    /// descriptors.
    pub fn new(endpoint: Endpoint, options: Options) -> io::Result<Self> {
        options.check().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let poll = Poll::new()?;
        let waker = Waker(Arc::new(mio::Waker::new(poll.registry(), WAKER)?));
        Ok(Self {
            poll,
            events: Events::with_capacity(8),
            waker,
            endpoint,
            connection: None,
            inbox: Inbox::new(&options),
            backoff: Backoff::new(options.backoff),
            options,
            retry_at: Instant::now(),
            generation: 0,
            last_error: None,
            refused_full: false,
            news: false,
            closed: false,
        })
    }

    /// What wakes this dealer; any number of clones, on any thread.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Whether messages can be sent.
    pub fn is_ready(&self) -> bool {
        self.connection.as_ref().is_some_and(Connection::is_ready)
    }

    /// How many connections have become ready so far: another number, another connection.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// What ended the last connection or attempt; `None` before that and since one became ready.
    pub fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }

    /// Queues one message, whole or not at all. Never blocks and does not write: [`Dealer::flush`] does.
    pub fn try_send(&mut self, parts: &[&[u8]]) -> Result<(), SendError> {
        let connection = self.connection.as_mut().ok_or(SendError::NotReady)?;
        let result = connection.try_send(parts);
        self.refused_full |= result == Err(SendError::Full);
        result
    }

    /// Writes what is queued, as far as the socket takes it now; the rest goes out in [`Dealer::poll`].
    pub fn flush(&mut self) {
        if let Some(connection) = &mut self.connection
            && let Err(error) = connection.write()
        {
            self.lose(error, Instant::now());
        }
    }

    /// Takes the oldest message received.
    ///
    /// The last messages of a connection can still be taken after it ended; they are dropped when the next
    /// attempt to connect begins, so that whatever comes out belongs to one connection.
    pub fn recv(&mut self) -> Option<Message> {
        self.inbox.pop()
    }

    /// Does all the work, and waits for at most `timeout`.
    ///
    /// Returns when a message waits to be taken, a connection became ready or ended, a send that was refused
    /// as full may be tried again, a [`Waker`] rang, or the time is over. Fails only if the system's poll
    /// does.
    pub fn poll(&mut self, timeout: Duration) -> io::Result<()> {
        let end = Instant::now().checked_add(timeout);
        loop {
            let now = Instant::now();
            self.turn(now);
            let left = end.map(|end| end.saturating_duration_since(now));
            let wait = if self.has_news() || self.wants_turn() {
                Some(Duration::ZERO)
            } else {
                let timer = self.due().map(|due| due.saturating_duration_since(now));
                [left, timer].into_iter().flatten().min()
            };
            let woken = self.wait(wait)?;
            if woken || self.has_news() || left == Some(Duration::ZERO) {
                self.news = false;
                return Ok(());
            }
        }
    }

    /// Ends the client: writes what is queued for at most `linger` (and [`MAX_LINGER`]), then closes.
    ///
    /// Messages already received can still be taken. Dropping the dealer closes at once.
    pub fn close(&mut self, linger: Duration) {
        self.closed = true;
        let end = Instant::now() + linger.min(MAX_LINGER);
        while let Some(connection) = &mut self.connection
            && connection.is_ready()
            && connection.write().is_ok()
            && connection.has_unsent()
        {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || self.wait(Some(left)).is_err() {
                break;
            }
        }
        if let Some(connection) = &mut self.connection {
            // Closing a socket that holds unread bytes may discard what the peer has not read yet.
            let _ = connection.read(&mut self.inbox, Instant::now());
        }
        self.drop_connection();
    }

    /// Waits for events and notes them: whether a waker rang.
    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(false),
            result => result?,
        }
        let mut woken = false;
        for event in &self.events {
            match event.token() {
                WAKER => woken = true,
                _ => {
                    if let Some(connection) = &mut self.connection {
                        connection.set_readable();
                    }
                }
            }
        }
        Ok(woken)
    }

    fn has_news(&self) -> bool {
        self.news || !self.inbox.is_empty()
    }

    fn wants_turn(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.wants_turn(&self.inbox))
    }

    /// When something is due without an event.
    fn due(&self) -> Option<Instant> {
        match &self.connection {
            Some(connection) => Some(connection.due(&self.options)),
            None if self.closed => None,
            None => Some(self.retry_at),
        }
    }

    /// All that can be done without waiting.
    fn turn(&mut self, now: Instant) {
        if self.connection.is_none() && !self.closed && now >= self.retry_at {
            self.inbox.clear();
            let registry = self.poll.registry();
            match Connection::open(&self.endpoint, &self.options, registry, SOCKET, now) {
                Ok(connection) => self.connection = Some(connection),
                Err(error) => self.note_failure(error, None, now),
            }
        }
        let Some(connection) = &mut self.connection else { return };
        let was_ready = connection.is_ready();
        let result = connection.turn(&self.options, &mut self.inbox, now);
        if connection.is_ready() {
            if !was_ready {
                self.generation += 1;
                self.last_error = None;
                self.news = true;
            }
            if self.refused_full && connection.has_room() {
                self.refused_full = false;
                self.news = true;
            }
        }
        if let Err(error) = result {
            self.lose(error, now);
        }
    }

    /// Ends the connection for `error`, after a last look at what the peer had to say.
    fn lose(&mut self, error: Error, now: Instant) {
        let Some(connection) = &mut self.connection else { return };
        let error = match (error, connection.read(&mut self.inbox, now)) {
            // A peer that refuses and hangs up may be noticed by its hanging up first.
            (Error::Lost(_), Err(Error::Protocol(reason))) => Error::Protocol(reason),
            (error, _) => error,
        };
        let lasted = connection.ready_since().map(|since| now.saturating_duration_since(since));
        self.drop_connection();
        self.note_failure(error, lasted, now);
    }

    fn note_failure(&mut self, error: Error, lasted: Option<Duration>, now: Instant) {
        self.news |= lasted.is_some();
        self.last_error = Some(error);
        self.retry_at = now + self.backoff.after(lasted);
    }

    fn drop_connection(&mut self) {
        self.refused_full = false;
        if let Some(connection) = self.connection.take() {
            connection.close(self.poll.registry());
        }
    }
}
