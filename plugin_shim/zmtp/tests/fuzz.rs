//! A short run of `examples/fuzz_streams` for every test run. One test: it counts what the whole process allocates.

use peak_alloc::PeakAlloc;
use streams::{Numbers, Tally};

#[path = "../examples/fuzz_streams/streams.rs"]
mod streams;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

#[test]
fn no_stream_makes_the_client_panic_or_hold_more_than_it_declares() {
    let mut numbers = Numbers::new(7);
    let mut tally = Tally::default();
    for _ in 0..20_000 {
        tally.run_one(&mut numbers, &HEAP);
    }
    assert_eq!(tally.violations, Vec::<String>::new());
    assert_eq!(tally.violation_count, 0);
    assert_eq!(tally.kinds.values().sum::<u64>(), 20_000);
    assert!(tally.messages > 5_000 && tally.peak > 0, "{tally:?}");
    let reached: Vec<&str> = tally.ends.keys().map(String::as_str).collect();
    let every_end = [
        "Early",
        "Flags",
        "FrameTooLarge",
        "Malformed",
        "Mechanism",
        "Refused",
        "Signature",
        "TooManyParts",
        "Unexpected",
        "Version",
        "open",
    ];
    for end in every_end {
        assert!(reached.contains(&end), "no stream ended with {end}: {reached:?}");
    }
}
