//! Whole states through the host's streams.

use ::vst3::ComRef;
use ::vst3::Steinberg::{IBStream, IBStreamTrait as _, kResultOk};

use crate::state::MAX_STATE;

/// Everything from here to the end; `None` when there is more than a state can be.
pub(super) fn read(stream: ComRef<IBStream>) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    let mut part = [0_u8; 4096];
    loop {
        let mut count = 0;
        let size = i32::try_from(part.len()).ok()?;
        // SAFETY: `part` has room for `size` bytes, and `count` for their number.
        let result = unsafe { stream.read(part.as_mut_ptr().cast(), size, &raw mut count) };
        let count = usize::try_from(count).unwrap_or(0).min(part.len());
        if result != kResultOk || count == 0 {
            return Some(all);
        }
        all.extend_from_slice(&part[..count]);
        if all.len() > MAX_STATE {
            return None;
        }
    }
}

/// True when all of `bytes` were written.
pub(super) fn write(stream: ComRef<IBStream>, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let Ok(size) = i32::try_from(bytes.len()) else { return false };
        let mut count = 0;
        // SAFETY: the stream reads `size` bytes and writes none of them, in spite of its signature.
        let result = unsafe { stream.write(bytes.as_ptr().cast_mut().cast(), size, &raw mut count) };
        // Some hosts leave the count at 0 when all was written.
        let count =
            if count <= 0 { bytes.len() } else { usize::try_from(count).unwrap_or(0).min(bytes.len()) };
        if result != kResultOk {
            return false;
        }
        bytes = &bytes[count..];
    }
    true
}
