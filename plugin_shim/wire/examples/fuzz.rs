//! Broken messages through the decoder, by the million:
//! `cargo run -p wire --release --example fuzz -- --messages 1000000 --seed 1`.
//!
//! Prints how many met which verdict and a digest of all verdicts, which must equal that of
//! `python -m hybridmix.wire.fuzz`. Ends with 1 where decoding one message allocates more than the bound.

#[path = "../corpus/mod.rs"]
#[allow(dead_code)]
mod corpus;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use sha2::{Digest, Sha256};

/// Most bytes that reading JSON may hold at once; everything else must not allocate.
const MEMORY_BOUND: usize = 8 << 20;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is handed on to the system's allocator unchanged; counting touches only atomics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(HELD.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller's promise about `layout` is the one that System asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: `pointer` came from `alloc` above, that is from System, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Most bytes held at once while a message is decoded.
fn memory(message: &[Vec<u8>]) -> usize {
    let before = HELD.load(Relaxed);
    PEAK.store(before, Relaxed);
    let _ = std::hint::black_box(wire::decode(message));
    PEAK.load(Relaxed) - before
}

fn main() -> ExitCode {
    let (mut count, mut seed) = (1_000_000, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        match (name.as_str(), arguments.next().and_then(|value| value.parse().ok())) {
            ("--messages", Some(value)) => count = value,
            ("--seed", Some(value)) => seed = value,
            _ => {
                eprintln!("fuzz [--messages N] [--seed N]");
                return ExitCode::from(2);
            }
        }
    }
    let mut verdicts = BTreeMap::<&str, u64>::new();
    let mut total = Sha256::new();
    let mut peak = 0;
    let mut allocated = 0;
    let heaviest = corpus::heaviest().iter().map(|message| memory(message)).max().unwrap_or_default();
    for message in corpus::Corpus::new(seed).take(usize::try_from(count).unwrap_or(usize::MAX)) {
        let held = memory(&message);
        peak = peak.max(held);
        allocated += u64::from(held > 0 && !corpus::carries_json(&message));
        let (verdict, understood) = corpus::judge(&message);
        *verdicts.entry(verdict).or_default() += 1;
        total.update(verdict);
        total.update(b"\n");
        total.update(understood);
    }
    let result = serde_json::json!({
        "messages": verdicts.values().sum::<u64>(),
        "seed": seed,
        "verdicts": verdicts,
        "verdicts_sha256": corpus::hex(total),
        "peak_bytes": peak,
        "heaviest_bytes": heaviest,
        "bound_bytes": MEMORY_BOUND,
        "allocated_without_json": allocated,
    });
    println!("{result}");
    if peak.max(heaviest) > MEMORY_BOUND || allocated > 0 {
        eprintln!("decoding allocated more than it may");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
