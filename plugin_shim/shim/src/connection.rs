//! One connection to a service: handshake, credits, and whether somebody still answers.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use uuid::Uuid;
use wire::control::{Bye, Control, Join, Joined, Learning};
use wire::{Body, Header, Hex32, Kind, Values, WireError};

use crate::handshake::{Handshake, Refusal, Step};
use crate::link::{Link, Sent};
use crate::outgoing::Outgoing;

/// From the first word to WELCOME.
const GREETING_TIMEOUT: Duration = Duration::from_secs(2);
const PING_INTERVAL: Duration = Duration::from_millis(500);

/// Something that happened.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "taken apart at once, never stored")]
pub enum Event {
    /// The service is trusted.
    Opened,
    /// An instance was registered.
    Joined(Joined),
    /// Values for an instance.
    Params(Header, Values),
    /// What becomes of a pass with Learn.
    Learning(Learning),
    /// The plan of an instance, as text.
    Plan(Uuid, Vec<u8>),
    /// The oldest JOIN without answer was refused, if there is one: this is its handle.
    JoinRefused(Option<u32>, Refusal),
    /// The service is not to be used.
    Refused(Refusal),
    /// The connection is gone.
    Closed,
}

#[derive(Debug)]
enum Stage {
    Opening,
    Greeting { number: u64, since: Instant, handshake: Handshake },
    Open { number: u64 },
}

/// A link, and what is known about the other end.
pub struct Connection {
    link: Box<dyn Link>,
    token: Hex32,
    stage: Stage,
    /// BLOCKs in flight that the service allows per instance.
    credits: u32,
    /// BLOCKs sent, which is the number of the last one, and taken by the service.
    blocks: u64,
    taken: u64,
    /// Handles of the BLOCKs between those two, in order, and how many there are of each.
    in_flight: VecDeque<u32>,
    used: HashMap<u32, u32>,
    /// Handles of JOINs without answer, oldest first: they are answered in order.
    joining: VecDeque<u32>,
    /// PINGs without answer.
    pings: VecDeque<(u64, Instant)>,
    pinged: u64,
    next_ping: Instant,
    ignored: u64,
    outgoing: Outgoing,
    /// What followed the first packet of a message.
    further: VecDeque<(Header, Values)>,
}

impl Connection {
    /// A connection over `link`, which was told to connect to the service that knows `token`.
    pub fn new(link: Box<dyn Link>, token: Hex32) -> Self {
        Self {
            link,
            token,
            stage: Stage::Opening,
            credits: 0,
            blocks: 0,
            taken: 0,
            in_flight: VecDeque::new(),
            used: HashMap::new(),
            joining: VecDeque::new(),
            pings: VecDeque::new(),
            pinged: 0,
            next_ping: Instant::now(),
            ignored: 0,
            outgoing: Outgoing::default(),
            further: VecDeque::new(),
        }
    }

    /// Whether instances can join and stream.
    pub fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open { .. })
    }

    /// The link below.
    pub fn link(&mut self) -> &mut dyn Link {
        &mut *self.link
    }

    /// Messages that were no messages, or not of this moment, since the last call.
    pub fn take_ignored(&mut self) -> u64 {
        std::mem::take(&mut self.ignored)
    }

    /// The next thing that happened; `None` when nothing is left for now.
    pub fn next_event(&mut self, now: Instant, patience: Duration) -> Option<Event> {
        if let Some((header, values)) = self.further.pop_front() {
            return Some(Event::Params(header, values));
        }
        loop {
            if matches!(self.stage, Stage::Opening) {
                if let Some(refusal) = self.link.refusal() {
                    return Some(Event::Refused(refusal));
                }
                self.greet(self.link.connection()?, now);
            }
            let Some(frames) = self.link.receive() else { return self.check(now, patience) };
            match wire::decode(&frames) {
                Ok(message) => {
                    if self.is_open() {
                        self.further.extend(message.more.filter_map(|(header, body)| match body {
                            Body::Values(values) => Some((header, values)),
                            _ => None,
                        }));
                    }
                    if let Some(event) = self.take(message.header, message.body, now) {
                        return Some(event);
                    }
                }
                Err(WireError::Version(major)) if !self.is_open() => {
                    return Some(Event::Refused(Refusal::other_version(major)));
                }
                Err(_) => self.ignored += 1,
            }
        }
    }

    fn greet(&mut self, number: u64, now: Instant) {
        let mut nonce = [0; 32];
        // Without randomness there is no proof: the greeting times out and is tried again.
        if getrandom::fill(&mut nonce).is_ok() {
            let handshake = Handshake::new(self.token, Hex32(nonce));
            self.say(&handshake.hello());
            self.link.flush();
            self.stage = Stage::Greeting { number, since: now, handshake };
        }
    }

    /// Whether the connection is still the one that was greeted, and the service still answers.
    fn check(&mut self, now: Instant, patience: Duration) -> Option<Event> {
        let gone = match &self.stage {
            Stage::Opening => false,
            Stage::Greeting { number, since, .. } => {
                self.link.connection() != Some(*number) || now.duration_since(*since) > GREETING_TIMEOUT
            }
            Stage::Open { number } => {
                let silent = self.pings.front().is_some_and(|(_, sent)| now.duration_since(*sent) > patience);
                self.link.connection() != Some(*number) || silent
            }
        };
        gone.then_some(Event::Closed)
    }

    fn take(&mut self, header: Header, body: Body<'_>, now: Instant) -> Option<Event> {
        if let Stage::Greeting { number, handshake, .. } = &mut self.stage {
            let Body::Control(control) = body else {
                self.ignored += 1;
                return None;
            };
            let number = *number;
            match handshake.answer(&control) {
                Step::Send(answer) => {
                    self.say(&answer);
                    self.link.flush();
                }
                Step::Open(welcome) => {
                    self.stage = Stage::Open { number };
                    self.credits = welcome.credits;
                    self.next_ping = now;
                    return Some(Event::Opened);
                }
                Step::Refused(refusal) => return Some(Event::Refused(refusal)),
                Step::Ignored if matches!(control, Control::Bye(_)) => return Some(Event::Closed),
                Step::Ignored => self.ignored += 1,
            }
            return None;
        }
        match (header.kind, body) {
            (_, Body::Control(Control::Joined(joined))) => {
                self.joining.retain(|handle| *handle != joined.handle);
                Some(Event::Joined(joined))
            }
            (_, Body::Control(Control::Refuse(refuse))) => {
                Some(Event::JoinRefused(self.joining.pop_front(), Refusal::said(&refuse)))
            }
            (_, Body::Control(Control::Bye(_))) => Some(Event::Closed),
            (_, Body::Control(Control::Learning(learning))) => Some(Event::Learning(learning)),
            (_, Body::Plan(text)) => Some(Event::Plan(header.instance, text.to_vec())),
            (_, Body::Values(values)) => Some(Event::Params(header, values)),
            (Kind::Credit, _) => {
                self.credit(header.sequence);
                None
            }
            (Kind::Pong, _) => {
                self.pings.retain(|(number, _)| *number > header.sequence);
                None
            }
            _ => {
                self.ignored += 1;
                None
            }
        }
    }

    /// Takes back the credit of every BLOCK up to number `taken`.
    fn credit(&mut self, taken: u64) {
        if taken > self.blocks {
            self.ignored += 1;
            return;
        }
        while self.taken < taken {
            self.taken += 1;
            if let Some(used) = self.in_flight.pop_front().and_then(|handle| self.used.get_mut(&handle)) {
                *used = used.saturating_sub(1);
            }
        }
    }

    /// Whether another BLOCK of the instance `handle` may be sent.
    pub fn has_credit(&self, handle: u32) -> bool {
        self.used.get(&handle).is_none_or(|used| *used < self.credits)
    }

    /// Adds a BLOCK of the instance `handle` to the next message; its number is filled in. Sends the message
    /// before where that has no room for it.
    pub fn add_block(&mut self, handle: u32, mut header: Header, payload: &[u8]) -> Sent {
        header.sequence = self.blocks + 1;
        let Ok(head) = wire::encode(&header, payload) else { return Sent::Never };
        if !self.outgoing.has_room(payload.len()) && self.send_blocks() != Sent::Yes {
            return Sent::Later;
        }
        self.outgoing.push(&head, payload);
        self.blocks += 1;
        self.in_flight.push_back(handle);
        *self.used.entry(handle).or_default() += 1;
        Sent::Yes
    }

    /// Sends the BLOCKs that were added, as one message; what cannot go now stays for the next call.
    pub fn send_blocks(&mut self) -> Sent {
        if self.outgoing.is_empty() {
            return Sent::Yes;
        }
        let sent = self.link.send(self.outgoing.frames());
        if sent != Sent::Later {
            self.outgoing.clear();
        }
        sent
    }

    /// Sends a message without JSON.
    pub fn send(&mut self, header: &Header, payload: &[u8]) -> Sent {
        match wire::encode(header, payload) {
            Ok(frame) => self.link.send([&frame, payload]),
            Err(_) => Sent::Never,
        }
    }

    /// Sends a message with JSON.
    pub fn say(&mut self, control: &Control) -> Sent {
        match control.encode() {
            Ok([header, payload]) => self.link.send([&header, &payload]),
            Err(_) => Sent::Never,
        }
    }

    /// Sends `join`. An instance has one JOIN under way at a time: no answer tells which of several it belongs to.
    pub fn join(&mut self, join: Join) -> Sent {
        let handle = join.handle;
        let sent = self.say(&Control::Join(join));
        if sent == Sent::Yes {
            self.joining.push_back(handle);
        }
        sent
    }

    /// Whether a JOIN of the instance `handle` has no answer yet.
    pub fn is_joining(&self, handle: u32) -> bool {
        self.joining.contains(&handle)
    }

    /// Asks from time to time whether the service is still there. The connection alone does not tell: its
    /// system and its library answer for a service that hangs.
    pub fn ping(&mut self, now: Instant) {
        if self.is_open() && now >= self.next_ping {
            let header = Header { sequence: self.pinged + 1, ..Header::new(Kind::Ping) };
            if self.send(&header, &[]) == Sent::Yes {
                self.pinged += 1;
                self.pings.push_back((self.pinged, now));
            }
            self.next_ping = now + PING_INTERVAL;
        }
    }

    /// Takes leave, and ends the connection within 10 ms.
    pub fn close(mut self, reason: &str) {
        if self.is_open() {
            self.say(&Control::Bye(Some(Bye { reason: reason.to_owned() })));
        }
        self.link.close();
    }
}
