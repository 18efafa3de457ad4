//! What a section is, and what it needs to know of its parameters.

use std::fmt;

use crate::ramp::Pace;

/// Most channels of a track.
pub(crate) const CHANNELS: usize = 2;

/// A parameter as the sections need to know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Declaration {
    /// Permanent number.
    pub id: u16,
    /// Permanent name.
    pub name: &'static str,
    /// Name of the section that applies it.
    pub section: &'static str,
    /// Value that changes nothing, in the parameter's unit.
    pub neutral: f64,
    /// How fast it may move.
    pub pace: Pace,
}

/// One step of the processing. Its control values are functions of position; see the crate.
pub trait Section: fmt::Debug + Send {
    /// The parameter `id` moves to `target` (in its unit), beginning at sample `position`.
    /// False when the section has no such parameter.
    fn set(&mut self, id: u16, target: f64, position: i64) -> bool;

    /// The parameter `id` is at `target` at once. False when the section has no such parameter.
    fn snap(&mut self, id: u16, target: f64) -> bool;

    /// The timeline jumped by `offset` samples; what moves goes on moving.
    fn rebase(&mut self, offset: i64);

    /// Processes, in place, channels of equal length whose first sample is at `position`.
    fn process(&mut self, position: i64, channels: &mut [&mut [f32]]);

    /// By how many dB the section changes the level at `position`, where that can be said.
    fn level_change(&self, position: i64) -> f64;

    /// By how many samples the section is late: what follows it is at an earlier position. Its own values
    /// begin where its input is.
    fn latency(&self) -> i64 {
        0
    }

    /// What was heard has nothing to do with what comes.
    fn forget(&mut self) {}
}
