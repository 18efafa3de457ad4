//! What the user and the host have set, read once per block.

use std::sync::atomic::Ordering::Acquire;

use wire::flags;

use crate::hops::Context;
use crate::param_values::Mode;
use crate::shared::Shared;
use crate::transport::{Transport, beat_after};

/// Beats and tempos beyond these are what hosts give when they mean "unknown".
const FARTHEST_BEAT: f64 = 1e12;
const FASTEST_TEMPO: f64 = 1e4;

/// Everything that may differ from block to block without the transport having moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) group: u16,
    /// Control delay in samples.
    pub(crate) delay: u32,
    /// Values are waited for.
    pub(crate) sync: bool,
    pub(crate) bypass: bool,
    /// The service's part of the gain holds.
    pub(crate) locked: bool,
    pub(crate) falls_back: bool,
    /// What is played becomes the plan.
    pub(crate) learns: bool,
    /// Values come from the plan, as far as it can be played.
    pub(crate) frozen: bool,
    /// Hops reach the service.
    pub(crate) up: bool,
    role: u8,
    amount: f32,
    offset_db: f32,
    dip_amount: f32,
    dip_budget_lu: f32,
    breath_amount: f32,
    breath_depth_db: f32,
    /// What breath is asked for beyond that, as flags of the wire.
    breath_flags: u32,
    staging_amount: f32,
    staging_level_db: f32,
    density_amount: f32,
    high_pass_amount: f32,
    groove_amount: f32,
    groove_limit_ms: f32,
    groove_constant_ms: f32,
    /// Tempo where the host gives none.
    tempo: Option<f64>,
    /// Where beat 0 lies at that tempo, in s.
    first_beat_s: f64,
    /// What groove hears the track as: a flag, or 0.
    groove_source: u32,
    room_amount: f32,
    /// Counts how often the service registered the instance.
    pub(crate) joined: u32,
}

impl Settings {
    pub(crate) fn read(shared: &Shared, rate: u32, offline: bool) -> Settings {
        let params = &shared.params;
        let overall = params.overall_amount();
        // Before `joined`, which rises first: hops never go to a new connection under the run of the old one.
        let up = shared.link.up.load(Acquire);
        Settings {
            up,
            group: params.group(),
            delay: rate * params.delay_ms() / 1000,
            sync: match params.mode() {
                Mode::Auto => offline,
                Mode::Live => false,
                Mode::Sync => true,
            },
            bypass: params.bypass(),
            locked: params.locked(),
            falls_back: params.falls_back(),
            learns: params.learns(),
            frozen: params.frozen(),
            role: params.role(),
            amount: overall * params.amount(),
            offset_db: params.offset_db(),
            dip_amount: overall * params.dip_amount(),
            dip_budget_lu: params.dip_budget_lu(),
            breath_amount: overall * params.breath_amount(),
            breath_depth_db: params.breath_depth_db(),
            breath_flags: params.breath_flags(),
            staging_amount: overall * params.staging_amount(),
            staging_level_db: params.staging_level_db(),
            density_amount: overall * params.density_amount(),
            high_pass_amount: overall * params.high_pass_amount(),
            groove_amount: overall * params.groove_amount(),
            groove_limit_ms: params.groove_limit_ms(),
            groove_constant_ms: params.groove_constant_ms(),
            tempo: params.groove_tempo(),
            first_beat_s: params.groove_first_beat_s(),
            groove_source: params.groove_source(),
            room_amount: overall * params.room_amount(),
            joined: shared.link.joined.load(Acquire),
        }
    }

    /// Whether the service has to see a new run because of what changed since `last`.
    pub(crate) fn divide(&self, last: &Settings) -> bool {
        (self.group, self.delay, self.joined, self.frozen)
            != (last.group, last.delay, last.joined, last.frozen)
    }

    /// What goes with the hops of a block whose first sample is at `position` of a clock of `rate` Hz.
    pub(crate) fn context(&self, transport: &Transport, lead: u32, (position, rate): (i64, u32)) -> Context {
        let flag = |on: bool, flag: u32| if on { flag } else { 0 };
        // Where the transport stands, some hosts say a beat that stands too, and a tempo that is none.
        let counted = transport.beat.filter(|_| transport.playing);
        let (beat, tempo) = match self.tempo {
            // The host does not count: the user says where beat 0 is.
            Some(tempo) if counted.is_none() || transport.tempo.is_none() => {
                let first = Some(-self.first_beat_s * tempo / 60.0);
                (beat_after(first, self.tempo, position, rate), self.tempo)
            }
            _ => (counted, transport.tempo),
        };
        Context {
            flags: flag(transport.playing, flags::PLAYING)
                | flag(self.sync, flags::SYNC)
                | flag(self.bypass, flags::BYPASSED)
                | flag(self.locked, flags::LOCKED)
                | flag(self.learns, flags::LEARNS)
                | self.breath_flags
                | self.groove_source,
            beat: beat.filter(|beat| beat.abs() <= FARTHEST_BEAT),
            tempo: tempo.filter(|tempo| (0.0..=FASTEST_TEMPO).contains(tempo)),
            group: self.group,
            role: self.role,
            delay: self.delay,
            lead,
            amount: self.amount,
            offset_db: self.offset_db,
            dip_amount: self.dip_amount,
            dip_budget_lu: self.dip_budget_lu,
            breath_amount: self.breath_amount,
            breath_depth_db: self.breath_depth_db,
            staging_amount: self.staging_amount,
            staging_level_db: self.staging_level_db,
            density_amount: self.density_amount,
            high_pass_amount: self.high_pass_amount,
            groove_amount: self.groove_amount,
            groove_limit_ms: self.groove_limit_ms,
            groove_constant_ms: self.groove_constant_ms,
            room_amount: self.room_amount,
        }
    }
}
