//! Text in the host's fixed arrays and back.

use std::ffi::c_char;

use ::vst3::Steinberg::Vst::TChar;

/// Longest text that is read from a host, in UTF-16 units: its buffers are no longer.
const MAX_UNITS: usize = 128;

/// Fills `to` with `text`, cut where needed, and zeros.
pub(super) fn write_utf16(text: &str, to: &mut [TChar]) {
    to.fill(0);
    let room = to.len().saturating_sub(1);
    let mut at = 0;
    for character in text.chars() {
        let mut units = [0; 2];
        let units = character.encode_utf16(&mut units);
        if at + units.len() > room {
            return;
        }
        to[at..at + units.len()].copy_from_slice(units);
        at += units.len();
    }
}

/// Fills `to` with `text`, which is ASCII, cut where needed, and zeros.
pub(super) fn write_ascii(text: &str, to: &mut [c_char]) {
    to.fill(0);
    let room = to.len().saturating_sub(1);
    for (to, byte) in to[..room].iter_mut().zip(text.bytes()) {
        *to = c_char::from_ne_bytes([byte]);
    }
}

/// Text up to its terminating zero, at most as long as the host's buffers are.
///
/// # Safety
/// `from` points to UTF-16 units, the last of which is zero, or to more than [`MAX_UNITS`] of them.
pub(super) unsafe fn read_utf16(from: *const TChar) -> String {
    let mut units = [0; MAX_UNITS];
    let mut length = 0;
    while length < MAX_UNITS {
        // SAFETY: no unit before this one was zero, so this one is there.
        let unit = unsafe { *from.add(length) };
        if unit == 0 {
            break;
        }
        units[length] = unit;
        length += 1;
    }
    String::from_utf16_lossy(&units[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_a_whole_character_and_ends_with_zero() {
        let mut short = [7; 4];
        write_utf16("ab\u{1F600}", &mut short);
        assert_eq!(short, [97, 98, 0, 0]);
        let mut long = [7; 6];
        write_utf16("ab\u{1F600}", &mut long);
        // SAFETY: written above, ends with zero.
        assert_eq!(unsafe { read_utf16(long.as_ptr()) }, "ab\u{1F600}");
        let mut bytes = [1; 3];
        write_ascii("abc", &mut bytes);
        assert_eq!(bytes.map(|byte| u8::from_ne_bytes(byte.to_ne_bytes())), *b"ab\0");
    }
}
