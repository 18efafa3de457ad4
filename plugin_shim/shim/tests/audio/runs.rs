//! Where runs begin, and what they keep.

use std::sync::atomic::Ordering::SeqCst;

use hybridmix_shim::params;
use hybridmix_shim::processor::{Block, Processor, Transport};
use hybridmix_shim::shared::StartValues;
use proptest::prelude::*;
use wire::flags;

use crate::rig::{D, FRAME, HOP, RATE, Rig, answer, decibels, gain_alone, playing, standing};

/// Processes the blocks and returns the announcements: position, and whether from a stop.
fn announced(rig: &mut Rig, blocks: &[(Block, usize)]) -> Vec<(i64, bool)> {
    for (block, frames) in blocks {
        rig.constant(block, 0.1, *frames);
    }
    let runs = rig.take().into_iter().filter(|(hop, _)| hop.frames == 0);
    runs.map(|(hop, _)| (hop.position, hop.flags & flags::START != 0)).collect()
}

#[test]
fn start_stop_jump_and_loop_turn_begin_runs() {
    let mut rig = Rig::plain();
    let blocks = [
        (standing(Some(1000)), 512),
        (standing(Some(1512)), 512),
        (playing(0), 2400),
        (playing(2400), 512),
        (playing(96_000), 512),
        (playing(96_512), 512),
        (playing(48_000), 512),
        (standing(Some(9000)), 512),
        (playing(48_512), 512),
    ];
    let runs = announced(&mut rig, &blocks);
    let expected = [(1000, true), (0, true), (96_000, false), (48_000, false), (9000, false), (48_512, true)];
    assert_eq!(runs, expected);
}

#[test]
fn a_position_that_is_corrected_within_the_first_frame_still_starts_afresh() {
    for (played, afresh) in [(512, true), (2399, true), (2400, false)] {
        let mut rig = Rig::plain();
        let blocks =
            [(standing(Some(7)), 512), (playing(0), played), (playing(96_000), 512), (playing(96_512), 512)];
        assert_eq!(
            announced(&mut rig, &blocks),
            [(7, true), (0, true), (96_000, afresh)],
            "{played} samples"
        );
    }
}

#[test]
fn corrections_do_not_follow_each_other_for_ever() {
    let mut rig = Rig::plain();
    let blocks: Vec<_> = (0..8).map(|turn| (playing(96_000 * turn), 480)).collect();
    let runs: Vec<bool> = announced(&mut rig, &blocks).iter().map(|run| run.1).collect();
    assert_eq!(runs, [true, true, true, true, true, false, false, false]);
}

#[test]
fn a_deviation_below_1_ms_is_no_jump_and_1_ms_is() {
    for (deviation, runs) in [(47, 1), (-47, 1), (48, 2), (-48, 2)] {
        let mut rig = Rig::plain();
        let blocks = [(playing(0), 512), (playing(512 + deviation), 512), (playing(1024 + deviation), 512)];
        assert_eq!(announced(&mut rig, &blocks).len(), runs, "{deviation} samples");
        let end = if runs == 1 { 1536 } else { 1536 + deviation };
        assert_eq!(rig.shared.readout.position.load(SeqCst), end);
    }
}

#[test]
fn another_play_rate_costs_one_run_at_most() {
    for (numerator, denominator) in [(2, 1), (1, 2), (3, 2), (101, 100), (99, 100)] {
        let mut rig = Rig::plain();
        let position = |block: i64| block * 512 * numerator / denominator;
        let mut blocks: Vec<(Block, usize)> = (0..50).map(|block| (playing(block * 512), 512)).collect();
        let turn = 50 * 512;
        blocks.extend((0..50).map(|block| (playing(turn + position(block)), 512)));
        assert!(announced(&mut rig, &blocks).len() <= 2, "{numerator}/{denominator}");
    }
}

#[test]
fn a_host_that_reports_a_block_s_start_for_each_of_its_parts_does_not_jump() {
    let mut rig = Rig::plain();
    let mut blocks = Vec::new();
    for block in 0..20 {
        for part in [100, 12, 400] {
            blocks.push((playing(block * 512), part));
        }
    }
    assert_eq!(announced(&mut rig, &blocks), [(0, true)]);
    assert_eq!(rig.shared.readout.position.load(SeqCst), 20 * 512);
}

#[test]
fn a_clock_that_stands_still_or_makes_no_sense_counts_on() {
    for steady in [Some(0), Some(i64::MAX), Some(i64::MIN), None] {
        let mut rig = Rig::plain();
        assert_eq!(announced(&mut rig, &[(standing(steady), 512); 10]), [(0, true)], "{steady:?}");
        assert_eq!(rig.shared.readout.position.load(SeqCst), 5120);
    }
}

#[test]
fn group_delay_and_reconnection_begin_runs_that_keep_the_gain() {
    let mut rig = Rig::plain();
    rig.constant(&playing(0), 0.5, 4800);
    let run = rig.take()[0].0.run;
    rig.send(answer(run, FRAME, D, -6.0));
    rig.constant(&playing(4800), 0.5, 8192);
    let mut at = 4800 + 8192;
    rig.take();
    let changes: [fn(&Rig); 3] = [
        |rig| assert!(rig.shared.params.set(params::GROUP, 2.0)),
        |rig| assert!(rig.shared.params.set(params::CONTROL_DELAY, 3.0)),
        |rig| rig.shared.link.joined.store(2, SeqCst),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        change(&rig);
        let heard = rig.constant(&playing(at), 0.5, 960);
        assert!(heard.iter().all(|sample| (decibels(sample / 0.5) + 6.0).abs() < 1e-4));
        at += 960;
        let taken = rig.take();
        assert_eq!(taken[0].0.flags & (flags::RUN_BEGIN | flags::START), flags::RUN_BEGIN);
        assert_eq!(taken[0].0.run, run + 1 + index as u32);
        assert_eq!(rig.shared.readout.run.load(SeqCst), taken[0].0.run);
    }
}

#[test]
fn values_of_another_run_are_dropped_and_a_ramp_under_way_finishes() {
    let mut rig = Rig::plain();
    rig.constant(&playing(0), 0.5, 4000);
    let run = rig.take()[0].0.run;
    rig.send(answer(run, FRAME, D, 2.4));
    let before = rig.constant(&playing(4000), 0.5, 1520);
    rig.take();
    rig.send(answer(run, 2 * FRAME, D, -20.0));
    let after = rig.constant(&playing(-700_000), 0.5, 4000);
    for (gone, sample) in before[320..].iter().chain(&after).enumerate() {
        let expected = (gone as f64 * 0.001).min(2.4);
        assert!((decibels(sample / 0.5) - expected).abs() < 0.001, "{gone}");
    }
}

fn set_start(rig: &Rig, gain_db: f32) {
    rig.shared.start_values[0].set(Some(gain_db));
}

#[test]
fn a_run_from_a_stop_begins_at_the_start_values_at_once_after_silence() {
    let mut rig = Rig::plain();
    set_start(&rig, -6.0);
    let heard = rig.constant(&playing(0), 0.5, 64);
    assert!((decibels(heard[0] / 0.5) + 6.0).abs() < 1e-4, "nothing was processed before");
    rig.constant(&standing(Some(64)), 3e-5, 480);
    set_start(&rig, -3.0);
    let heard = rig.constant(&playing(0), 0.5, 64);
    assert!((decibels(heard[0] / 0.5) + 3.0).abs() < 1e-4, "below -90 dBFS is silence");
}

#[test]
fn the_service_is_told_what_a_run_from_a_stop_starts_with() {
    let mut rig = Rig::plain();
    rig.constant(&playing(0), 0.5, 2400);
    set_start(&rig, -6.0);
    rig.constant(&playing(96_000), 0.5, 480);
    rig.processor.reset();
    rig.constant(&playing(0), 0.5, 480);
    let told: Vec<_> = rig.take().iter().map(|(hop, _)| (hop.run, hop.frames, hop.start)).collect();
    let (none, saved) = (StartValues::default(), gain_alone(-6.0));
    let first = [(1, 480, none); 5];
    let others = [(2, 0, none), (2, 480, none), (3, 0, saved), (3, 480, none)];
    let expected: Vec<_> = [(1, 0, none)].into_iter().chain(first).chain(others).collect();
    assert_eq!(told, expected, "nothing saved, a jump, a start");
}

#[test]
fn a_run_from_a_stop_ramps_to_the_start_values_after_sound() {
    let mut rig = Rig::plain();
    rig.constant(&standing(Some(0)), 0.5, 480);
    set_start(&rig, -2.4);
    let heard = rig.constant(&playing(0), 0.5, 4800);
    for (gone, sample) in heard.iter().enumerate() {
        assert!((decibels(sample / 0.5) + (gone as f64 * 0.001).min(2.4)).abs() < 0.001);
    }
}

#[test]
fn a_reset_begins_afresh_and_run_numbers_rise_over_activations() {
    let mut rig = Rig::plain();
    rig.constant(&playing(0), 0.5, 960);
    set_start(&rig, -6.0);
    rig.processor.reset();
    let heard = rig.constant(&playing(960), 0.5, 960);
    assert!((decibels(heard[0] / 0.5) + 6.0).abs() < 1e-4);
    let runs: Vec<u32> = rig.take().iter().map(|(hop, _)| hop.run).collect();
    assert_eq!(runs, [1, 1, 1, 2, 2, 2]);
    let (mut again, ends) = Processor::new(rig.shared.clone(), 44_100.0, 512, 1);
    again.process(&playing(0), &mut [&mut [0.0; 441]]);
    assert_eq!(ends.expect("supported").hops.pop().expect("announced").run, 3);
}

#[test]
fn a_rate_that_is_not_supported_passes_audio_and_says_so() {
    for rate in [8000.0, 44_056.0, 44_100.5, 384_000.0, f64::NAN, -1.0, f64::INFINITY] {
        let shared = std::sync::Arc::default();
        let (mut processor, ends) = Processor::new(std::sync::Arc::clone(&shared), rate, 512, 2);
        assert!(ends.is_none(), "{rate}");
        let mut samples = [0.5, f32::NAN];
        let before = samples.map(f32::to_bits);
        processor.process(&playing(0), &mut [&mut samples]);
        assert_eq!(samples.map(f32::to_bits), before);
        assert_eq!(shared.readout.status.load(SeqCst), wire::status::RATE_UNSUPPORTED);
    }
}

/// One step of a host that does anything.
#[derive(Clone, Copy, Debug)]
enum Event {
    Play(usize),
    Jump(i64),
    Stop,
    Start,
    Group(u8),
    Rejoin,
    Reset,
    Unplug,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0usize..600).prop_map(Event::Play),
        2 => (-1_000_000i64..1_000_000).prop_map(Event::Jump),
        1 => (-100i64..100).prop_map(Event::Jump),
        1 => Just(Event::Stop),
        1 => Just(Event::Start),
        1 => (1u8..=16).prop_map(Event::Group),
        1 => Just(Event::Rejoin),
        1 => Just(Event::Reset),
        1 => Just(Event::Unplug),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// 100 hosts with 1000 events each.
    #[test]
    fn within_a_run_hops_are_whole_contiguous_and_on_the_grid(
        events in prop::collection::vec(event(), 1000),
        clocks in 0u8..4,
    ) {
        let mut rig = Rig::new(RATE, 1024, 1);
        let (mut position, mut steady, mut playing) = (0i64, 5i64, false);
        let mut run = 0;
        let mut next = None;
        for event in events {
            let mut frames = 64;
            match event {
                Event::Play(count) => frames = count,
                Event::Jump(by) => position += by,
                Event::Stop => playing = false,
                Event::Start => playing = true,
                Event::Group(group) => assert!(rig.shared.params.set(params::GROUP, f64::from(group))),
                Event::Rejoin => {
                    rig.shared.link.joined.fetch_add(1, SeqCst);
                    rig.shared.link.up.store(true, SeqCst);
                }
                Event::Reset => rig.processor.reset(),
                Event::Unplug => rig.shared.link.up.store(false, SeqCst),
            }
            let transport = Transport {
                playing,
                position: (clocks & 1 != 0).then_some(position),
                steady: (clocks & 2 != 0).then_some(steady),
                ..Transport::default()
            };
            rig.constant(&Block { offline: false, transport }, 0.1, frames);
            position += if playing { frames as i64 } else { 0 };
            steady += frames as i64;
            for (hop, samples) in rig.take() {
                if hop.flags & flags::RUN_BEGIN != 0 {
                    prop_assert!(hop.frames == 0 && hop.run >= run);
                    (run, next) = (hop.run, None);
                } else {
                    prop_assert_eq!(i64::from(hop.frames), HOP);
                    prop_assert_eq!(samples.len() as i64, HOP);
                    prop_assert_eq!(hop.run, run);
                    prop_assert_eq!(hop.position.rem_euclid(HOP), 0);
                    prop_assert!(next.is_none_or(|next| next == hop.position));
                    next = Some(hop.position + HOP);
                }
            }
        }
    }
}
