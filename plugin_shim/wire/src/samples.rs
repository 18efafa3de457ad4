//! Samples in the payload of BLOCK: planar 32-bit floats, every frame of channel 0, then of channel 1.

use crate::error::WireError;

/// Finite samples of one BLOCK, planar, as they arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Samples<'a> {
    bytes: &'a [[u8; 4]],
}

impl<'a> Samples<'a> {
    pub(crate) fn decode(payload: &'a [u8]) -> Result<Self, WireError> {
        let (bytes, _) = payload.as_chunks();
        let samples = Self { bytes };
        // No early end: a loop without one is several times faster.
        if samples.iter().fold(true, |finite, sample| finite & sample.is_finite()) {
            Ok(samples)
        } else {
            Err(WireError::Samples)
        }
    }

    /// Every sample: those of channel 0, then those of channel 1.
    pub fn iter(&self) -> impl Iterator<Item = f32> + use<'a> {
        self.bytes.iter().map(|&bytes| f32::from_le_bytes(bytes))
    }
}

/// Appends `samples`, planar, to a payload.
pub fn append_samples(payload: &mut Vec<u8>, samples: &[f32]) {
    let begin = payload.len();
    payload.resize(begin + samples.len() * 4, 0);
    for (slot, sample) in payload[begin..].as_chunks_mut().0.iter_mut().zip(samples) {
        *slot = sample.to_le_bytes();
    }
}
