//! What one instance costs the audio thread: `cargo bench -p shim`.
//!
//! 48 kHz, 128 frames, stereo. The times are those of `process` alone; the ring is emptied in between.
//! The last column is the share of one core that an instance takes in real time.
#![allow(clippy::cast_precision_loss)]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use hybridmix_shim::params;
use hybridmix_shim::processor::{Block, Processor, Transport};
use hybridmix_shim::shared::{BridgeEnds, MAX_VALUES, Scheduled, Shared};

const RATE: i64 = 48_000;
const FRAMES: usize = 128;
const BLOCKS: i64 = 40_000;

/// What is measured.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    /// Instances in the process; one is measured.
    instances: usize,
    linked: bool,
    /// Every frame brings another gain, so that it never rests.
    moving: bool,
    bypassed: bool,
    /// Values for every section come with the gain.
    sections: bool,
}

struct Instance {
    shared: Arc<Shared>,
    processor: Processor,
    ends: BridgeEnds,
}

fn instance(case: Case) -> Instance {
    let shared = Arc::new(Shared::default());
    shared.link.joined.store(1, SeqCst);
    shared.link.up.store(case.linked, SeqCst);
    shared.params.set(params::BYPASS, f64::from(u8::from(case.bypassed)));
    // Groove is part of the chain only where it was asked for at the start.
    shared.params.set(params::GROOVE_AMOUNT, if case.sections { 100.0 } else { 0.0 });
    let (processor, ends) = Processor::new(Arc::clone(&shared), 48_000.0, 512, 2);
    Instance { shared, processor, ends: ends.expect("the rate is supported") }
}

/// Empties the rings and answers what ended a frame.
fn serve(ends: &mut BridgeEnds, moving: bool, sections: bool) {
    while let Ok(hop) = ends.hops.pop() {
        let end = hop.position + i64::from(hop.frames);
        if hop.frames > 0 && end % (RATE / 20) == 0 {
            let even = end / (RATE / 20) % 2 == 0;
            let (gain, trim) = match (moving, even) {
                (false, _) => (0.0, 0.0),
                (true, true) => (-12.0, -6.0),
                (true, false) => (3.0, -1.0),
            };
            let mut values = [(0, 0.0); MAX_VALUES];
            (values[0], values[1]) = ((1, gain), (2, trim));
            let apply_at = end + i64::from(hop.delay);
            let mut count = 2;
            if sections {
                // Dip, breath, staging, density, high-pass, room and groove, each moving to and fro.
                let step = if even { 0.0 } else { 1.0 };
                let more = [(3, -6.0 - step), (4, 280.0), (5, step), (6, 3.0 + step), (7, -30.0 - step)];
                let share = [(8, 0.5 - 0.02 * step), (9, 0.9 + 0.1 * step), (10, 0.5 + 0.1 * step)];
                let room = (11..=17).map(|id| (id, 1.0 + 0.02 * step)).chain([(18, 10.0 + 0.4 * step)]);
                let groove = [(26, 2.0 * step), (27, 0.0)];
                for value in more.into_iter().chain(share).chain(room).chain(groove) {
                    values[count] = value;
                    count += 1;
                }
            }
            let answer = Scheduled { run: hop.run, frame_end: end, apply_at, flags: 0, count, values };
            ends.values.push(answer).expect("it was emptied by the block before");
        }
    }
    let held = ends.samples.slots();
    ends.samples.read_chunk(held).expect("counted").commit_all();
}

fn measure(case: Case) -> Vec<Duration> {
    let mut instances: Vec<Instance> = (0..case.instances).map(|_| instance(case)).collect();
    let mut times = Vec::new();
    let (mut left, mut right) = ([0.0f32; FRAMES], [0.0f32; FRAMES]);
    for number in 0..BLOCKS {
        let position = number * i64::try_from(FRAMES).expect("small");
        let transport = Transport {
            playing: true,
            position: Some(position),
            beat: Some(position as f64 / 24_000.0),
            tempo: Some(120.0),
            ..Transport::default()
        };
        let block = Block { offline: false, transport };
        for (index, own) in instances.iter_mut().enumerate() {
            left.fill(0.25);
            right.fill(-0.25);
            let begin = Instant::now();
            own.processor.process(black_box(&block), &mut [&mut left, &mut right]);
            let took = begin.elapsed();
            black_box((&left, &right));
            if index == 0 && number > BLOCKS / 10 {
                times.push(took);
            }
            serve(&mut own.ends, case.moving, case.sections);
        }
    }
    assert_eq!(instances[0].shared.readout.dropped.load(SeqCst), 0, "the ring was emptied");
    times.sort_unstable();
    times
}

fn main() {
    let case = |name, instances, linked, moving, bypassed| Case {
        name,
        instances,
        linked,
        moving,
        bypassed,
        sections: false,
    };
    let cases = [
        case("no service, 0 dB", 1, false, false, false),
        case("hops, 0 dB", 1, true, false, false),
        case("hops, bypassed", 1, true, true, true),
        case("hops, moving gain", 1, true, true, false),
        Case { sections: true, ..case("hops, every section moving", 1, true, true, false) },
        case("the same, 1 of 64 instances", 64, true, true, false),
    ];
    let block = Duration::from_secs(1).mul_f64(FRAMES as f64 / RATE as f64);
    println!(
        "{:28} {:>10} {:>10} {:>10} {:>12}",
        "48 kHz, 128 frames, stereo", "mean us", "p50 us", "p99 us", "% of a core"
    );
    for case in cases {
        let times = measure(case);
        let us = |time: Duration| time.as_secs_f64() * 1e6;
        let mean = times.iter().sum::<Duration>().div_f64(times.len() as f64);
        let at = |share: usize| us(times[times.len() * share / 100]);
        let percent = 100.0 * mean.as_secs_f64() / block.as_secs_f64();
        println!("{:28} {:10.3} {:10.3} {:10.3} {:12.4}", case.name, us(mean), at(50), at(99), percent);
    }
}
