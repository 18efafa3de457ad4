//! The wait of a Sync render.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use hybridmix_shim::params;
use hybridmix_shim::processor::Block;
use hybridmix_shim::shared::{BridgeEnds, Shared};
use hybridmix_shim::waiting::{self, Ended};
use wire::{flags, status};

use crate::rig::{Rig, answer, noise, playing, process};

fn gain(end: i64) -> f32 {
    ((end / 50) % 31) as f32 - 20.0
}

fn offline(position: i64) -> Block {
    Block { offline: true, ..playing(position) }
}

/// A bridge and a service that answer when audio waits, and not before.
fn serve(shared: Arc<Shared>, mut ends: BridgeEnds, stop: Arc<AtomicBool>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let frame = i64::from(ends.rate) / 20;
        while !stop.load(SeqCst) {
            if shared.gate.waiting.load(SeqCst) {
                while let Ok(hop) = ends.hops.pop() {
                    assert_ne!(hop.flags & flags::SYNC, 0);
                    let count = hop.frames as usize * usize::from(ends.channels);
                    ends.samples.read_chunk(count).expect("samples come first").commit_all();
                    let end = hop.position + i64::from(hop.frames);
                    if hop.frames > 0 && end % frame == 0 {
                        let answer = answer(hop.run, end, i64::from(hop.delay), gain(end));
                        ends.values.push(answer).expect("room");
                    }
                }
                shared.gate.open();
            }
            thread::sleep(Duration::from_micros(200));
        }
    })
}

fn bits(left: &[f32], right: &[f32]) -> Vec<u32> {
    left.iter().chain(right).map(|sample| sample.to_bits()).collect()
}

const LENGTH: usize = 48_000;

#[test]
fn a_sync_render_equals_live_bit_for_bit_whatever_its_blocks() {
    let (mut left, mut right) = (noise(1, LENGTH), noise(2, LENGTH));
    let mut live = Rig::plain();
    for at in (0..LENGTH).step_by(480) {
        live.process(&playing(at as i64), &mut [&mut left[at..at + 480], &mut right[at..at + 480]]);
        live.serve(gain);
    }
    let expected = bits(&left, &right);
    for size in [64, 1000, 8192, 20_000] {
        let (mut left, mut right) = (noise(1, LENGTH), noise(2, LENGTH));
        let Rig { shared, mut processor, ends, .. } = Rig::plain();
        let stop = Arc::new(AtomicBool::new(false));
        let bridge = serve(Arc::clone(&shared), ends, Arc::clone(&stop));
        for at in (0..LENGTH).step_by(size) {
            let end = (at + size).min(LENGTH);
            processor.process(&offline(at as i64), &mut [&mut left[at..end], &mut right[at..end]]);
        }
        stop.store(true, SeqCst);
        bridge.join().expect("the bridge is well");
        assert!(bits(&left, &right) == expected, "blocks of {size}");
        assert_eq!(shared.readout.late.load(SeqCst), 0);
        assert_eq!(shared.readout.incomplete.load(SeqCst), 0);
        assert!(!shared.gate.waiting.load(SeqCst));
    }
}

#[test]
fn a_closed_connection_ends_the_wait_and_nobody_waits_after() {
    let mut rig = Rig::plain();
    rig.shared.params.set(params::MODE, 2.0);
    let shared = Arc::clone(&rig.shared);
    let closer = thread::spawn(move || {
        while !shared.gate.waiting.load(SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(shared.gate.need_end.load(SeqCst), 4800);
        shared.link.up.store(false, SeqCst);
        shared.gate.open();
    });
    let begin = Instant::now();
    rig.constant(&playing(0), 0.5, 8192);
    closer.join().expect("the closer is well");
    rig.constant(&playing(8192), 0.5, 8192);
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(rig.shared.readout.incomplete.load(SeqCst), 2);
}

#[test]
fn after_the_backstop_nobody_in_the_process_waits_until_values_flow_again() {
    let roster = process();
    roster.gave_up.store(true, SeqCst);
    let mut rig = Rig::among(roster, 48_000, 8192, 2);
    let begin = Instant::now();
    rig.constant(&offline(0), 0.5, 8192);
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(rig.status(), status::WAITING);
    assert_eq!(rig.shared.readout.incomplete.load(SeqCst), 1);
    rig.serve(gain);
    rig.constant(&offline(8192), 0.5, 64);
    assert!(!roster.gave_up.load(SeqCst));
    assert_eq!(rig.status(), status::INCOMPLETE);
}

#[test]
fn the_wait_ends_with_the_backstop() {
    let rig = Rig::plain();
    let joined = rig.shared.link.joined.load(SeqCst);
    let begin = Instant::now();
    let ended = waiting::wait(&rig.shared, 1, 2400, joined, Duration::from_millis(50), || false);
    assert_eq!(ended, Ended::Silent);
    assert!(begin.elapsed() >= Duration::from_millis(50));
    assert!(!rig.shared.gate.waiting.load(SeqCst));
}

#[test]
fn a_wait_that_a_closed_connection_ended_is_no_silence() {
    let rig = Rig::plain();
    let joined = rig.shared.link.joined.load(SeqCst);
    rig.shared.link.up.store(false, SeqCst);
    let ended = waiting::wait(&rig.shared, 1, 2400, joined, Duration::from_secs(5), || false);
    assert_eq!(ended, Ended::Closed);
}

#[test]
fn a_wait_ends_when_the_instance_was_registered_anew_before_it_looked() {
    let mut rig = Rig::plain();
    let shared = Arc::clone(&rig.shared);
    let closer = thread::spawn(move || {
        while !shared.gate.waiting.load(SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        // The connection is up again before the waiting thread sees that it was down.
        shared.link.joined.fetch_add(1, SeqCst);
        shared.gate.open();
    });
    let begin = Instant::now();
    rig.constant(&offline(0), 0.5, 8192);
    closer.join().expect("the closer is well");
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_answer_to_an_earlier_run_shows_that_the_service_is_not_silent() {
    let roster = process();
    roster.gave_up.store(true, SeqCst);
    let mut rig = Rig::among(roster, 48_000, 8192, 2);
    rig.constant(&offline(0), 0.5, 8192);
    rig.serve(gain);
    rig.constant(&offline(480_000), 0.5, 64);
    assert!(!roster.gave_up.load(SeqCst));
    assert_ne!(rig.status(), status::MIXING, "no values of the other run were taken");
}

#[test]
fn live_mode_never_waits_and_auto_only_offline() {
    let mut rig = Rig::plain();
    rig.constant(&playing(0), 0.5, 8192);
    rig.shared.params.set(params::MODE, 1.0);
    rig.constant(&offline(8192), 0.5, 8192);
    assert!(rig.take().iter().all(|(hop, _)| hop.flags & flags::SYNC == 0));
}

#[test]
fn an_instance_that_the_service_does_not_know_does_not_wait() {
    let mut rig = Rig::plain();
    rig.shared.link.up.store(false, SeqCst);
    rig.constant(&offline(0), 0.5, 48_000);
    assert_eq!(rig.shared.readout.incomplete.load(SeqCst), 0);
}
