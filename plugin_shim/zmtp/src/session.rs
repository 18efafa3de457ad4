//! The protocol of one connection, without socket or clock.

use std::collections::VecDeque;

use crate::codec::{self, Decoder, Frame, FrameKind};
use crate::command;
use crate::error::{ProtocolError, SendError};
use crate::handshake::{self, GREETING, Stage};
use crate::inbox::{Inbox, Message};
use crate::options::{CONTROL_RESERVE, Mechanism, Options, READ_BUFFER};

/// One connection's protocol state: put received bytes in, take bytes to send and messages out.
///
/// It is used like this: read into [`Session::space`], say how much with [`Session::receive`], take messages
/// from the [`Inbox`], write [`Session::to_send`] and say how much with [`Session::sent`]. After an error the
/// connection is over.
#[derive(Debug)]
pub struct Session {
    mechanism: Mechanism,
    identity: Vec<u8>,
    max_frame: usize,
    max_parts: usize,
    tx_limit: usize,
    stage: Stage,
    /// Received bytes that are not parsed yet: `read[parsed..filled]`.
    read: Box<[u8]>,
    parsed: usize,
    filled: usize,
    decoder: Decoder,
    parts: Message,
    tx: VecDeque<u8>,
}

impl Session {
    /// A connection that was just made; the greeting is ready to be sent.
    pub fn new(options: &Options) -> Self {
        Self {
            mechanism: options.mechanism.clone(),
            identity: options.identity.clone(),
            max_frame: options.max_frame,
            max_parts: options.max_parts,
            tx_limit: options.tx_limit,
            stage: Stage::Greeting,
            read: vec![0; READ_BUFFER].into_boxed_slice(),
            parsed: 0,
            filled: 0,
            decoder: Decoder::new(options.max_frame),
            parts: Message::new(),
            tx: VecDeque::from(handshake::greeting(&options.mechanism)),
        }
    }

    /// Whether the handshake is complete: messages flow both ways.
    pub fn is_ready(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Where received bytes go; empty while parsed messages fill the inbox.
    pub fn space(&mut self) -> &mut [u8] {
        if self.parsed > 0 {
            self.read.copy_within(self.parsed..self.filled, 0);
            self.filled -= self.parsed;
            self.parsed = 0;
        }
        &mut self.read[self.filled..]
    }

    /// `count` bytes were put into [`Session::space`]: parses them until `inbox` is full.
    ///
    /// With a `count` of 0, goes on with what an earlier call left because the inbox was full.
    pub fn receive(&mut self, count: usize, inbox: &mut Inbox) -> Result<(), ProtocolError> {
        self.filled = (self.filled + count).min(self.read.len());
        if self.stage == Stage::Greeting && !self.take_greeting()? {
            return Ok(());
        }
        while !inbox.is_full() && self.parsed < self.filled {
            let mut input = &self.read[self.parsed..self.filled];
            let before = input.len();
            let frame = self.decoder.next(&mut input);
            self.parsed += before - input.len();
            match frame? {
                Some(Frame { kind: FrameKind::Command, body }) => self.take_command(&body)?,
                Some(Frame { kind: FrameKind::Message { more }, body }) => {
                    self.take_part(more, body, inbox)?
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Queues one message of `parts`; all of it or nothing.
    pub fn try_send(&mut self, parts: &[&[u8]]) -> Result<(), SendError> {
        if !self.is_ready() {
            return Err(SendError::NotReady);
        }
        let size = parts.iter().fold(0, |sum: usize, part| sum.saturating_add(codec::frame_size(part.len())));
        let largest = parts.iter().map(|part| part.len()).max();
        if largest.is_none_or(|largest| largest > self.max_frame)
            || parts.len() > self.max_parts
            || size > self.tx_limit
        {
            return Err(SendError::Invalid);
        }
        if self.tx.len() + size > self.tx_limit {
            return Err(SendError::Full);
        }
        for (at, part) in parts.iter().enumerate() {
            let more = at + 1 < parts.len();
            codec::encode(&mut self.tx, FrameKind::Message { more }, part);
        }
        Ok(())
    }

    /// Queues a PING.
    pub fn ping(&mut self) {
        self.send_heartbeat(&command::ping());
    }

    /// Whether so much was sent that a message refused as [`SendError::Full`] is worth another try.
    pub(crate) fn has_room(&self) -> bool {
        self.tx.len() <= self.tx_limit / 2
    }

    /// The next bytes for the socket; empty when there are none. May be called again for the rest.
    pub fn to_send(&self) -> &[u8] {
        self.tx.as_slices().0
    }

    /// `count` bytes of [`Session::to_send`] were written.
    pub fn sent(&mut self, count: usize) {
        self.tx.drain(..count.min(self.tx.len()));
    }

    fn take_greeting(&mut self) -> Result<bool, ProtocolError> {
        let known = &self.read[..self.filled.min(GREETING)];
        handshake::check_greeting(known, &self.mechanism)?;
        if known.len() < GREETING {
            return Ok(false);
        }
        self.parsed = GREETING;
        let (answer, stage) = handshake::open(&self.mechanism, &self.identity);
        codec::encode(&mut self.tx, FrameKind::Command, &answer);
        self.stage = stage;
        Ok(true)
    }

    fn take_command(&mut self, body: &[u8]) -> Result<(), ProtocolError> {
        if self.stage != Stage::Done {
            let (stage, answer) = handshake::advance(self.stage, body, &self.identity)?;
            if let Some(answer) = answer {
                codec::encode(&mut self.tx, FrameKind::Command, &answer);
            }
            self.stage = stage;
            if stage == Stage::Done {
                self.decoder.allow_messages();
            }
            return Ok(());
        }
        match command::split(body)? {
            (b"PING", fields) => self.send_heartbeat(&command::pong(fields)?),
            (b"ERROR", fields) => return Err(command::refused(fields)),
            // PONG has done its work by arriving; commands that we do not know are not for us.
            _ => {}
        }
        Ok(())
    }

    fn take_part(&mut self, more: bool, body: Vec<u8>, inbox: &mut Inbox) -> Result<(), ProtocolError> {
        self.parts.push(body);
        if !more {
            inbox.push(std::mem::take(&mut self.parts));
        } else if self.parts.len() >= self.max_parts {
            return Err(ProtocolError::TooManyParts { limit: self.max_parts });
        }
        Ok(())
    }

    fn send_heartbeat(&mut self, body: &[u8]) {
        if self.tx.len() + codec::frame_size(body.len()) <= self.tx_limit + CONTROL_RESERVE {
            codec::encode(&mut self.tx, FrameKind::Command, body);
        }
    }
}
