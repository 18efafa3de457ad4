//! The fixed header: 176 bytes, little-endian, the same fields in every message.

use uuid::Uuid;

use crate::error::WireError;
use crate::limits::{HEADER_SIZE, MAX_HEADER_SIZE, MIN_HEADER_SIZE, PROTOCOL};

/// First four bytes of every header.
pub const MAGIC: [u8; 4] = *b"HMIX";

/// What a message is. Numbers are appended, never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Kind {
    /// Client to service, JSON: version and nonce.
    Hello = 1,
    /// Service to client, JSON: nonce and the service's proof.
    Challenge = 2,
    /// Client to service, JSON: the client's proof.
    Auth = 3,
    /// Service to client, JSON: accepted.
    Welcome = 4,
    /// Service to client, JSON: refused, with a sentence.
    Refuse = 5,
    /// Client to service, JSON: an instance appears or changed.
    Join = 6,
    /// Service to client, JSON: its instance and session.
    Joined = 7,
    /// Client to service: the instance is gone.
    Leave = 8,
    /// Client to service: samples, or the announcement of a run.
    Block = 9,
    /// Client to service: a render waits for this frame end.
    Wait = 10,
    /// Service to client: values of one frame.
    Params = 11,
    /// Service to client: how many BLOCKs were taken so far.
    Credit = 12,
    /// Client to service: are you there?
    Ping = 13,
    /// Service to client: the same sequence back.
    Pong = 14,
    /// Client to service, JSON: counters.
    Stats = 15,
    /// Client to service, JSON: asks for a report.
    Status = 16,
    /// Service to client, JSON: the report.
    Report = 17,
    /// Both ways, JSON or empty: the sender closes.
    Bye = 18,
    /// Service to client: the plan of an instance, as its state has it.
    Plan = 19,
    /// Service to client, JSON: what becomes of a pass with Learn.
    Learning = 20,
}

impl Kind {
    /// Every kind, by number.
    pub const ALL: [Self; 20] = [
        Self::Hello,
        Self::Challenge,
        Self::Auth,
        Self::Welcome,
        Self::Refuse,
        Self::Join,
        Self::Joined,
        Self::Leave,
        Self::Block,
        Self::Wait,
        Self::Params,
        Self::Credit,
        Self::Ping,
        Self::Pong,
        Self::Stats,
        Self::Status,
        Self::Report,
        Self::Bye,
        Self::Plan,
        Self::Learning,
    ];

    /// Whether a message may carry several packets of this kind.
    #[must_use]
    pub const fn is_repeatable(self) -> bool {
        matches!(self, Self::Block | Self::Params)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The kind of that number; `None` for one that is not known here.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.get(usize::from(code).checked_sub(1)?).copied()
    }
}

/// Bits of [`Header::flags`].
pub mod flags {
    /// BLOCK: the first of its run.
    pub const RUN_BEGIN: u32 = 1;
    /// BLOCK, with `RUN_BEGIN`: the run begins from a stop or an activation, with its start values or neutrally.
    pub const START: u32 = 1 << 1;
    /// BLOCK: the host's transport plays.
    pub const PLAYING: u32 = 1 << 2;
    /// BLOCK: the instance renders in Sync and waits for the answer.
    pub const SYNC: u32 = 1 << 3;
    /// BLOCK: hops before this one were lost.
    pub const GAP: u32 = 1 << 4;
    /// BLOCK: held NaN or Inf and is sent as zeros.
    pub const ZEROED: u32 = 1 << 5;
    /// BLOCK: `beat` is known.
    pub const HAS_BEAT: u32 = 1 << 6;
    /// BLOCK: `tempo` is known.
    pub const HAS_TEMPO: u32 = 1 << 7;
    /// BLOCK: the user bypasses the instance.
    pub const BYPASSED: u32 = 1 << 8;
    /// BLOCK: the user locks the instance: the service's part of its gain holds.
    pub const LOCKED: u32 = 1 << 9;
    /// BLOCK: the user wants a plan of what is played.
    pub const LEARNS: u32 = 1 << 10;
    /// BLOCK: the user wants breath to compress too.
    pub const BREATH_BOTH: u32 = 1 << 11;
    /// BLOCK: the user wants breath to move a sustained tone, by 1/f.
    pub const BREATH_FLICKER: u32 = 1 << 12;
    /// BLOCK: the same, by one slow oscillation.
    pub const BREATH_LFO: u32 = 1 << 13;
    /// BLOCK: the user wants a plan to fade where chords change.
    pub const BREATH_FADES: u32 = 1 << 14;
    /// BLOCK: the user has groove hear the track as drums.
    pub const GROOVE_DRUMS: u32 = 1 << 15;
    /// BLOCK: the user has groove hear the track as a bass.
    pub const GROOVE_BASS: u32 = 1 << 19;
    /// PARAMS: no values: nobody counted in the frame, or with `SKIPPED`.
    pub const NONE: u32 = 1 << 16;
    /// PARAMS: a member that should have counted was missing.
    pub const INCOMPLETE: u32 = 1 << 17;
    /// PARAMS, with `NONE`: these values would come too late, and newer ones follow at once.
    pub const SKIPPED: u32 = 1 << 18;

    /// Bits that BLOCK carries.
    pub const OF_BLOCK: u32 = 0x8_ffff;
    /// Bits that PARAMS carries.
    pub const OF_PARAMS: u32 = NONE | INCOMPLETE | SKIPPED;
}

/// Role codes.
pub mod role {
    /// Not set by the user.
    pub const UNSET: u8 = 0;
    /// A stem that a model generated.
    pub const AI_STEM: u8 = 1;
    /// A recording of a live source.
    pub const LIVE_SOURCE: u8 = 2;
}

/// The fields of every message. Those that a kind does not use are zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Header {
    /// What the message is.
    pub kind: Kind,
    /// Group, 1 to 16.
    pub group: u16,
    /// [`flags`].
    pub flags: u32,
    /// The plugin instance.
    pub instance: Uuid,
    /// Run of the instance.
    pub run: u32,
    /// Sample rate in Hz.
    pub rate: u32,
    /// Number of the message; what it counts depends on the kind.
    pub sequence: u64,
    /// BLOCK: first sample. WAIT, PARAMS: frame end. In samples of the run's clock.
    pub position: i64,
    /// PARAMS: sample at which the values begin to apply.
    pub apply_at: i64,
    /// Position in quarter notes.
    pub beat: f64,
    /// Quarter notes per minute.
    pub tempo: f64,
    /// Samples per channel.
    pub frames: u32,
    /// Channels, 1 or 2.
    pub channels: u16,
    /// [`role`].
    pub role: u8,
    /// Control delay in samples.
    pub delay: u32,
    /// Largest lead in the client's process, in samples.
    pub lead: u32,
    /// The user's amount, 0 to 1.
    pub amount: f32,
    /// The user's gain offset in dB.
    pub offset_db: f32,
    /// Number of values in the payload; BLOCK: of start values, where START is set.
    pub count: u32,
    /// The user's amount of the dip, 0 to 1.
    pub dip_amount: f32,
    /// Loudness that the dip may take, 0 to 6 LU.
    pub dip_budget_lu: f32,
    /// The user's amount of breath, 0 to 1.
    pub breath_amount: f32,
    /// Most that breath may move the level, 0 to 5 dB.
    pub breath_depth_db: f32,
    /// The user's amount of staging, 0 to 1.
    pub staging_amount: f32,
    /// Level that staging brings the track to, -30 to 0 dBFS.
    pub staging_level_db: f32,
    /// The user's amount of density, 0 to 1.
    pub density_amount: f32,
    /// The user's amount of the high-pass, 0 to 1.
    pub high_pass_amount: f32,
    /// The user's amount of groove, 0 to 1.
    pub groove_amount: f32,
    /// Most that groove may shift around its constant, 0 to 20 ms.
    pub groove_limit_ms: f32,
    /// Most that its constant may be, 0 to 20 ms.
    pub groove_constant_ms: f32,
    /// The user's amount of the room, 0 to 1.
    pub room_amount: f32,
}

impl Header {
    /// A header of that kind with every other field zero.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self {
            kind,
            group: 0,
            flags: 0,
            instance: Uuid::nil(),
            run: 0,
            rate: 0,
            sequence: 0,
            position: 0,
            apply_at: 0,
            beat: 0.0,
            tempo: 0.0,
            frames: 0,
            channels: 0,
            role: 0,
            delay: 0,
            lead: 0,
            amount: 0.0,
            offset_db: 0.0,
            count: 0,
            dip_amount: 0.0,
            dip_budget_lu: 0.0,
            breath_amount: 0.0,
            breath_depth_db: 0.0,
            staging_amount: 0.0,
            staging_level_db: 0.0,
            density_amount: 0.0,
            high_pass_amount: 0.0,
            groove_amount: 0.0,
            groove_limit_ms: 0.0,
            groove_constant_ms: 0.0,
            room_amount: 0.0,
        }
    }

    /// True where every bit of `bits` is set.
    #[must_use]
    pub const fn has(&self, bits: u32) -> bool {
        self.flags & bits == bits
    }

    /// Only the fields that the kind uses, the rest zero: what is written, and what a receiver sees.
    pub(crate) fn used(&self) -> Self {
        let empty = Self::new(self.kind);
        match self.kind {
            Kind::Block => {
                let flags = self.flags & flags::OF_BLOCK;
                let beat = if flags & flags::HAS_BEAT == 0 { 0.0 } else { self.beat };
                let tempo = if flags & flags::HAS_TEMPO == 0 { 0.0 } else { self.tempo };
                let count = if flags & flags::START == 0 { 0 } else { self.count };
                Self { flags, apply_at: 0, count, beat, tempo, ..*self }
            }
            Kind::Params => Self {
                flags: self.flags & flags::OF_PARAMS,
                instance: self.instance,
                run: self.run,
                position: self.position,
                apply_at: self.apply_at,
                count: self.count,
                ..empty
            },
            Kind::Wait => Self { instance: self.instance, run: self.run, position: self.position, ..empty },
            Kind::Leave | Kind::Plan => Self { instance: self.instance, ..empty },
            Kind::Credit | Kind::Ping | Kind::Pong => Self { sequence: self.sequence, ..empty },
            _ => empty,
        }
    }

    /// The header frame.
    pub(crate) fn to_bytes(self) -> [u8; HEADER_SIZE] {
        let mut out = Writer { bytes: [0; HEADER_SIZE], at: 0 };
        out.put(MAGIC);
        out.put([PROTOCOL[0].to_le_bytes()[0], PROTOCOL[1].to_le_bytes()[0]]);
        out.put(u16::try_from(HEADER_SIZE).unwrap_or_default().to_le_bytes());
        out.put(self.kind.code().to_le_bytes());
        out.put(self.group.to_le_bytes());
        out.put(self.flags.to_le_bytes());
        out.put(self.instance.into_bytes());
        out.put(self.run.to_le_bytes());
        out.put(self.rate.to_le_bytes());
        out.put(self.sequence.to_le_bytes());
        out.put(self.position.to_le_bytes());
        out.put(self.apply_at.to_le_bytes());
        out.put(self.beat.to_le_bytes());
        out.put(self.tempo.to_le_bytes());
        out.put(self.frames.to_le_bytes());
        out.put(self.channels.to_le_bytes());
        out.put([self.role, 0]);
        out.put(self.delay.to_le_bytes());
        out.put(self.lead.to_le_bytes());
        out.put(self.amount.to_le_bytes());
        out.put(self.offset_db.to_le_bytes());
        out.put(self.count.to_le_bytes());
        out.put([0; 4]);
        out.put(self.dip_amount.to_le_bytes());
        out.put(self.dip_budget_lu.to_le_bytes());
        out.put(self.breath_amount.to_le_bytes());
        out.put(self.breath_depth_db.to_le_bytes());
        out.put(self.staging_amount.to_le_bytes());
        out.put(self.staging_level_db.to_le_bytes());
        out.put(self.density_amount.to_le_bytes());
        out.put(self.high_pass_amount.to_le_bytes());
        out.put(self.room_amount.to_le_bytes());
        out.put([0; 12]);
        out.put(self.groove_amount.to_le_bytes());
        out.put(self.groove_limit_ms.to_le_bytes());
        out.put(self.groove_constant_ms.to_le_bytes());
        out.put([0; 4]);
        out.bytes
    }

    /// Length of each header in a header frame; the frame must hold whole ones.
    pub(crate) fn size(frame: &[u8]) -> Result<usize, WireError> {
        let declared = Self::declared_size(frame)?;
        let size = usize::from(declared);
        if (MIN_HEADER_SIZE..=MAX_HEADER_SIZE).contains(&size) && frame.len().is_multiple_of(size) {
            Ok(size)
        } else {
            Err(WireError::HeaderSize { declared, actual: frame.len() })
        }
    }

    /// The size that a header declares, after magic and version.
    pub(crate) fn declared_size(bytes: &[u8]) -> Result<u16, WireError> {
        let prefix: [u8; 8] = Reader { bytes, at: 0 }.take().ok_or(WireError::HeaderTooShort(bytes.len()))?;
        let [m0, m1, m2, m3, major, _minor, size @ ..] = prefix;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(WireError::Magic);
        }
        if u16::from(major) != PROTOCOL[0] {
            return Err(WireError::Version(major));
        }
        Ok(u16::from_le_bytes(size))
    }

    /// The number of the kind, known or not.
    pub(crate) fn kind_code(bytes: &[u8]) -> Option<u16> {
        Reader { bytes, at: 8 }.take().map(u16::from_le_bytes)
    }

    /// Reads the fields from the kind on of one header; the fields themselves are not checked.
    pub(crate) fn fields(bytes: &[u8]) -> Result<Self, WireError> {
        Reader { bytes, at: 8 }.fields().unwrap_or(Err(WireError::HeaderTooShort(bytes.len())))
    }
}

struct Writer {
    bytes: [u8; HEADER_SIZE],
    at: usize,
}

impl Writer {
    fn put<const N: usize>(&mut self, field: [u8; N]) {
        self.bytes[self.at..self.at + N].copy_from_slice(&field);
        self.at += N;
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let field = self.bytes.get(self.at..self.at + N)?.try_into().ok();
        self.at += N;
        field
    }

    /// Every field from the kind on; `None` where the bytes end early.
    fn fields(&mut self) -> Option<Result<Header, WireError>> {
        let code = u16::from_le_bytes(self.take()?);
        let Some(kind) = Kind::from_code(code) else {
            return Some(Err(WireError::UnknownKind(code)));
        };
        Some(Ok(Header {
            kind,
            group: u16::from_le_bytes(self.take()?),
            flags: u32::from_le_bytes(self.take()?),
            instance: Uuid::from_bytes(self.take()?),
            run: u32::from_le_bytes(self.take()?),
            rate: u32::from_le_bytes(self.take()?),
            sequence: u64::from_le_bytes(self.take()?),
            position: i64::from_le_bytes(self.take()?),
            apply_at: i64::from_le_bytes(self.take()?),
            beat: f64::from_le_bytes(self.take()?),
            tempo: f64::from_le_bytes(self.take()?),
            frames: u32::from_le_bytes(self.take()?),
            channels: u16::from_le_bytes(self.take()?),
            role: self.take::<2>()?[0],
            delay: u32::from_le_bytes(self.take()?),
            lead: u32::from_le_bytes(self.take()?),
            amount: f32::from_le_bytes(self.take()?),
            offset_db: f32::from_le_bytes(self.take()?),
            count: u32::from_le_bytes(self.take()?),
            dip_amount: self.appended(MIN_HEADER_SIZE),
            dip_budget_lu: self.appended(MIN_HEADER_SIZE + 4),
            breath_amount: self.appended(MIN_HEADER_SIZE + 8),
            breath_depth_db: self.appended(MIN_HEADER_SIZE + 12),
            staging_amount: self.appended(MIN_HEADER_SIZE + 16),
            staging_level_db: self.appended(MIN_HEADER_SIZE + 20),
            density_amount: self.appended(MIN_HEADER_SIZE + 24),
            high_pass_amount: self.appended(MIN_HEADER_SIZE + 28),
            groove_amount: self.appended(MIN_HEADER_SIZE + 48),
            groove_limit_ms: self.appended(MIN_HEADER_SIZE + 52),
            groove_constant_ms: self.appended(MIN_HEADER_SIZE + 56),
            room_amount: self.appended(MIN_HEADER_SIZE + 32),
        }))
    }

    /// A field that shorter headers lack, at byte `at`; zero in those, also where they have part of it.
    fn appended(&self, at: usize) -> f32 {
        Reader { bytes: self.bytes, at }.take().map_or(0.0, f32::from_le_bytes)
    }
}
