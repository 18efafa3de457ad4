//! Subnormal numbers become zero by looking at their bits.
//!
//! The processor's flush-to-zero mode is not used: it belongs to the host's thread, differs between
//! hosts, and would make the result depend on the host. Looking at bits gives the same sound everywhere.

const EXPONENT: u32 = 0x7f80_0000;
const SIGN: u32 = 0x8000_0000;

/// `sample`, or a zero of the same sign where it is subnormal. NaN and infinity pass.
#[inline]
#[must_use]
pub fn flush(sample: f32) -> f32 {
    let bits = sample.to_bits();
    f32::from_bits(if bits & EXPONENT == 0 { bits & SIGN } else { bits })
}

/// States of filters closer to zero than this become zero.
const NOTHING: f64 = 1e-30;

/// `state`, or zero where it is next to nothing: no subnormal number is ever computed with.
#[inline]
pub(crate) fn settled(state: f64) -> f64 {
    if state.abs() < NOTHING { 0.0 } else { state }
}

#[cfg(test)]
mod tests {
    use super::flush;

    #[test]
    fn subnormals_become_zero_and_everything_else_stays() {
        for sample in [0.0, -0.0, 1.0, -1.0, f32::MIN_POSITIVE, f32::MAX, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(flush(sample).to_bits(), sample.to_bits());
        }
        assert!(flush(f32::NAN).is_nan());
        assert_eq!(flush(f32::from_bits(1)).to_bits(), 0);
        assert_eq!(flush(-f32::MIN_POSITIVE / 2.0).to_bits(), (-0.0f32).to_bits());
    }
}
