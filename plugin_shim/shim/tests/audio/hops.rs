//! What goes to the bridge.

use std::sync::atomic::Ordering::SeqCst;

use hybridmix_shim::params;
use hybridmix_shim::processor::{Block, Transport};
use wire::flags;

use crate::rig::{HOP, RATE, Rig, noise, playing};

#[test]
fn hops_lie_on_the_grid_and_carry_the_input_whatever_the_blocks() {
    for (rate, channels, begin) in
        [(48_000, 2, -1000i64), (44_100, 1, -441), (192_000, 2, 77), (88_200, 1, 0)]
    {
        let mut rig = Rig::new(rate, 8192, channels);
        let hop = i64::from(rate / 100);
        let input: Vec<Vec<f32>> = (0..u64::from(channels)).map(|channel| noise(channel, 40_000)).collect();
        let mut done = 0;
        let mut taken = Vec::new();
        for frames in [1usize, 700, 8192, 0, 3, 64, 128, 4097, 20_000].into_iter().cycle() {
            let frames = frames.min(40_000 - done);
            let mut block: Vec<Vec<f32>> =
                input.iter().map(|channel| channel[done..done + frames].to_vec()).collect();
            let mut slices: Vec<&mut [f32]> = block.iter_mut().map(|channel| &mut channel[..]).collect();
            rig.process(&playing(begin + done as i64), &mut slices);
            taken.extend(rig.take());
            done += frames;
            if done == 40_000 {
                break;
            }
        }
        let (announcement, rest) = taken.split_first().expect("a run is announced");
        assert_eq!((announcement.0.position, announcement.0.frames), (begin, 0));
        assert_eq!(announcement.0.flags & (flags::RUN_BEGIN | flags::START), flags::RUN_BEGIN | flags::START);
        let mut expected = begin.div_euclid(hop) * hop;
        if expected < begin {
            expected += hop;
        }
        for (own, samples) in rest {
            assert_eq!((own.position, i64::from(own.frames)), (expected, hop));
            assert_eq!(own.flags & flags::RUN_BEGIN, 0);
            let from = (expected - begin) as usize;
            let sent: Vec<f32> =
                input.iter().flat_map(|channel| channel[from..from + hop as usize].to_vec()).collect();
            assert_eq!(*samples, sent);
            expected += hop;
        }
        assert!(expected + hop > begin + 40_000, "every whole hop was sent");
        assert!(taken.windows(2).all(|pair| pair[0].0.stamp < pair[1].0.stamp));
    }
}

#[test]
fn hops_carry_what_the_user_has_set_and_where_the_song_is() {
    let mut rig = Rig::plain();
    for (id, plain) in [
        (params::AMOUNT, 75.0),
        (params::GAIN_OFFSET, -3.5),
        (params::GROUP, 4.0),
        (params::ROLE, 2.0),
        (params::CONTROL_DELAY, 4.0),
        (params::DIP_AMOUNT, 60.0),
        (params::DIP_BUDGET, 1.5),
        (params::BREATH_AMOUNT, 80.0),
        (params::BREATH_DEPTH, 3.5),
        (params::BREATH_DIRECTION, 1.0),
        (params::BREATH_SUSTAINED, 1.0),
        (params::BREATH_FADES, 1.0),
        (params::STAGING_AMOUNT, 50.0),
        (params::STAGING_LEVEL, -20.0),
        (params::DENSITY_AMOUNT, 40.0),
        (params::HIGH_PASS_AMOUNT, 30.0),
        (params::GROOVE_AMOUNT, 70.0),
        (params::GROOVE_LIMIT, 1.0),
        (params::GROOVE_TEMPO, 90.0),
        (params::ROOM_AMOUNT, 60.0),
    ] {
        assert!(rig.shared.params.set(id, plain));
    }
    let transport = Transport {
        playing: true,
        position: Some(24_000),
        beat: Some(1.0),
        tempo: Some(120.0),
        ..Transport::default()
    };
    rig.constant(&Block { offline: false, transport }, 0.1, 960);
    let taken = rig.take();
    let (hop, _) = taken[2];
    assert_eq!(
        (hop.group, hop.role, hop.delay, hop.amount, hop.offset_db, hop.tempo),
        (4, 2, RATE / 5, 0.75, -3.5, 120.0)
    );
    assert_eq!((hop.dip_amount, hop.dip_budget_lu), (0.6, 1.5));
    assert_eq!((hop.breath_amount, hop.breath_depth_db), (0.8, 3.5));
    assert_eq!((hop.staging_amount, hop.staging_level_db), (0.5, -20.0));
    assert_eq!((hop.density_amount, hop.high_pass_amount), (0.4, 0.3));
    assert_eq!((hop.groove_amount, hop.groove_limit_ms, hop.groove_constant_ms), (0.7, 10.0, 20.0));
    assert_eq!(hop.room_amount.to_bits(), 0.6f32.to_bits());
    assert!((hop.beat - 1.02).abs() < 1e-9, "480 samples later at 120");
    let breath = flags::BREATH_BOTH | flags::BREATH_FLICKER | flags::BREATH_FADES;
    let expected = flags::PLAYING | flags::HAS_BEAT | flags::HAS_TEMPO | breath;
    assert_eq!(hop.flags, expected);
    assert!(rig.shared.params.set(params::BREATH_SUSTAINED, 2.0));
    rig.constant(&Block { offline: false, transport }, 0.1, 960);
    let (hop, _) = *rig.take().last().expect("a hop");
    assert_eq!(
        hop.flags & (breath | flags::BREATH_LFO),
        flags::BREATH_BOTH | flags::BREATH_FADES | flags::BREATH_LFO
    );
}

#[test]
fn the_overall_amount_scales_every_amount_and_no_other_setting() {
    let mut rig = Rig::plain();
    for id in [
        params::DIP_AMOUNT,
        params::BREATH_AMOUNT,
        params::STAGING_AMOUNT,
        params::DENSITY_AMOUNT,
        params::HIGH_PASS_AMOUNT,
        params::GROOVE_AMOUNT,
    ] {
        assert!(rig.shared.params.set(id, 100.0));
    }
    for (id, plain) in [(params::OVERALL_AMOUNT, 25.0), (params::GAIN_OFFSET, -3.5)] {
        assert!(rig.shared.params.set(id, plain));
    }
    rig.constant(&Block::default(), 0.1, 960);
    let (hop, _) = rig.take()[1];
    assert_eq!([hop.amount, hop.dip_amount, hop.breath_amount], [0.25; 3]);
    assert_eq!([hop.staging_amount, hop.density_amount, hop.high_pass_amount], [0.25; 3]);
    assert_eq!(hop.groove_amount.to_bits(), 0.25f32.to_bits());
    assert_eq!((hop.offset_db, hop.staging_level_db), (-3.5, -18.0));
}

#[test]
fn where_the_host_gives_no_tempo_the_users_counts_from_position_0() {
    let mut rig = Rig::plain();
    assert!(
        rig.shared.params.set(params::GROOVE_TEMPO, 90.0)
            && rig.shared.params.set(params::GROOVE_CONSTANT, 1.0)
    );
    let transport = Transport { playing: true, position: Some(48_000), ..Transport::default() };
    rig.constant(&Block { offline: false, transport }, 0.1, 960);
    let (hop, _) = rig.take()[2];
    assert_eq!((hop.tempo, hop.groove_constant_ms), (90.0, 0.0));
    assert!((hop.beat - 1.515).abs() < 1e-9, "1.01 s at 90");
    assert_eq!(hop.flags, flags::PLAYING | flags::HAS_BEAT | flags::HAS_TEMPO);
}

#[test]
fn the_users_beat_0_may_lie_anywhere() {
    let mut rig = Rig::plain();
    for (id, plain) in [(params::GROOVE_TEMPO, 120.0), (params::GROOVE_FIRST_BEAT, 1.25)] {
        assert!(rig.shared.params.set(id, plain));
    }
    let transport = Transport { playing: true, position: Some(48_000), ..Transport::default() };
    rig.constant(&Block { offline: false, transport }, 0.1, 960);
    let (hop, _) = rig.take()[1];
    assert!((hop.beat + 0.5).abs() < 1e-9, "1 s, a quarter of a second before it");
    // A host that counts knows better.
    let counts = Transport { beat: Some(3.0), tempo: Some(90.0), position: Some(48_960), ..transport };
    rig.constant(&Block { offline: false, transport: counts }, 0.1, 960);
    let (hop, _) = rig.take()[0];
    assert_eq!((hop.beat.to_bits(), hop.tempo.to_bits()), (3f64.to_bits(), 90f64.to_bits()));
}

#[test]
fn hops_say_what_groove_is_to_hear_the_track_as() {
    for (plain, expected) in [(0.0, 0), (1.0, flags::GROOVE_DRUMS), (2.0, flags::GROOVE_BASS)] {
        let mut rig = Rig::plain();
        assert!(rig.shared.params.set(params::GROOVE_SOURCE, plain));
        rig.constant(&Block::default(), 0.1, 960);
        let (hop, _) = rig.take()[1];
        assert_eq!(hop.flags & (flags::GROOVE_DRUMS | flags::GROOVE_BASS), expected);
    }
}

#[test]
fn a_tempo_that_makes_no_sense_is_not_passed_on() {
    for tempo in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
        let mut rig = Rig::plain();
        let mut block = playing(0);
        (block.transport.tempo, block.transport.beat) = (Some(tempo), Some(-tempo));
        rig.constant(&block, 0.1, 480);
        for (hop, _) in rig.take() {
            assert_eq!((hop.beat.to_bits(), hop.tempo.to_bits()), (0, 0));
            assert_eq!(hop.flags & (flags::HAS_BEAT | flags::HAS_TEMPO), 0);
        }
    }
}

#[test]
fn a_hop_with_nan_or_infinity_goes_out_as_zeros_and_says_so() {
    for poison in [f32::NAN, f32::NEG_INFINITY] {
        let mut rig = Rig::plain();
        let mut left = vec![0.25f32; 1440];
        let mut right = vec![0.5f32; 1440];
        right[700] = poison;
        rig.process(&playing(0), &mut [&mut left, &mut right]);
        assert_eq!(right[700].to_bits(), poison.to_bits(), "audio itself passes");
        let taken = rig.take();
        let zeroed: Vec<bool> = taken[1..].iter().map(|(hop, _)| hop.flags & flags::ZEROED != 0).collect();
        assert_eq!(zeroed, [false, true, false]);
        assert!(taken[2].1.iter().all(|sample| sample.to_bits() == 0));
        assert_eq!(taken[3].1[480].to_bits(), 0.5f32.to_bits());
    }
}

#[test]
fn subnormal_samples_go_out_as_zeros() {
    let mut rig = Rig::new(RATE, 512, 1);
    rig.constant(&playing(0), f32::from_bits(77), 480);
    assert!(rig.take()[1].1.iter().all(|sample| sample.to_bits() == 0));
}

#[test]
fn hops_that_find_no_room_are_counted_and_the_next_one_says_so() {
    let mut rig = Rig::new(RATE, 480, 2);
    let mut at = 0;
    while rig.shared.readout.dropped.load(SeqCst) < 3 {
        rig.constant(&playing(at), 0.1, 480);
        at += HOP;
        assert!(at < 200 * HOP, "the ring is bounded");
    }
    let taken = rig.take();
    assert!(taken.len() > 50, "half a second fits");
    assert!(taken.iter().all(|(hop, _)| hop.flags & flags::GAP == 0));
    rig.constant(&playing(at), 0.1, 960);
    let after = rig.take();
    assert_eq!(after[0].0.position, at);
    let gaps: Vec<bool> = after.iter().map(|(hop, _)| hop.flags & flags::GAP != 0).collect();
    assert_eq!(gaps, [true, false]);
    assert_eq!(after[0].0.run, taken[0].0.run);
}

#[test]
fn an_announcement_that_finds_no_room_is_made_up_for() {
    let mut rig = Rig::new(RATE, 480, 1);
    // A jump at every block: nothing but announcements, until there is no room.
    for jump in 0..500 {
        rig.constant(&playing(if jump % 2 == 0 { 100_000 } else { -100_001 }), 0.1, 100);
    }
    rig.take();
    rig.constant(&playing(7), 0.1, 480);
    rig.constant(&playing(487), 0.1, 480);
    let taken = rig.take();
    assert_eq!((taken[0].0.position, taken[0].0.frames), (7, 0));
    assert!(taken[0].0.flags & flags::RUN_BEGIN != 0);
    assert_eq!((taken[1].0.position, taken[1].0.frames), (480, 480));
}

#[test]
fn nothing_is_pushed_while_the_service_does_not_know_the_instance() {
    let mut rig = Rig::plain();
    rig.shared.link.up.store(false, SeqCst);
    rig.constant(&playing(0), 0.1, 4800);
    assert!(rig.take().is_empty());
    assert_eq!(rig.shared.readout.dropped.load(SeqCst), 0);
    rig.shared.link.joined.fetch_add(1, SeqCst);
    rig.shared.link.up.store(true, SeqCst);
    rig.constant(&playing(4800), 0.1, 960);
    let taken = rig.take();
    assert_eq!(taken[0].0.position, 4800);
    assert_eq!(taken[0].0.flags & (flags::RUN_BEGIN | flags::START), flags::RUN_BEGIN);
    assert_eq!(taken.len(), 3);
}
