//! Byte streams of every kind, and one client's fate with each.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use peak_alloc::PeakAlloc;
use zmtp::{Inbox, Mechanism, Options, ProtocolError, READ_BUFFER, Session};

/// What a client may hold for every byte that it was sent: the smallest message has two, and a place in lists
/// that double.
const HELD_PER_BYTE: usize = 128;

/// What a client may hold before a byte has come, beside its read buffer.
const HELD_AT_FIRST: usize = 16 * 1024;

/// Numbers from a seed (SplitMix64): the same on every machine.
pub struct Numbers(u64);

impl Numbers {
    /// The numbers that belong to `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `limit`, which is at least 1.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap_or(u64::MAX)).unwrap_or(0)
    }

    fn one_in(&mut self, odds: usize) -> bool {
        self.below(odds) == 0
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// What happened to all clients so far.
#[derive(Debug, Default)]
pub struct Tally {
    /// Streams by kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// How the streams ended: the error's name, or "open".
    pub ends: BTreeMap<String, u64>,
    /// Messages delivered.
    pub messages: u64,
    /// Bytes fed.
    pub bytes: u64,
    /// The most that one client held, in bytes.
    pub peak: usize,
    /// Broken promises: a description of the first few.
    pub violations: Vec<String>,
    /// How many there were.
    pub violation_count: u64,
}

impl Tally {
    /// Feeds one generated stream to a new client and judges what it does.
    pub fn run_one(&mut self, numbers: &mut Numbers, heap: &PeakAlloc) {
        let start = numbers.0;
        let options = options(numbers);
        let plain = options.mechanism != Mechanism::Null;
        let mut valid = Vec::new();
        let expected = append_valid(&mut valid, plain, numbers);
        let (kind, stream) = match numbers.below(8) {
            0 => ("valid", valid),
            1 => ("random", random(numbers)),
            2 => ("random after handshake", [handshake(plain), random(numbers)].concat()),
            _ => ("mutated", mutate(valid, numbers)),
        };
        *self.kinds.entry(kind).or_default() += 1;
        self.bytes += stream.len() as u64;

        let before = heap.current_usage();
        heap.reset_peak_usage();
        let outcome = catch_unwind(AssertUnwindSafe(|| converse(&options, &stream, numbers)));
        let held = heap.peak_usage().saturating_sub(before);
        self.peak = self.peak.max(held);

        let told = READ_BUFFER + HELD_AT_FIRST + HELD_PER_BYTE * stream.len() + our_own(&options);
        if held > options.memory_bound().min(told) {
            self.violation(format!("{held} bytes held, bound {} and {told}", options.memory_bound()), start);
        }
        match outcome {
            Err(_) => self.violation("panic".to_owned(), start),
            Ok((result, received)) => {
                self.messages += received;
                if kind == "valid" && fits(&options) && (result.is_err() || received != expected) {
                    self.violation(format!("{received} of {expected} messages, {result:?}"), start);
                }
                let end = result.err().map_or("open".to_owned(), |error| name(&error));
                *self.ends.entry(end).or_default() += 1;
            }
        }
    }

    fn violation(&mut self, what: String, start: u64) {
        self.violation_count += 1;
        if self.violations.len() < 10 {
            self.violations.push(format!("{what} (numbers from {start:#x})"));
        }
    }
}

fn name(error: &ProtocolError) -> String {
    format!("{error:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
}

fn options(numbers: &mut Numbers) -> Options {
    let mechanism = if numbers.one_in(3) {
        Mechanism::Plain { username: "user".to_owned(), password: "password".to_owned() }
    } else {
        Mechanism::Null
    };
    Options {
        mechanism,
        identity: b"fuzz".to_vec(),
        max_frame: numbers.pick(&[16, 4096, 1 << 20, 1 << 30]),
        max_parts: numbers.pick(&[1, 4, 1000]),
        tx_limit: numbers.pick(&[100, 10_000]),
        rx_limit: numbers.pick(&[1, 8, 1024]),
        rx_bytes: numbers.pick(&[1000, 1 << 20]),
        ..Options::default()
    }
}

/// Whether every valid stream fits these limits.
fn fits(options: &Options) -> bool {
    options.max_frame >= 1 << 20 && options.max_parts >= 4
}

/// What a client holds of its own making: queued messages, in a buffer that doubles.
fn our_own(options: &Options) -> usize {
    3 * options.tx_limit
}

fn handshake(plain: bool) -> Vec<u8> {
    let mut stream = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01".to_vec();
    stream.extend(if plain { &b"PLAIN"[..] } else { b"NULL" });
    stream.resize(64, 0);
    if plain {
        stream.extend(b"\x04\x08\x07WELCOME");
    }
    stream.extend(b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06ROUTER");
    stream
}

/// Appends a peer's side of a conversation: how many messages it holds.
fn append_valid(stream: &mut Vec<u8>, plain: bool, numbers: &mut Numbers) -> u64 {
    stream.extend(handshake(plain));
    let mut messages = 0;
    for _ in 0..numbers.below(8) {
        if numbers.one_in(50) {
            append_frame(stream, 4, b"\x09SUBSCRIBE", numbers);
        }
        if numbers.one_in(4) {
            let context = numbers.below(17);
            let body = [b"\x04PING\0\x0a", numbers.bytes(context).as_slice()].concat();
            append_frame(stream, 4, &body, numbers);
            continue;
        }
        let parts = 1 + numbers.below(4);
        for part in 1..=parts {
            let length = if numbers.one_in(500) { numbers.below(70_000) } else { numbers.below(300) };
            let body = numbers.bytes(length);
            append_frame(stream, u8::from(part < parts), &body, numbers);
        }
        messages += 1;
    }
    messages
}

fn append_frame(stream: &mut Vec<u8>, flags: u8, body: &[u8], numbers: &mut Numbers) {
    match u8::try_from(body.len()) {
        Ok(length) if !numbers.one_in(4) => stream.extend([flags, length]),
        _ => {
            stream.push(flags | 2);
            stream.extend((body.len() as u64).to_be_bytes());
        }
    }
    stream.extend(body);
}

fn random(numbers: &mut Numbers) -> Vec<u8> {
    let length = numbers.below(400);
    let mut stream = numbers.bytes(length);
    if numbers.one_in(2) {
        // Mostly small numbers: flags and lengths that mean something.
        stream.iter_mut().for_each(|byte| *byte &= 7);
    }
    stream
}

fn mutate(mut stream: Vec<u8>, numbers: &mut Numbers) -> Vec<u8> {
    for _ in 0..1 + numbers.below(4) {
        if stream.is_empty() {
            break;
        }
        let at = numbers.below(stream.len());
        let to = (at + 1 + numbers.below(16)).min(stream.len());
        match numbers.below(8) {
            0 => stream[at] ^= 1 << numbers.below(8),
            7 => drop(stream.splice(at..at, *b"\x04\x0a\x05ERROR\x03400")),
            1 => stream[at] = numbers.pick(&[0, 1, 2, 4, 6, 8, 127, 128, 255]),
            2 => stream.truncate(at),
            3 => drop(stream.drain(at..to)),
            4 => {
                let count = numbers.below(20);
                stream.splice(at..at, numbers.bytes(count));
            }
            5 => {
                let again = stream[at..to].to_vec();
                stream.splice(at..at, again);
            }
            _ => {
                let length = numbers.next() >> numbers.below(64);
                stream.splice(at..to, [&[numbers.pick(&[2, 3, 6])][..], &length.to_be_bytes()].concat());
            }
        }
    }
    stream
}

/// Feeds `stream` in pieces, taking, sending and writing now and then: how it ended, and messages received.
fn converse(options: &Options, mut stream: &[u8], numbers: &mut Numbers) -> (Result<(), ProtocolError>, u64) {
    let mut session = Session::new(options);
    let mut inbox = Inbox::new(options);
    let largest = numbers.pick(&[1, 20, 1000, READ_BUFFER]);
    let mut received = 0;
    loop {
        let space = session.space();
        let count = (1 + numbers.below(largest)).min(space.len()).min(stream.len());
        space[..count].copy_from_slice(&stream[..count]);
        stream = &stream[count..];
        let mut result = session.receive(count, &mut inbox);
        // What waits in the buffer because the inbox was full comes out as messages are taken.
        let last = result.is_err() || stream.is_empty();
        while (last || inbox.is_full() || numbers.one_in(4))
            && let Some(_message) = inbox.pop()
        {
            received += 1;
            if inbox.is_empty() && result.is_ok() {
                result = session.receive(0, &mut inbox);
            }
        }
        if numbers.one_in(4) {
            let _ = session.try_send(&[&[0; 40], b"x"]);
            session.ping();
        }
        if numbers.one_in(2) {
            let most = session.to_send().len();
            session.sent(numbers.below(most + 1));
        }
        if last || result.is_err() {
            return (result, received);
        }
    }
}
