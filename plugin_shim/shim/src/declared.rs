//! The declarations that audio needs, under the names that the `wire` crate gives them.

/// Header flags.
pub mod flags {
    /// Bit 0.
    pub const RUN_BEGIN: u32 = 1 << 0;
    /// Bit 1.
    pub const START: u32 = 1 << 1;
    /// Bit 2.
    pub const PLAYING: u32 = 1 << 2;
    /// Bit 3.
    pub const SYNC: u32 = 1 << 3;
    /// Bit 4.
    pub const GAP: u32 = 1 << 4;
    /// Bit 5.
    pub const ZEROED: u32 = 1 << 5;
    /// Bit 6.
    pub const HAS_BEAT: u32 = 1 << 6;
    /// Bit 7.
    pub const HAS_TEMPO: u32 = 1 << 7;
    /// Bit 8.
    pub const BYPASSED: u32 = 1 << 8;
    /// Bit 16.
    pub const NONE: u32 = 1 << 16;
    /// Bit 17.
    pub const INCOMPLETE: u32 = 1 << 17;
    /// Bit 18.
    pub const SKIPPED: u32 = 1 << 18;
}

/// Values from the service.
pub mod parameters {
    /// One value.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Parameter {
        /// Permanent number.
        pub id: u16,
        /// Permanent name.
        pub name: &'static str,
        /// Section that applies it.
        pub section: &'static str,
        /// Smallest value.
        pub min: f32,
        /// Largest value.
        pub max: f32,
        /// Value that changes nothing.
        pub neutral: f32,
        /// A change takes at least this long.
        pub ramp_ms: f32,
        /// A change never moves faster.
        pub slew_per_s: f32,
    }

    /// All of them.
    pub static PARAMETERS: [Parameter; 2] = [
        Parameter {
            id: 1,
            name: "gain_db",
            section: "gain",
            min: -80.0,
            max: 36.0,
            neutral: 0.0,
            ramp_ms: 50.0,
            slew_per_s: 48.0,
        },
        Parameter {
            id: 2,
            name: "trim_db",
            section: "gain",
            min: -60.0,
            max: 0.0,
            neutral: 0.0,
            ramp_ms: 20.0,
            slew_per_s: 480.0,
        },
    ];
}

/// States.
pub mod status {
    /// One state.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Status {
        /// Number.
        pub code: u32,
        /// Text.
        pub text: &'static str,
    }
    /// The host has not activated the plugin.
    pub const IDLE: u32 = 0;
    /// No HybridMix service is running; audio passes at the held gain.
    pub const NO_SERVICE: u32 = 1;
    /// A service was found and the connection is being made; audio passes at the held gain.
    pub const CONNECTING: u32 = 2;
    /// The service speaks another major version of the protocol; audio passes at the held gain.
    pub const VERSION_REFUSED: u32 = 3;
    /// The service's folder, socket or proof does not belong to this user; nothing was sent and audio passes.
    pub const NOT_TRUSTED: u32 = 4;
    /// The track is registered; the service has not yet answered a whole frame.
    pub const WAITING: u32 = 5;
    /// Values arrive and are applied.
    pub const MIXING: u32 = 6;
    /// No values for 2 s of audio; the last gain is held.
    pub const HOLDING: u32 = 7;
    /// No values for 2 s of audio; the gain went to the fallback saved in the project.
    pub const FALLBACK: u32 = 8;
    /// An offline render could not wait for every track, so this pass differs from live playback.
    pub const INCOMPLETE: u32 = 9;
    /// The sample rate is not a multiple of 100 Hz between 44.1 and 192 kHz; audio passes unchanged.
    pub const RATE_UNSUPPORTED: u32 = 10;
    /// The host copied its process; the copy has no connection and passes audio at the held gain.
    pub const FORKED: u32 = 11;
    /// The plugin caught an internal error; audio passes unchanged until the next activation.
    pub const INTERNAL_ERROR: u32 = 12;
    /// The control delay is shorter than the host's blocks need; values are applied, but late.
    pub const NOT_ALIGNED: u32 = 13;
    /// Bypass is on: audio passes unchanged; the group goes on without hearing a change.
    pub const BYPASSED: u32 = 14;
    /// All of them.
    pub static STATUSES: [Status; 15] = [
        Status { code: 0, text: "Idle" },
        Status { code: 1, text: "No service" },
        Status { code: 2, text: "Connecting" },
        Status { code: 3, text: "Other protocol version" },
        Status { code: 4, text: "Service not trusted" },
        Status { code: 5, text: "Waiting for values" },
        Status { code: 6, text: "Mixing" },
        Status { code: 7, text: "Holding" },
        Status { code: 8, text: "Fallback" },
        Status { code: 9, text: "Incomplete" },
        Status { code: 10, text: "Sample rate not supported" },
        Status { code: 11, text: "Forked process" },
        Status { code: 12, text: "Internal error" },
        Status { code: 13, text: "Control delay too short" },
        Status { code: 14, text: "Bypassed" },
    ];
}
