//! The host parameters of one instance: what is set now, in the words of those who use it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use wire::flags;

use crate::params::{
    AMOUNT, BREATH_AMOUNT, BREATH_DEPTH, BREATH_DIRECTION, BREATH_FADES, BREATH_SUSTAINED, BYPASS,
    CONTROL_DELAY, DELAYS_MS, DENSITY_AMOUNT, DIP_AMOUNT, DIP_BUDGET, GAIN_OFFSET, GROOVE_AMOUNT,
    GROOVE_CONSTANT, GROOVE_CONSTANT_MS, GROOVE_FIRST_BEAT, GROOVE_LIMIT, GROOVE_LIMITS_MS, GROOVE_SOURCE,
    GROOVE_TEMPO, GROUP, HIGH_PASS_AMOUNT, LEARN, LOCK, MODE, ON_LOSS, OVERALL_AMOUNT, PARAMS, PLAN, ParamId,
    ROLE, ROOM_AMOUNT, STAGING_AMOUNT, STAGING_LEVEL, integer,
};

/// When to wait for the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Whenever the host says that it renders offline.
    Auto,
    /// Never.
    Live,
    /// Always.
    Sync,
}

/// The plain values of one instance. Any thread reads and writes; audio reads once per block.
#[derive(Debug)]
pub struct ParamValues {
    plain: [AtomicU64; PARAMS.len()],
}

impl Default for ParamValues {
    fn default() -> Self {
        ParamValues { plain: std::array::from_fn(|index| AtomicU64::new(PARAMS[index].default.to_bits())) }
    }
}

impl ParamValues {
    /// The plain value of a settable parameter; 0 for an unknown number.
    #[must_use]
    pub fn get(&self, id: ParamId) -> f64 {
        let index = PARAMS.iter().position(|param| param.id == id);
        index.map_or(0.0, |index| f64::from_bits(self.plain[index].load(Relaxed)))
    }

    /// Stores the nearest value that the parameter can have. False for unknown and read-only ones.
    pub fn set(&self, id: ParamId, plain: f64) -> bool {
        let found = PARAMS.iter().position(|param| param.id == id && !param.read_only);
        if let Some(index) = found {
            self.plain[index].store(PARAMS[index].snap(plain).to_bits(), Relaxed);
        }
        found.is_some()
    }

    /// Whether audio passes untouched.
    #[must_use]
    pub fn bypass(&self) -> bool {
        self.get(BYPASS) >= 0.5
    }

    /// Whether the service's part of the gain holds.
    #[must_use]
    pub fn locked(&self) -> bool {
        self.get(LOCK) >= 0.5
    }

    /// Share of the service's gain, 0 to 1.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn amount(&self) -> f32 {
        (self.get(AMOUNT) / 100.0) as f32
    }

    /// The user's trim in dB.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn offset_db(&self) -> f32 {
        self.get(GAIN_OFFSET) as f32
    }

    /// Share of the service's dip, 0 to 1.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn dip_amount(&self) -> f32 {
        (self.get(DIP_AMOUNT) / 100.0) as f32
    }

    /// Loudness that the dip may take, in LU.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn dip_budget_lu(&self) -> f32 {
        self.get(DIP_BUDGET) as f32
    }

    /// Share of the service's breath, 0 to 1.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn breath_amount(&self) -> f32 {
        (self.get(BREATH_AMOUNT) / 100.0) as f32
    }

    /// Most that breath may move the level, in dB.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn breath_depth_db(&self) -> f32 {
        self.get(BREATH_DEPTH) as f32
    }

    /// What the user asks breath for beyond amount and depth, as flags of the wire.
    #[must_use]
    pub fn breath_flags(&self) -> u32 {
        let both = if self.get(BREATH_DIRECTION) >= 0.5 { flags::BREATH_BOTH } else { 0 };
        let sustained = match integer(self.get(BREATH_SUSTAINED)) {
            0 => 0,
            1 => flags::BREATH_FLICKER,
            _ => flags::BREATH_LFO,
        };
        let fades = if self.get(BREATH_FADES) >= 0.5 { flags::BREATH_FADES } else { 0 };
        both | sustained | fades
    }

    /// Share of the service's staging, 0 to 1.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn staging_amount(&self) -> f32 {
        (self.get(STAGING_AMOUNT) / 100.0) as f32
    }

    /// Level that staging brings the track to, in dBFS.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn staging_level_db(&self) -> f32 {
        self.get(STAGING_LEVEL) as f32
    }

    /// Share of the service's density, 0 to 1.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn density_amount(&self) -> f32 {
        (self.get(DENSITY_AMOUNT) / 100.0) as f32
    }

    /// Share of the high-pass, 0 to 1.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn high_pass_amount(&self) -> f32 {
        (self.get(HIGH_PASS_AMOUNT) / 100.0) as f32
    }

    /// Share of every amount, 0 to 1.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn overall_amount(&self) -> f32 {
        (self.get(OVERALL_AMOUNT) / 100.0) as f32
    }

    /// Whether values come from the plan in the project.
    #[must_use]
    pub fn frozen(&self) -> bool {
        self.get(PLAN) >= 0.5 && !self.learns()
    }

    /// Whether what is played becomes the plan.
    #[must_use]
    pub fn learns(&self) -> bool {
        self.get(LEARN) >= 0.5
    }

    /// Share of the service's groove, 0 to 1.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn groove_amount(&self) -> f32 {
        (self.get(GROOVE_AMOUNT) / 100.0) as f32
    }

    /// Most that groove shifts around its constant, in ms.
    #[must_use]
    pub fn groove_limit_ms(&self) -> f32 {
        let index = usize::try_from(integer(self.get(GROOVE_LIMIT))).unwrap_or(0);
        GROOVE_LIMITS_MS.get(index).copied().unwrap_or(GROOVE_LIMITS_MS[0])
    }

    /// Most that the constant of groove may be, in ms.
    #[must_use]
    pub fn groove_constant_ms(&self) -> f32 {
        if self.get(GROOVE_CONSTANT) >= 0.5 { 0.0 } else { GROOVE_CONSTANT_MS }
    }

    /// Tempo in quarter notes per minute where the host gives none; `None` where the user gives none either.
    #[must_use]
    pub fn groove_tempo(&self) -> Option<f64> {
        Some(self.get(GROOVE_TEMPO)).filter(|&tempo| tempo > 0.0)
    }

    /// Where beat 0 lies at that tempo, in s.
    #[must_use]
    pub fn groove_first_beat_s(&self) -> f64 {
        self.get(GROOVE_FIRST_BEAT)
    }

    /// What groove hears a live source as: a flag of the wire, or 0.
    #[must_use]
    pub fn groove_source(&self) -> u32 {
        match integer(self.get(GROOVE_SOURCE)) {
            1 => flags::GROOVE_DRUMS,
            2 => flags::GROOVE_BASS,
            _ => 0,
        }
    }

    /// Share of the service's room, 0 to 1.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn room_amount(&self) -> f32 {
        (self.get(ROOM_AMOUNT) / 100.0) as f32
    }

    /// Group, 1 to 16.
    #[must_use]
    pub fn group(&self) -> u16 {
        u16::try_from(integer(self.get(GROUP))).unwrap_or(1)
    }

    /// Role code of the wire.
    #[must_use]
    pub fn role(&self) -> u8 {
        u8::try_from(integer(self.get(ROLE))).unwrap_or(0)
    }

    /// When to wait for the service.
    #[must_use]
    pub fn mode(&self) -> Mode {
        match integer(self.get(MODE)) {
            1 => Mode::Live,
            2 => Mode::Sync,
            _ => Mode::Auto,
        }
    }

    /// Control delay in milliseconds.
    #[must_use]
    pub fn delay_ms(&self) -> u32 {
        let index = usize::try_from(integer(self.get(CONTROL_DELAY))).unwrap_or(0);
        DELAYS_MS.get(index).copied().unwrap_or(DELAYS_MS[1])
    }

    /// Whether the gain goes to the fallback values 2 s after the last values.
    #[must_use]
    pub fn falls_back(&self) -> bool {
        self.get(ON_LOSS) >= 0.5
    }
}
