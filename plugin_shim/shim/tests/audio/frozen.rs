//! Frozen tracks: values from the plan, whatever the blocks, the order and the service.

use hybridmix_shim::params::{MODE, PLAN};
use hybridmix_shim::processor::{Block, Transport};
use hybridmix_shim::shared::Shared;
use hybridmix_shim::state;
use serde_json::{Value, json};
use wire::status;

use crate::rig::{FRAME, RATE, Rig, decibels, noise, playing, process, standing};

/// Base64 of differences that fit in one byte each.
fn table(values: &[i32]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let mut last = 0;
    for &value in values {
        let difference: i32 = value - last;
        let mut number = ((difference << 1) ^ (difference >> 31)) as u32;
        while number > 0x7f {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
        if difference == 0 {
            bytes.push(0);
        }
        last = value;
    }
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let known = digit <= group.len();
            text.push(if known { char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]) } else { '=' });
        }
    }
    text
}

/// A plan of 200 frames (10 s) for sound of -4.8 dBFS from frame `begin` on: gains, breath and a dip that move.
fn plan(begin: i64, dip: bool) -> Value {
    let series = |per: u32, value: &dyn Fn(i32) -> i32| json!({"data": table(&(0..200).map(value).collect::<Vec<_>>()), "per": per});
    let mut values = json!({
        "gain_db": series(100, &|at| -600 + 37 * ((at / 3) % 7)),
        "trim_db": series(100, &|_| -150),
        "breath_db": series(100, &|at| 60 * (at % 5) - 120),
    });
    if dip {
        values["dip_db"] = series(100, &|at| -300 - 100 * (at % 2));
        values["dip_hz"] = series(10, &|at| 2500 + 50 * (at % 11));
    }
    json!({"begin": begin, "frames": 200, "level": series(2, &|_| -10), "values": values, "version": 1})
}

/// Look-ahead of groove.
const LATE: usize = 2880;

/// A track of `level` in half dB that is frozen before it is activated, with a shift that changes every third frame, 20 ms after it begins.
fn grooving(level: i32) -> Rig {
    let mut plan = plan(0, true);
    plan["level"]["data"] = json!(table(&[level; 200]));
    let per_frame = |value: &dyn Fn(i32) -> i32| json!({"data": table(&(0..200).map(value).collect::<Vec<_>>()), "per": 1});
    plan["values"]["groove_ms"] = per_frame(&|at| [0, 5, -4, 9][(at / 3 % 4) as usize]);
    plan["values"]["groove_slot_ms"] = per_frame(&|at| if at % 3 == 0 { 20 } else { 0 });
    let shared = std::sync::Arc::default();
    load_into(&shared, &plan);
    Rig::of(shared, process(), RATE, 8192, 2)
}

fn load(rig: &Rig, plan: &Value) {
    load_into(&rig.shared, plan);
}

fn load_into(shared: &Shared, plan: &Value) {
    let saved = json!({
        "format": "hybridmix-state", "version": 1, "instance": null, "session": null, "label": "",
        "params": {"plan": 1.0}, "start": {"gain_db": -20.0}, "plan": plan,
    });
    state::load(shared, saved.to_string().as_bytes()).expect("a state");
}

fn frozen(dip: bool) -> Rig {
    let rig = Rig::plain();
    load(&rig, &plan(0, dip));
    rig
}

/// How the transport of a test goes.
type Host = fn(i64) -> Block;

/// A host that renders without telling a position.
fn rendering(_: i64) -> Block {
    Block { offline: true, transport: Transport::default() }
}

/// Plays `audio` that stands at `begin` of the song, in blocks of `sizes`; returns the bits of both channels.
fn play(rig: &mut Rig, host: Host, begin: i64, audio: &[f32], sizes: &[usize]) -> Vec<u32> {
    let (mut left, mut right) = (audio.to_vec(), audio.iter().map(|sample| -sample).collect::<Vec<_>>());
    let mut done = 0;
    for &size in sizes.iter().cycle() {
        let end = (done + size).min(audio.len());
        rig.process(&host(begin + done as i64), &mut [&mut left[done..end], &mut right[done..end]]);
        done = end;
        if done == audio.len() {
            break;
        }
    }
    left.iter().chain(&right).map(|sample| sample.to_bits()).collect()
}

fn song() -> Vec<f32> {
    noise(5, 4 * RATE as usize)
}

#[test]
fn every_block_size_and_every_host_gives_the_same_bits() {
    let song = &song()[..60_000];
    let reference = play(&mut frozen(true), playing, 0, song, &[8192]);
    assert_ne!(reference[..1000], song[..1000].iter().map(|sample| sample.to_bits()).collect::<Vec<_>>());
    for sizes in [&[1][..], &[64], &[480], &[1000, 1, 37, 4097], &[2400]] {
        for host in [playing, rendering] {
            assert!(play(&mut frozen(true), host, 0, song, sizes) == reference, "blocks of {sizes:?}");
        }
    }
}

#[test]
fn fades_are_at_their_points_of_the_song_in_every_block_size_and_after_a_seek() {
    let mut faded = plan(0, false);
    let points: Vec<i32> = (0..1000).map(|at| if at % 37 == 36 { -250 } else { 0 }).collect();
    faded["fades"] = json!({"data": table(&points), "per": 100});
    let rig = || {
        let rig = Rig::plain();
        load(&rig, &faded);
        rig
    };
    let song = &song()[..60_000];
    let reference = play(&mut rig(), playing, 0, song, &[8192]);
    let plain = play(&mut frozen(false), playing, 0, song, &[8192]);
    let point = RATE as usize / 100;
    let db = |at: usize| 20.0 * (f32::from_bits(reference[at]) / f32::from_bits(plain[at])).abs().log10();
    assert!((db(36 * point) + 2.5).abs() < 0.1);
    assert_eq!(reference[..35 * point], plain[..35 * point]);
    for sizes in [&[1][..], &[64], &[480], &[1000, 1, 37, 4097]] {
        for host in [playing, rendering] {
            assert!(play(&mut rig(), host, 0, song, sizes) == reference, "blocks of {sizes:?}");
        }
    }
}

#[test]
fn with_groove_in_the_plan_every_block_size_and_every_host_gives_the_same_bits_too() {
    let song = &song()[..60_000];
    let reference = play(&mut grooving(-10), playing, 0, song, &[8192]);
    for sizes in [&[1][..], &[64], &[480], &[1000, 1, 37, 4097], &[2880]] {
        for host in [playing, rendering] {
            assert!(play(&mut grooving(-10), host, 0, song, sizes) == reference, "blocks of {sizes:?}");
        }
    }
}

#[test]
fn groove_in_the_plan_plays_each_slot_as_late_as_it_says_behind_its_look_ahead() {
    // A click in each slot: most frames are silent, as the plan expects.
    let mut input: Vec<f32> = vec![0.0; 2 * RATE as usize];
    for frame in (0..36).step_by(3) {
        input[frame * FRAME as usize + 960] = 0.9;
    }
    let mut rig = grooving(-180);
    let heard = play(&mut rig, playing, 0, &input, &[512]);
    for (number, frame) in (3..33_usize).step_by(3).enumerate() {
        let late = [5, -4, 9, 0][number % 4] * 48;
        let at = frame * FRAME as usize + 960 + LATE;
        let click = (at - 960..at + 960).max_by_key(|&at| (f32::from_bits(heard[at]).abs() * 1e6) as u32);
        assert_eq!(click, at.checked_add_signed(late), "frame {frame}");
    }
    rig.shared.params.set(PLAN, 0.0);
    assert!(!rig.shared.grooves());
}

#[test]
fn what_follows_groove_in_the_plan_follows_the_sound_that_is_late() {
    let mut rig = grooving(-10);
    let heard = play(&mut rig, playing, 0, &vec![0.5; 96_000], &[700]);
    for frame in [20_i32, 35] {
        let at = ((frame + 1) * FRAME as i32 - 1) as usize + LATE;
        let wanted = f64::from(-600 + 37 * ((frame / 3) % 7) - 150 + 60 * (frame % 5) - 120) / 100.0;
        let gain = decibels(f32::from_bits(heard[at]) / 0.5);
        // The dip leaves what does not move alone.
        assert!((gain - wanted).abs() < 0.01, "frame {frame}: {gain} dB, planned {wanted}");
    }
}

#[test]
fn values_are_those_of_the_plan_at_the_end_of_each_frame() {
    let mut rig = frozen(false);
    let heard = play(&mut rig, playing, 0, &song(), &[512]);
    for frame in [0_i32, 1, 2, 3, 4, 20, 79] {
        let at = ((frame + 1) * FRAME as i32 - 1) as usize;
        let wanted = f64::from(-600 + 37 * ((frame / 3) % 7) - 150 + 60 * (frame % 5) - 120) / 100.0;
        let gain = decibels(f32::from_bits(heard[at]) / song()[at]);
        assert!((gain - wanted).abs() < 0.002, "frame {frame}: {gain} dB, planned {wanted}");
    }
    assert_eq!(rig.status(), status::FROZEN);
}

#[test]
fn after_a_seek_values_are_what_a_pass_from_the_start_has_there() {
    let whole = play(&mut frozen(false), playing, 0, &song(), &[512]);
    let half = whole.len() / 2;
    for from in [1_i64, 2399, 2400, 2401, 7 * FRAME + 13, 50_000] {
        let mut rig = frozen(false);
        play(&mut rig, playing, 0, &song()[..30_000], &[480]);
        let at = from as usize;
        let heard = play(&mut rig, playing, from, &song()[at..], &[700]);
        assert!(heard[..half - at] == whole[at..half], "from {from}");
    }
}

#[test]
fn what_was_played_before_a_seek_changes_nothing_of_what_comes() {
    let mut played = frozen(true);
    play(&mut played, playing, 0, &song()[..30_000], &[480]);
    let heard = play(&mut played, playing, 77_777, &song()[77_777..], &[700]);
    assert!(heard == play(&mut frozen(true), playing, 77_777, &song()[77_777..], &[64]));
}

#[test]
fn before_its_first_frame_and_after_its_last_the_plan_holds() {
    let mut rig = Rig::plain();
    load(&rig, &plan(20, false));
    let ones = vec![0.001; 480];
    let first = play(&mut rig, playing, 0, &ones, &[480]);
    let gain = decibels(f32::from_bits(first[479]) / 0.001);
    assert!((gain + 8.7).abs() < 0.002, "{gain}");
    let late = play(&mut rig, playing, 230 * FRAME, &ones, &[480]);
    let gain = decibels(f32::from_bits(late[479]) / 0.001);
    let last = f64::from(-600 + 37 * ((199 / 3) % 7) - 150 + 60 * (199 % 5) - 120) / 100.0;
    assert!((gain - last).abs() < 0.002, "{gain}");
    assert_eq!(rig.status(), status::FROZEN);
}

#[test]
fn a_frozen_track_streams_nothing_waits_for_nothing_and_takes_no_values() {
    let reference = play(&mut frozen(true), playing, 0, &song(), &[512]);
    let mut rig = frozen(true);
    rig.shared.params.set(MODE, 2.0);
    let heard = play(&mut rig, playing, 0, &song(), &[512]);
    assert!(heard == reference);
    assert!(rig.take().is_empty());
}

#[test]
fn a_service_that_comes_and_goes_is_not_heard() {
    use std::sync::atomic::Ordering::SeqCst;
    let reference = play(&mut frozen(true), playing, 0, &song(), &[512]);
    let mut rig = frozen(true);
    let mut heard = Vec::new();
    for (index, part) in song().chunks(512).enumerate() {
        rig.shared.link.joined.fetch_add(u32::from(index % 9 == 0), SeqCst);
        rig.shared.link.up.store(index % 4 < 2, SeqCst);
        heard.extend(play(&mut rig, playing, 512 * index as i64, part, &[512])[..part.len()].to_vec());
    }
    assert!(heard == reference[..heard.len()]);
}

#[test]
fn other_sound_is_noticed_within_two_seconds_and_mixed_live_until_the_next_start() {
    let mut rig = frozen(false);
    let quiet: Vec<f32> = song().iter().map(|sample| 0.5 * sample).collect();
    play(&mut rig, playing, 0, &quiet[..40_000], &[512]);
    assert_eq!(rig.status(), status::FROZEN, "a second tells nothing yet");
    play(&mut rig, playing, 40_000, &quiet[40_000..96_000], &[512]);
    assert_eq!(rig.status(), status::PLAN_UNFIT);
    let hops = rig.take();
    assert!(hops.iter().any(|(hop, _)| hop.flags & wire::flags::RUN_BEGIN != 0 && hop.frames == 0));
    assert!(hops.iter().any(|(hop, _)| hop.frames > 0));
    play(&mut rig, playing, 10_000, &quiet[10_000..20_000], &[512]);
    assert_eq!(rig.status(), status::PLAN_UNFIT, "a jump is no start");
    rig.processor.reset();
    play(&mut rig, playing, 0, &song(), &[512]);
    assert_eq!(rig.status(), status::FROZEN);
}

#[test]
fn a_decibel_more_or_less_and_silence_still_fit() {
    for factor in [0.89, 1.12] {
        let mut rig = frozen(false);
        let near: Vec<f32> = song().iter().map(|sample| factor * sample).collect();
        play(&mut rig, playing, 0, &near, &[512]);
        assert_eq!(rig.status(), status::FROZEN);
    }
    let mut rig = Rig::plain();
    let mut silent = plan(0, false);
    silent["level"]["data"] = json!(table(&[-180; 200]));
    load(&rig, &silent);
    play(&mut rig, playing, 0, &vec![0.0; 4 * RATE as usize], &[512]);
    assert_eq!(rig.status(), status::FROZEN);
}

#[test]
fn while_the_song_stands_still_values_hold() {
    let mut rig = frozen(false);
    let waiting = rig.constant(&standing(Some(777)), 0.5, 4800);
    let gain = decibels(waiting[4799] / 0.5);
    assert!((gain + 8.7).abs() < 0.002, "what the song begins with: {gain}");
    play(&mut rig, playing, 0, &song()[..50_000], &[512]);
    let held = rig.constant(&standing(Some(100_000)), 0.5, 48_000);
    assert!(held[4800..].iter().all(|sample| sample.to_bits() == held[4800].to_bits()));
    assert_eq!(rig.status(), status::FROZEN);
}

#[test]
fn frozen_without_a_plan_is_live_and_says_so() {
    let mut rig = Rig::plain();
    rig.shared.params.set(PLAN, 1.0);
    rig.constant(&playing(0), 0.5, 4800);
    assert_eq!(rig.status(), status::PLAN_MISSING);
    assert!(!rig.take().is_empty());
}

#[test]
fn switching_the_plan_on_while_playing_makes_no_click() {
    let mut rig = frozen(false);
    rig.shared.params.set(PLAN, 0.0);
    let mut heard = rig.constant(&playing(0), 0.1, 24_000);
    rig.shared.params.set(PLAN, 1.0);
    heard.extend(rig.constant(&playing(24_000), 0.1, 48_000));
    // The sum of the three ramps of the gain section, and rounding.
    let fastest = (48.0 + 480.0 + 240.0) / f64::from(RATE) + 1e-4;
    let steps = heard.windows(2).map(|pair| decibels(pair[1] / pair[0]).abs());
    assert!(steps.fold(0.0, f64::max) < fastest);
    assert_eq!(rig.status(), status::FROZEN);
}
