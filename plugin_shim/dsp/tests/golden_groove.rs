//! Groove against its copy in numpy, and against itself cut into other blocks.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)]

use dsp::{Chain, Declaration, Pace};
use proptest::prelude::*;

#[derive(serde::Deserialize)]
struct Case {
    rate: u32,
    /// Sample at which it is asked for, shift in ms, sample at which its slot comes in.
    asks: Vec<(i64, f64, i64)>,
    step: usize,
    count: usize,
    kept: Vec<usize>,
    output: Vec<f64>,
}

fn cases() -> Vec<Case> {
    let text = include_str!("../../../tests/golden/dsp/groove.json");
    serde_json::from_str(text).expect("the golden file is well-formed")
}

fn chain(rate: u32) -> Chain {
    let pace = Pace { ramp_ms: 8.0, slew_per_s: 1e6 };
    let declare = |(id, name)| Declaration { id, name, section: "groove", neutral: 0.0, pace };
    Chain::new(rate, &[(26, "groove_ms"), (27, "groove_slot_ms")].map(declare))
}

/// The hits of the reference.
fn hits(case: &Case) -> Vec<f32> {
    let mut state = 1u32;
    let sample = |index: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (f64::from(state >> 8) / f64::from(1 << 24) - 0.5) as f32;
        let fade = (-20.0 * (index % case.step) as f64 / f64::from(case.rate)).exp();
        (f64::from(noise) * fade) as f32
    };
    (0..case.count).map(sample).collect()
}

/// The hits through the chain from sample `begin` of a timeline on, in blocks of the given sizes.
fn render(case: &Case, begin: i64, blocks: &[usize]) -> Vec<f32> {
    let mut chain = chain(case.rate);
    let mut samples = hits(case);
    let mut other = samples.clone();
    let mut asks = case.asks.iter().peekable();
    let mut sizes = blocks.iter().cycle();
    let mut done = 0;
    while done < case.count {
        while let Some(&(at, shift, slot)) = asks.next_if(|ask| ask.0 <= done as i64) {
            let ms = (slot - at) as f64 * 1000.0 / f64::from(case.rate);
            assert!(chain.set(26, shift, begin + at) && chain.set(27, ms, begin + at));
        }
        let next = asks.peek().map_or(case.count, |ask| ask.0 as usize);
        let end = next.min(case.count).min(done + sizes.next().expect("endless"));
        chain.process(begin + done as i64, &mut [&mut samples[done..end], &mut other[done..end]]);
        done = end;
    }
    assert_eq!(samples, other, "both channels alike");
    samples
}

#[test]
fn the_output_is_that_of_the_reference() {
    for case in cases() {
        let samples = render(&case, 0, &[512]);
        for (&index, expected) in case.kept.iter().zip(&case.output) {
            let found = f64::from(samples[index]);
            assert!((found - expected).abs() < 1e-6, "{found} and {expected} at {index}, {} Hz", case.rate);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn blocks_and_the_place_on_the_timeline_do_not_matter(
        blocks in prop::collection::vec(1usize..3000, 1..6),
        begin in -1_000_000_000_000i64..1_000_000_000_000,
        which in 0usize..2,
    ) {
        let case = &cases()[which];
        let bits = |samples: Vec<f32>| samples.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        prop_assert_eq!(bits(render(case, begin, &blocks)), bits(render(case, 0, &[512])));
    }
}
