//! Golden vectors, and broken messages made from them: the algorithm that `hybridmix.wire.corpus` documents,
//! byte for byte. Shared by the tests and the `fuzz` example.

use serde_json::Value;
use sha2::{Digest, Sha256};
use wire::limits::{MAX_HEADER, MAX_JSON, MAX_PAYLOAD};
use wire::{Body, Control, HEADER_SIZE, Header, Kind, WireError, decode, encode};

/// Frames of one message.
pub type Frames = Vec<Vec<u8>>;

/// Vector files, in the order in which their accepted vectors become bases of the corpus.
pub const NAMES: [&str; 6] = ["block", "params", "plain", "plan", "control", "broken"];
const MAX_BASE: usize = 16 << 10;

/// Offset and size of every field of the header; the instance in two halves.
const FIELDS: [(usize, usize); 35] = [
    (0, 4),
    (4, 1),
    (5, 1),
    (6, 2),
    (8, 2),
    (10, 2),
    (12, 4),
    (16, 8),
    (24, 8),
    (32, 4),
    (36, 4),
    (40, 8),
    (48, 8),
    (56, 8),
    (64, 8),
    (72, 8),
    (80, 4),
    (84, 2),
    (86, 1),
    (87, 1),
    (88, 4),
    (92, 4),
    (96, 4),
    (100, 4),
    (104, 4),
    (108, 4),
    (112, 4),
    (116, 4),
    (120, 4),
    (124, 4),
    (128, 4),
    (132, 4),
    (136, 4),
    (140, 4),
    (144, 4),
];
#[rustfmt::skip]
const NUMBERS: [u64; 38] = [
    0, 1, 2, 3, 9, 11, 16, 17, 18, 19, 20, 112, 255, 441, 480, 882, 1920, 44100, 48000, 65535, 192_000,
    1 << 31, (1 << 32) - 1, 1 << 53, (1 << 62) + 1, 1 << 63, u64::MAX,
    0x7F80_0000, 0x7FC0_0000, 0xFF80_0000, 0x3F80_0001, 0x8000_0000, 0x41C0_0000, 0x41C0_0001,
    0x7FF0_0000_0000_0000, 0x7FF8_0000_0000_0000, 0xFFF0_0000_0000_0000, 0x8000_0000_0000_0000,
];
#[rustfmt::skip]
const TOKENS: [&[u8]; 39] = [
    b"{", b"}", b"[", b"]", b"\"", b",", b":", b"\\", b" ", b"\n", b"0", b"-", b"1.0", b"-0", b"1e5",
    b"1e999", b"01", b"null", b"true", b"NaN", b"Infinity", b"18446744073709551616", b"4294967296",
    b"\\u0041", b"\\ud800", b"\\udc00", b"\\ud83c\\udfb8", b"\\x", b"\xff", b"\xc3\xa9", b"\xef\xbb\xbf",
    b"\x00", b"\x1f", b"[[[[[[[[[[[[[[[[[", b"\"label\":\"\",", b"\"reason\":\"x\"", b"{}", b"/*", b"00000000",
];

/// The vectors of one golden file.
pub fn vectors(name: &str) -> Vec<Value> {
    match golden(name) {
        Value::Array(vectors) => vectors,
        _ => panic!("{name}.json holds no list"),
    }
}

/// One golden file.
pub fn golden(name: &str) -> Value {
    let path = format!("{}/../../tests/golden/wire/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The frames of a vector.
pub fn frames(vector: &Value) -> Frames {
    vector["frames"].as_array().expect("frames").iter().map(expand).collect()
}

fn expand(frame: &Value) -> Vec<u8> {
    let Some([start, byte, times]) = frame.as_array().map(Vec::as_slice) else { return unhex(frame) };
    let mut bytes = unhex(start);
    let times = usize::try_from(times.as_u64().expect("times")).expect("times");
    bytes.resize(bytes.len() + times, unhex(byte)[0]);
    bytes
}

fn unhex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().expect("hex").as_bytes().as_chunks::<2>().0;
    digits
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex"))
        .collect()
}

/// The messages that the corpus begins from: every accepted vector that is not too long.
pub fn bases() -> Vec<Frames> {
    let all = NAMES.iter().flat_map(|name| vectors(name));
    all.filter(|vector| vector["error"].is_null())
        .map(|vector| frames(&vector))
        .filter(|frames| frames[1].len() <= MAX_BASE)
        .collect()
}

/// The verdict on a message, and where it is accepted, what was understood: the message written anew,
/// without the samples of a BLOCK and the text of a PLAN, and without STATS and REPORT, whose numbers have several spellings.
pub fn judge(message: &Frames) -> (&'static str, Vec<u8>) {
    match understand(message) {
        Ok(bytes) => ("accepted", bytes),
        Err(reason) => (reason.name(), Vec::new()),
    }
}

fn understand(message: &Frames) -> Result<Vec<u8>, WireError> {
    let read = decode(message)?;
    let mut all = Vec::new();
    for (header, body) in std::iter::once((read.header, read.body)).chain(read.more) {
        let anew = |payload: &[u8]| encode(&header, payload).expect("what is accepted can be sent");
        match &body {
            Body::Empty => all.extend(anew(&[])),
            Body::Plan(plan) => all.extend(anew(plan)),
            Body::Samples(samples, start) => {
                let mut payload = Vec::new();
                wire::append_samples(&mut payload, &samples.iter().collect::<Vec<_>>());
                payload.extend(start.encode());
                all.extend(anew(&payload));
                all.extend(start.encode());
            }
            Body::Values(values) => {
                all.extend(anew(&values.encode()));
                all.extend(values.encode());
            }
            Body::Control(Control::Stats(_) | Control::Report(_)) => all.extend(anew(&message[1])),
            Body::Control(control) => {
                all.extend(control.encode().expect("what is accepted can be sent").concat());
            }
        }
    }
    Ok(all)
}

/// Reports of the greatest length that cost the most memory to read: many small things.
pub fn heaviest() -> Vec<Frames> {
    let head = |payload: &[u8]| encode(&Header::new(Kind::Report), payload).expect("a report").to_vec();
    let fill = |start: &str, item: &dyn Fn(usize) -> String, end: &str| {
        let mut text = start.to_owned();
        for item in (0..).map(item) {
            if text.len() + item.len() + end.len() > MAX_JSON {
                break;
            }
            text.push_str(&item);
        }
        (text + end).into_bytes()
    };
    [
        fill("{\"a\":[0", &|_| ",0".into(), "]}"),
        fill("{\"a\":[0", &|_| ",{}".into(), "]}"),
        fill("{\"a\":[0", &|_| ",\"\"".into(), "]}"),
        fill("{\"_\":0", &|n| format!(",\"{n:x}\":0"), "}"),
        fill("{\"a\":\"", &|_| "\\ud83c\\udfb8".into(), "\"}"),
    ]
    .map(|payload| vec![head(&payload), payload])
    .to_vec()
}

/// True where the message asks for JSON to be read: the only decoding that may allocate.
pub fn carries_json(message: &Frames) -> bool {
    matches!(message.first().and_then(|head| head.get(8..10)), Some(&[code, 0])
        if !matches!(Kind::from_code(code.into()),
            None | Some(Kind::Leave | Kind::Block | Kind::Wait | Kind::Params | Kind::Credit | Kind::Ping | Kind::Pong | Kind::Plan)))
}

/// Adds a message to the digest of a corpus.
pub fn add_message(total: &mut Sha256, message: &Frames) {
    let length = |n: usize| u32::try_from(n).expect("short").to_le_bytes();
    total.update(length(message.len()));
    for frame in message {
        total.update(length(frame.len()));
        total.update(frame);
    }
}

/// Lowercase hex of a digest.
pub fn hex(total: Sha256) -> String {
    wire::Hex32(total.finalize().into()).to_string()
}

/// Endless broken messages.
pub struct Corpus {
    bases: Vec<Frames>,
    random: SplitMix64,
}

impl Corpus {
    /// Messages made from the golden vectors.
    pub fn new(seed: u64) -> Self {
        Self { bases: bases(), random: SplitMix64(seed) }
    }
}

impl Iterator for Corpus {
    type Item = Frames;

    fn next(&mut self) -> Option<Frames> {
        let base = self.random.below(self.bases.len());
        let mut frames = self.bases[base].clone();
        for _ in 0..self.random.below(4) {
            let operation = self.random.below(13);
            if !frames.is_empty() {
                mutate(operation, &mut frames, &mut self.random, &self.bases);
            }
        }
        Some(frames)
    }
}

struct SplitMix64(u64);

impl SplitMix64 {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        usize::try_from(z % u64::try_from(n).expect("64 bits")).expect("below n")
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).expect("below 256")
    }

    fn pick<'a>(&mut self, frames: &'a mut Frames) -> &'a mut Vec<u8> {
        let index = self.below(frames.len());
        &mut frames[index]
    }
}

fn mutate(operation: usize, frames: &mut Frames, random: &mut SplitMix64, bases: &[Frames]) {
    match operation {
        0 => {
            let frame = random.pick(frames);
            if !frame.is_empty() {
                let bit = random.below(frame.len() * 8);
                frame[bit >> 3] ^= 1 << (bit & 7);
            }
        }
        1 => {
            let frame = random.pick(frames);
            if !frame.is_empty() {
                let at = random.below(frame.len());
                frame[at] = random.byte();
            }
        }
        2 => {
            let (at, size) = place(frames, random);
            let number = NUMBERS[random.below(NUMBERS.len())];
            write(&mut frames[0], at, size, |_| number);
        }
        3 => {
            let (at, size) = place(frames, random);
            let amount = u64::try_from(random.below(9)).expect("small");
            write(&mut frames[0], at, size, |found| found.wrapping_add(amount).wrapping_sub(4));
        }
        4 => {
            let frame = random.pick(frames);
            let length = random.below(frame.len() + 1);
            frame.truncate(length);
        }
        5 => {
            let frame = random.pick(frames);
            let many = 1 + random.below(16);
            frame.extend((0..many).map(|_| random.byte()));
        }
        6 => {
            let removes = random.below(2) == 0;
            let at = random.below(frames.len());
            if removes {
                frames.remove(at);
            } else {
                frames.push(frames[at].clone());
            }
        }
        7 => *last(frames) = bases[random.below(bases.len())].last().expect("two frames").clone(),
        8 => {
            let frame = random.pick(frames);
            if !frame.is_empty() {
                let (source, target) = (random.below(frame.len()), random.below(frame.len()));
                let size = (1 + random.below(16)).min(frame.len() - source).min(frame.len() - target);
                frame.copy_within(source..source + size, target);
            }
        }
        9 => {
            let frame = last(frames);
            let at = random.below(frame.len() + 1);
            let token = TOKENS[random.below(TOKENS.len())];
            frame.splice(at..at, token.iter().copied());
        }
        10 => {
            let frame = last(frames);
            if !frame.is_empty() {
                let at = random.below(frame.len());
                let end = (at + 1 + random.below(8)).min(frame.len());
                frame.drain(at..end);
            }
        }
        12 => {
            let which = random.below(16);
            let times = if which >= 14 { which + 114 } else { 2 + which % 3 };
            if frames.iter().all(|frame| frame.len() <= MAX_BASE) {
                for frame in frames {
                    *frame = frame.repeat(times);
                }
            }
        }
        _ => {
            let limit = match random.below(64) {
                0 => MAX_PAYLOAD,
                1 => MAX_HEADER,
                2 => MAX_JSON,
                _ => return,
            };
            let frame = if limit == MAX_HEADER { &mut frames[0] } else { last(frames) };
            frame.resize(limit - 1 + random.below(3), b' ');
        }
    }
}

/// Offset in the first frame and size of a field of one of its headers.
fn place(frames: &Frames, random: &mut SplitMix64) -> (usize, usize) {
    let header = random.below((frames[0].len() / HEADER_SIZE).max(1));
    let (at, size) = FIELDS[random.below(FIELDS.len())];
    (header * HEADER_SIZE + at, size)
}

fn last(frames: &mut Frames) -> &mut Vec<u8> {
    frames.last_mut().expect("not empty")
}

fn write(frame: &mut [u8], at: usize, size: usize, change: impl Fn(u64) -> u64) {
    if let Some(field) = frame.get_mut(at..at + size) {
        let mut number = [0; 8];
        number[..size].copy_from_slice(field);
        let number = change(u64::from_le_bytes(number)).to_le_bytes();
        field.copy_from_slice(&number[..size]);
    }
}
