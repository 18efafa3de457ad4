//! A frozen track in both formats: the bits that tests/plugin/test_frozen.py hears in pedalboard and minihost.

use serde_json::Value;

use crate::host::{Call, Host, noise};

in_both_formats!(every_host_and_block_size_gives_the_bits_of_the_golden_file, it_does_so_without_a_timeline);

/// A state with a plan, and what becomes of noise.
fn golden() -> Value {
    serde_json::from_str(include_str!("../../../../tests/golden/plan/frozen.json")).expect("well-formed")
}

/// FNV-1a of the bits of all samples, a word at a time.
fn fnv(audio: &[Vec<f32>]) -> String {
    let words = audio.iter().flatten().map(|sample| u64::from(sample.to_bits()));
    let number =
        words.fold(0xcbf2_9ce4_8422_2325_u64, |number, word| (number ^ word).wrapping_mul(0x0100_0000_01b3));
    format!("{number:016x}")
}

/// Plays the golden noise in blocks of `size`; `call` says how the transport goes at a position.
fn play<H: Host>(size: usize, call: impl Fn(i64) -> Call) -> String {
    let golden = golden();
    let number = |name: &str| golden[name].as_u64().expect("a number");
    let input = noise(number("seed"), 2, number("frames") as usize);
    let mut host = H::new();
    assert!(host.load(golden["state"].to_string().as_bytes()));
    host.activate(number("rate") as f64, size as u32);
    let mut heard = vec![Vec::new(); 2];
    for begin in (0..input[0].len()).step_by(size) {
        let end = (begin + size).min(input[0].len());
        let part: Vec<Vec<f32>> = input.iter().map(|channel| channel[begin..end].to_vec()).collect();
        let mut output = vec![vec![0.0; end - begin]; 2];
        assert_eq!(host.process(&call(begin as i64), &part, &mut output).allocations, 0);
        for (heard, output) in heard.iter_mut().zip(output) {
            heard.extend(output);
        }
    }
    fnv(&heard)
}

fn every_host_and_block_size_gives_the_bits_of_the_golden_file<H: Host>() {
    for size in [64, 480, 1000, 4096] {
        let call = |at| Call { playing: Some(at), in_place: size == 480, ..Call::default() };
        assert_eq!(play::<H>(size, call), golden()["fnv"], "blocks of {size}");
    }
}

fn it_does_so_without_a_timeline<H: Host>() {
    let call = |at| Call { offline: true, steady: Some(at + 123_457), ..Call::default() };
    assert_eq!(play::<H>(777, call), golden()["fnv"]);
}
