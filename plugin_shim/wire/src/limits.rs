//! What a message may hold. Both sides check every one of these on receipt.

/// Protocol version spoken here: major, minor. Another major is refused.
pub const PROTOCOL: [u16; 2] = [1, 0];
/// Length of the header written here, in bytes. A later minor version may append.
pub const HEADER_SIZE: usize = 176;
/// Shortest header accepted, in bytes: what is appended to it counts as zero where it is missing.
pub const MIN_HEADER_SIZE: usize = 112;
/// Longest header accepted, in bytes.
pub const MAX_HEADER_SIZE: usize = 4096;
/// Most packets in one message.
pub const MAX_PACKETS: usize = 128;
/// Longest header frame accepted, in bytes: room for 128 headers that have grown to 256 bytes.
pub const MAX_HEADER: usize = 32 << 10;
/// Longest payload frame accepted, in bytes.
pub const MAX_PAYLOAD: usize = 1 << 20;
/// Longest JSON payload accepted, in bytes.
pub const MAX_JSON: usize = 64 << 10;
/// Deepest nesting of arrays and objects in JSON, the outermost object counted.
pub const MAX_JSON_DEPTH: usize = 16;
/// Most values in one PARAMS.
pub const MAX_VALUES: usize = 32;
/// Most hops in one BLOCK.
pub const MAX_HOPS: u32 = 64;
/// Hops per second: a hop is `rate / HOPS_PER_SECOND` samples.
pub const HOPS_PER_SECOND: u32 = 100;
/// Lowest rate in Hz; rates are multiples of 100 Hz.
pub const MIN_RATE: u32 = 44_100;
/// Highest rate in Hz.
pub const MAX_RATE: u32 = 192_000;
/// Highest group; the lowest is 1.
pub const MAX_GROUP: u16 = 16;
/// Most members of one group.
pub const MAX_MEMBERS: usize = 128;
/// Control delays offered, in ms.
pub const DELAYS_MS: [u32; 5] = [20, 40, 60, 100, 200];
/// Longest control delay in samples: 200 ms at the highest rate.
pub const MAX_DELAY: i64 = 38_400;
/// Largest gain offset in dB, either way.
pub const MAX_OFFSET_DB: f32 = 24.0;
/// Largest loudness budget of the dip in LU.
pub const MAX_DIP_BUDGET_LU: f32 = 6.0;
/// Largest depth of breath in dB.
pub const MAX_BREATH_DEPTH_DB: f32 = 5.0;
/// Lowest level of staging in dBFS.
pub const MIN_STAGING_LEVEL_DB: f32 = -30.0;
/// Largest limit of groove's shift, either way, in ms.
pub const MAX_GROOVE_LIMIT_MS: f32 = 20.0;
/// Largest constant of groove, either way, in ms.
pub const MAX_GROOVE_CONSTANT_MS: f32 = 20.0;
/// Positions lie within plus and minus this, so that sums of positions and lengths never overflow.
pub const MAX_POSITION: i64 = 1 << 62;
/// Longest label and track name, in characters.
pub const MAX_LABEL: usize = 256;
/// Longest other text in a control message, in characters.
pub const MAX_TEXT: usize = 1024;
/// Greatest counter in a control message.
pub const MAX_COUNTER: u64 = 1 << 53;
/// Most BLOCKs in flight that a service may allow per joined instance.
pub const MAX_CREDITS: u32 = 4096;
/// Most instances in one STATS.
pub const MAX_STATS: usize = 512;
/// Most models that WELCOME may name.
pub const MAX_MODELS: usize = 64;

/// True for the rates that are supported: multiples of 100 Hz from 44.1 to 192 kHz.
#[must_use]
pub const fn is_rate(rate: u32) -> bool {
    rate >= MIN_RATE && rate <= MAX_RATE && rate.is_multiple_of(HOPS_PER_SECOND)
}

/// True where `delay` samples are one of the control delays offered, at a supported `rate`.
#[must_use]
pub fn is_delay(delay: u32, rate: u32) -> bool {
    DELAYS_MS.iter().any(|&ms| delay == rate / 100 * ms / 10)
}
