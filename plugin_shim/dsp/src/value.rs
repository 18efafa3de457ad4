//! One parameter of a section: its number, its pace, and where it is.

use crate::ramp::{Pace, Ramp};
use crate::section::Declaration;

/// A parameter in its unit, at a sample rate.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) id: u16,
    pub(crate) ramp: Ramp,
    pace: Pace,
    rate: u32,
}

impl Value {
    /// The parameter called `name` at its neutral value; `None` where it is not declared.
    pub(crate) fn named(name: &str, rate: u32, declarations: &[Declaration]) -> Option<Value> {
        let declared = declarations.iter().find(|declaration| declaration.name == name)?;
        Some(Value { id: declared.id, pace: declared.pace, rate, ramp: Ramp::still(declared.neutral) })
    }

    /// Moves to `target`, beginning at sample `position`.
    pub(crate) fn set(&mut self, target: f64, position: i64) {
        self.ramp.set(target, position, self.pace, self.rate);
    }

    /// Whether from `position` on it is exactly 0 until it is set anew.
    pub(crate) fn rests_at_0(&self, position: i64) -> bool {
        !self.ramp.moves(position) && self.ramp.target() == 0.0
    }
}
