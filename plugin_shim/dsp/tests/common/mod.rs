//! What the golden tests of the sections share.

use dsp::{Chain, Declaration, Pace};

/// A section with the parameters of its golden vectors (number, ramp, slew), whose names and neutral values are `names`.
pub fn chain(
    section: &'static str,
    rate: u32,
    parameters: &[(u16, f64, f64)],
    names: &[(&'static str, f64)],
) -> Chain {
    let declare = |(&(id, ramp_ms, slew_per_s), &(name, neutral)): (&(u16, f64, f64), &_)| Declaration {
        id,
        name,
        section,
        neutral,
        pace: Pace { ramp_ms, slew_per_s },
    };
    Chain::new(rate, &parameters.iter().zip(names).map(declare).collect::<Vec<_>>())
}

/// The noise of the reference.
#[allow(clippy::cast_precision_loss)]
pub fn noise(count: usize) -> Vec<f32> {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(state >> 8) / f64::from(1 << 24) - 0.5) as f32
    };
    std::iter::repeat_with(next).take(count).collect()
}
