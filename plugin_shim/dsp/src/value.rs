//! One declared parameter as a section keeps it.

use crate::chain::Declaration;
use crate::ramp::{Pace, Ramp};

/// A parameter with its number, its pace and where it is.
#[derive(Debug)]
pub struct Value {
    /// Permanent number.
    pub id: u16,
    /// Where it is and where it moves to.
    pub ramp: Ramp,
    pace: Pace,
    rate: u32,
}

impl Value {
    /// The parameter called `name` at its neutral value; `None` unless it is declared.
    #[must_use]
    pub fn named(name: &str, rate: u32, declarations: &[Declaration]) -> Option<Value> {
        let declared = declarations.iter().find(|declaration| declaration.name == name)?;
        Some(Value { id: declared.id, pace: declared.pace, rate, ramp: Ramp::still(declared.neutral) })
    }

    /// Moves to `target`, beginning at sample `position`.
    pub fn set(&mut self, target: f64, position: i64) {
        self.ramp.set(target, position, self.pace, self.rate);
    }
}
