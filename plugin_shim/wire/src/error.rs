//! Why a message was refused.

/// Why a message was refused. [`WireError::name`] is the same on both sides of the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A message is a header frame and a payload frame.
    #[error("{0} frames where 2 were expected")]
    FrameCount(usize),
    /// Header frame over the limit.
    #[error("header of {0} bytes is longer than 32768")]
    HeaderTooLong(usize),
    /// Payload frame over the limit.
    #[error("payload of {0} bytes is longer than 1048576")]
    PayloadTooLong(usize),
    /// Too short to name its version and size.
    #[error("header of {0} bytes is too short to be one")]
    HeaderTooShort(usize),
    /// Does not begin with `HMIX`.
    #[error("header does not begin with HMIX")]
    Magic,
    /// Another major version; the value is the peer's.
    #[error("major protocol version {0} where 1 was expected")]
    Version(u8),
    /// Header size below 112 or above 4096, no divisor of the frame's length, or other than the first one's.
    #[error("headers of {actual} bytes declare {declared} each; 112 to 4096, and whole ones, were expected")]
    HeaderSize {
        /// What the header says.
        declared: u16,
        /// What arrived.
        actual: usize,
    },
    /// A kind that a later version may know: to be counted and ignored.
    #[error("unknown kind {0}")]
    UnknownKind(u16),
    /// More packets than a message of its kind may carry, or packets of different kinds.
    #[error(
        "{0} packets in one message: only BLOCK and PARAMS may be repeated, among themselves, up to 128 times"
    )]
    Packets(usize),
    /// Instance missing where the kind needs one.
    #[error("instance is zero")]
    Instance,
    /// Group outside 1 to 16.
    #[error("group {0} is outside 1 to 16")]
    Group(u16),
    /// Rate that is not supported.
    #[error("rate {0} Hz is not a multiple of 100 between 44100 and 192000")]
    Rate(u32),
    /// Channel count.
    #[error("{0} channels where 1 or 2 were expected")]
    Channels(u16),
    /// Role code.
    #[error("role {0} is outside 0 to 2")]
    Role(u8),
    /// Control delay that is not offered.
    #[error("control delay of {0} samples is not 20, 40, 60, 100 or 200 ms")]
    Delay(u32),
    /// Amount not within 0 to 1.
    #[error("amount is outside 0 to 1")]
    Amount,
    /// Gain offset not within -24 to 24 dB.
    #[error("gain offset is outside -24 to 24 dB")]
    OffsetDb,
    /// Amount of the dip not within 0 to 1.
    #[error("amount of the dip is outside 0 to 1")]
    DipAmount,
    /// Loudness budget of the dip not within 0 to 6 LU.
    #[error("loudness budget of the dip is outside 0 to 6 LU")]
    DipBudget,
    /// Amount of breath not within 0 to 1.
    #[error("amount of breath is outside 0 to 1")]
    BreathAmount,
    /// Depth of breath not within 0 to 5 dB.
    #[error("depth of breath is outside 0 to 5 dB")]
    BreathDepth,
    /// Amount of staging not within 0 to 1.
    #[error("amount of staging is outside 0 to 1")]
    StagingAmount,
    /// Level of staging not within -30 to 0 dBFS.
    #[error("level of staging is outside -30 to 0 dBFS")]
    StagingLevel,
    /// Amount of density not within 0 to 1.
    #[error("amount of density is outside 0 to 1")]
    DensityAmount,
    /// Amount of the high-pass not within 0 to 1.
    #[error("amount of the high-pass is outside 0 to 1")]
    HighPassAmount,
    /// Amount of groove not within 0 to 1.
    #[error("amount of groove is outside 0 to 1")]
    GrooveAmount,
    /// Limit of groove not within 0 to 20 ms.
    #[error("limit of groove is outside 0 to 20 ms")]
    GrooveLimit,
    /// Constant of groove not within 0 to 20 ms.
    #[error("constant of groove is outside 0 to 20 ms")]
    GrooveConstant,
    /// Amount of the room not within 0 to 1.
    #[error("amount of the room is outside 0 to 1")]
    RoomAmount,
    /// Beat not finite where it is declared.
    #[error("beat is not finite")]
    Beat,
    /// Tempo not finite where it is declared.
    #[error("tempo is not finite")]
    Tempo,
    /// Flags that contradict each other or the fields.
    #[error("flags {0:#x} contradict the message")]
    Flags(u32),
    /// Length that is no whole number of hops, or too long.
    #[error("{0} frames are not a whole number of at most 64 hops")]
    Frames(u32),
    /// Position out of range, or off the hop grid.
    #[error("position {0} is out of range or off the hop grid")]
    Position(i64),
    /// Apply time before the frame's end or later than the longest delay.
    #[error("apply time {0} does not follow the frame by at most the longest control delay")]
    ApplyAt(i64),
    /// Payload length other than what the header says.
    #[error("payload of {actual} bytes where {expected} were expected")]
    PayloadLength {
        /// What the header says.
        expected: usize,
        /// What arrived.
        actual: usize,
    },
    /// NaN or Inf among the samples.
    #[error("a sample is not finite")]
    Samples,
    /// More values than one message may carry.
    #[error("{0} values are more than 32")]
    Count(u32),
    /// Ids that do not ascend.
    #[error("value id {0} does not ascend")]
    ValueOrder(u16),
    /// Value not finite, or outside its declared range.
    #[error("value of id {0} is not finite or outside its declared range")]
    ValueRange(u16),
    /// JSON over the limit.
    #[error("JSON of {0} bytes is longer than 65536")]
    JsonTooLong(usize),
    /// Not JSON: encoding, syntax, doubled key, number out of range, nested too deep, no object.
    #[error("payload is not acceptable JSON: {0}")]
    Json(String),
    /// JSON, but not the message of this kind.
    #[error("control message: {0}")]
    Body(String),
}

impl WireError {
    /// The permanent name of the reason, shared with the Python side and the golden vectors.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::FrameCount(_) => "frame_count",
            Self::HeaderTooLong(_) => "header_too_long",
            Self::PayloadTooLong(_) => "payload_too_long",
            Self::HeaderTooShort(_) => "header_too_short",
            Self::Magic => "magic",
            Self::Version(_) => "version",
            Self::HeaderSize { .. } => "header_size",
            Self::UnknownKind(_) => "unknown_kind",
            Self::Packets(_) => "packets",
            Self::Instance => "instance",
            Self::Group(_) => "group",
            Self::Rate(_) => "rate",
            Self::Channels(_) => "channels",
            Self::Role(_) => "role",
            Self::Delay(_) => "delay",
            Self::Amount => "amount",
            Self::OffsetDb => "offset_db",
            Self::DipAmount => "dip_amount",
            Self::DipBudget => "dip_budget_lu",
            Self::BreathAmount => "breath_amount",
            Self::BreathDepth => "breath_depth_db",
            Self::StagingAmount => "staging_amount",
            Self::StagingLevel => "staging_level_db",
            Self::DensityAmount => "density_amount",
            Self::HighPassAmount => "high_pass_amount",
            Self::GrooveAmount => "groove_amount",
            Self::GrooveLimit => "groove_limit_ms",
            Self::GrooveConstant => "groove_constant_ms",
            Self::RoomAmount => "room_amount",
            Self::Beat => "beat",
            Self::Tempo => "tempo",
            Self::Flags(_) => "flags",
            Self::Frames(_) => "frames",
            Self::Position(_) => "position",
            Self::ApplyAt(_) => "apply_at",
            Self::PayloadLength { .. } => "payload_length",
            Self::Samples => "samples",
            Self::Count(_) => "count",
            Self::ValueOrder(_) => "value_order",
            Self::ValueRange(_) => "value_range",
            Self::JsonTooLong(_) => "json_too_long",
            Self::Json(_) => "json",
            Self::Body(_) => "body",
        }
    }
}
