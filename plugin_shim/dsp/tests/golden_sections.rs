//! The sections but the gain against the numpy references in `tests/dsp`, and against themselves cut into other blocks.
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
    output: Vec<f64>,
}

/// A section: its name, its golden vectors, its parameters with their neutral values.
type Golden = (&'static str, &'static str, &'static [(&'static str, f64)]);

const SECTIONS: [Golden; 3] = [
    ("dip", include_str!("../../../tests/golden/dsp/dip.json"), &[("dip_db", 0.0), ("dip_hz", 280.0)]),
    ("high_pass", include_str!("../../../tests/golden/dsp/high_pass.json"), &[("high_pass_mix", 0.0)]),
    (
        "density",
        include_str!("../../../tests/golden/dsp/density.json"),
        &[("density_threshold_db", -30.0), ("density_mix", 0.0)],
    ),
];

/// Every case with the section that it is for.
fn cases() -> Vec<(Golden, Case)> {
    let read = |golden: Golden| {
        let cases: Vec<Case> = serde_json::from_str(golden.1).expect("the golden file is well-formed");
        cases.into_iter().map(move |case| (golden, case))
    };
    SECTIONS.into_iter().flat_map(read).collect()
}

/// The noise through the chain, each change at its sample, in blocks of the given sizes.
fn render(golden: Golden, case: &Case, blocks: &[usize]) -> Vec<f32> {
    let mut chain = chain(golden.0, case.rate, &case.parameters, golden.2);
    let mut samples = noise(case.count);
    let mut other = samples.clone();
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
        chain.process(at, &mut [&mut samples[done..end], &mut other[done..end]]);
        done = end;
    }
    assert_eq!(samples, other, "both channels alike");
    samples
}

#[test]
fn the_output_is_that_of_the_reference() {
    for (golden, case) in cases() {
        let samples = render(golden, &case, &[512]);
        for (&index, expected) in case.kept.iter().zip(&case.output) {
            let found = f64::from(samples[index]);
            assert!(
                (found - expected).abs() < 1e-7,
                "{}: {found} and {expected} at {index}, {} Hz",
                golden.0,
                case.rate
            );
        }
    }
}

#[test]
fn the_first_sample_that_differs_is_the_one_after_the_change() {
    for (golden, case) in cases() {
        let (samples, input) = (render(golden, &case, &[512]), noise(case.count));
        let first = (case.changes[0].0 - case.begin) as usize;
        let same = samples.iter().zip(&input).take_while(|(one, other)| one.to_bits() == other.to_bits());
        assert_eq!(same.count(), first + 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_split_into_blocks_gives_the_same_bits(
        which in 0usize..12,
        blocks in prop::collection::vec(1usize..3000, 1..12),
    ) {
        let (golden, case) = &cases()[which];
        let bits = |samples: Vec<f32>| samples.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        prop_assert_eq!(bits(render(*golden, case, &blocks)), bits(render(*golden, case, &[100_000])));
    }
}
