//! The reverb against the numpy reference in `tests/dsp`, and against itself cut into other blocks.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]

use proptest::prelude::*;

mod common;

use common::{chain, noise};

#[derive(serde::Deserialize)]
struct Case {
    rate: u32,
    parameters: Vec<(u16, f64, f64)>,
    changes: Vec<(i64, u16, f64)>,
    begin: i64,
    count: usize,
    kept: Vec<usize>,
    output: [Vec<f64>; 2],
}

const NAMES: [(&str, f64); 9] = [
    ("reverb_send", 0.0),
    ("t60_125_s", 0.5),
    ("t60_250_s", 0.5),
    ("t60_500_s", 0.5),
    ("t60_1000_s", 0.5),
    ("t60_2000_s", 0.5),
    ("t60_4000_s", 0.5),
    ("t60_8000_s", 0.5),
    ("predelay_ms", 5.0),
];

fn cases() -> Vec<Case> {
    let text = include_str!("../../../tests/golden/dsp/reverb.json");
    serde_json::from_str(text).expect("the golden file is well-formed")
}

/// Noise, and the same backwards, through the chain, each change at its sample, in blocks of the given sizes.
fn render(case: &Case, blocks: &[usize]) -> [Vec<f32>; 2] {
    let mut chain = chain("reverb", case.rate, &case.parameters, &NAMES);
    let mut left = noise(case.count);
    let mut right: Vec<f32> = left.iter().rev().copied().collect();
    let mut changes = case.changes.iter().peekable();
    let mut sizes = blocks.iter().cycle();
    let mut done = 0;
    while done < case.count {
        let at = case.begin + done as i64;
        while let Some(&(_, id, value)) = changes.next_if(|change| change.0 <= at) {
            assert!(chain.set(id, value, at));
        }
        let next = changes.peek().map_or(case.count, |change| (change.0 - case.begin) as usize);
        let end = next.min(case.count).min(done + sizes.next().expect("endless"));
        chain.process(at, &mut [&mut left[done..end], &mut right[done..end]]);
        done = end;
    }
    [left, right]
}

#[test]
fn the_output_is_that_of_the_reference() {
    for case in cases() {
        for (samples, output) in render(&case, &[512]).iter().zip(&case.output) {
            for (&index, expected) in case.kept.iter().zip(output) {
                let found = f64::from(samples[index]);
                assert!(
                    (found - expected).abs() < 1e-6,
                    "{found} and {expected} at {index}, {} Hz",
                    case.rate
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_split_into_blocks_gives_the_same_bits(
        which in 0usize..2,
        blocks in prop::collection::vec(1usize..3000, 1..12),
    ) {
        let case = &cases()[which];
        let bits = |both: [Vec<f32>; 2]| both.map(|one| one.into_iter().map(f32::to_bits).collect::<Vec<_>>());
        prop_assert_eq!(bits(render(case, &blocks)), bits(render(case, &[100_000])));
    }
}
