//! Values in a payload, of PARAMS and of BLOCKs with START: up to 32 times u16 id, u16 zero, f32 value, ids
//! ascending.

use crate::error::WireError;
use crate::limits::MAX_VALUES;
use crate::parameters::{PARAMETERS, index_of};

/// Bytes of one value.
const STRIDE: usize = 8;

/// The values of one frame, or those that a run starts with, by ascending id; those that are not listed hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Values {
    list: [(u16, f32); MAX_VALUES],
    count: usize,
}

impl Values {
    /// Takes ids and values.
    ///
    /// # Errors
    /// `Count`, `ValueOrder` or `ValueRange` where a receiver would refuse them.
    pub fn new(values: &[(u16, f32)]) -> Result<Self, WireError> {
        let mut result = Self::default();
        let slots = result
            .list
            .get_mut(..values.len())
            .ok_or_else(|| WireError::Count(u32::try_from(values.len()).unwrap_or(u32::MAX)))?;
        let mut last = None;
        for (slot, &(id, value)) in slots.iter_mut().zip(values) {
            if last.is_some_and(|last| id <= last) {
                return Err(WireError::ValueOrder(id));
            }
            let declared = index_of(id).map(|index| &PARAMETERS[index]);
            if !value.is_finite() || declared.is_some_and(|p| !(p.min..=p.max).contains(&value)) {
                return Err(WireError::ValueRange(id));
            }
            *slot = (id, value);
            last = Some(id);
        }
        result.count = values.len();
        Ok(result)
    }

    /// Ids and values, ids ascending. Ids that are not in [`PARAMETERS`] come from a newer service.
    #[must_use]
    pub fn as_slice(&self) -> &[(u16, f32)] {
        &self.list[..self.count]
    }

    /// The payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::with_capacity(self.count * STRIDE);
        for (id, value) in self.as_slice() {
            payload.extend_from_slice(&id.to_le_bytes());
            payload.extend_from_slice(&[0, 0]);
            payload.extend_from_slice(&value.to_le_bytes());
        }
        payload
    }

    /// Reads `count` values.
    pub(crate) fn decode(payload: &[u8], count: u32) -> Result<Self, WireError> {
        let wanted =
            usize::try_from(count).ok().filter(|&n| n <= MAX_VALUES).ok_or(WireError::Count(count))?;
        if payload.len() != wanted * STRIDE {
            return Err(WireError::PayloadLength { expected: wanted * STRIDE, actual: payload.len() });
        }
        let mut read = [(0, 0.0); MAX_VALUES];
        for (slot, bytes) in read.iter_mut().zip(payload.as_chunks::<STRIDE>().0) {
            let [a, b, _, _, value @ ..] = *bytes;
            *slot = (u16::from_le_bytes([a, b]), f32::from_le_bytes(value));
        }
        Self::new(&read[..wanted])
    }
}
