//! The gain against the numpy reference in `tests/dsp`, and against itself cut into other blocks.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

use dsp::{Chain, Declaration, Pace};
use proptest::prelude::*;

#[derive(serde::Deserialize)]
struct Case {
    rate: u32,
    parameters: Vec<(u16, f64, f64)>,
    changes: Vec<(i64, u16, f64)>,
    positions: Vec<i64>,
    gain_db: Vec<f64>,
}

impl Case {
    fn chain(&self) -> Chain {
        let declare = |&(id, ramp_ms, slew_per_s): &(u16, f64, f64)| {
            let pace = Pace { ramp_ms, slew_per_s };
            Declaration { id, name: "gain_db", section: "gain", neutral: 0.0, pace }
        };
        Chain::new(self.rate, &self.parameters.iter().map(declare).collect::<Vec<_>>())
    }
}

fn cases() -> Vec<Case> {
    let text = include_str!("../../../tests/golden/dsp/gain.json");
    serde_json::from_str(text).expect("the golden file is well-formed")
}

/// Processes ones from `begin` to `end`, each change at its sample, in blocks of the given sizes, and
/// keeps the samples at the positions asked for.
fn render(case: &Case, blocks: &[usize]) -> Vec<f32> {
    let mut chain = case.chain();
    let end = *case.positions.last().expect("positions") + 1;
    let mut at = case.positions[0];
    let mut kept = Vec::new();
    let mut changes = case.changes.iter().peekable();
    let mut wanted = case.positions.iter().peekable();
    let mut sizes = blocks.iter().cycle();
    while at < end {
        while let Some(&(_, id, value)) = changes.next_if(|change| change.0 <= at) {
            assert!(chain.set(id, value, at));
        }
        let next = changes.peek().map_or(end, |change| change.0).min(end);
        let count = (next - at).min(*sizes.next().expect("endless") as i64) as usize;
        let mut left = vec![1.0; count];
        let mut right = vec![-1.0; count];
        chain.process(at, &mut [&mut left, &mut right]);
        while let Some(&position) = wanted.next_if(|&&position| position < at + count as i64) {
            let sample = left[(position - at) as usize];
            assert_eq!((-sample).to_bits(), right[(position - at) as usize].to_bits());
            kept.push(sample);
        }
        at += count as i64;
    }
    kept
}

#[test]
fn the_gain_is_within_a_thousandth_of_a_decibel_of_the_reference() {
    for case in cases() {
        let mut worst = 0.0f64;
        for (sample, expected) in render(&case, &[1024]).iter().zip(&case.gain_db) {
            worst = worst.max((20.0 * f64::from(*sample).log10() - expected).abs());
        }
        assert!(worst <= 0.001, "{worst} dB at {} Hz", case.rate);
    }
}

#[test]
fn each_change_shows_first_at_the_sample_after_its_own() {
    for case in cases() {
        let first = case.changes.iter().find(|change| change.1 == 1 && change.0 >= case.positions[0]);
        let &(at, id, value) = first.expect("a change");
        let mut chain = case.chain();
        chain.set(id, value, at);
        let mut samples = vec![1.0f32; 20];
        chain.process(at - 10, &mut [&mut samples]);
        assert!(samples[..=10].iter().all(|sample| sample.to_bits() == 1.0f32.to_bits()));
        assert!(samples[11..].iter().all(|sample| sample.to_bits() != 1.0f32.to_bits()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_split_into_blocks_gives_the_same_bits(
        which in 0usize..6,
        blocks in prop::collection::vec(1usize..9000, 1..12),
    ) {
        let case = &cases()[which];
        let bits = |samples: Vec<f32>| samples.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        prop_assert_eq!(bits(render(case, &blocks)), bits(render(case, &[100_000])));
    }
}
