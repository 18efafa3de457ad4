//! Audio: exact at neutral, for every rate, layout and block; buffers and flags as the host gives them.

use crate::host::{Call, Host, bits, noise, ready, ready_alone, run};

in_both_formats!(
    neutral_is_exact_at_every_rate_layout_and_block,
    working_in_the_hosts_own_buffer_is_exact,
    odd_samples_pass_bit_for_bit,
    a_rate_that_is_not_supported_passes_audio,
    a_call_without_frames_or_buffers_is_answered,
    silence_is_flagged_only_where_it_is,
    a_bypassed_instance_passes_audio,
    groove_is_late_by_what_it_says_from_the_next_activation_on,
    a_bypassed_instance_with_groove_is_as_late,
    only_a_room_has_a_tail_of_its_own,
    no_call_allocates,
    offline_is_judged_block_by_block,
);

const BLOCKS: [usize; 12] = [0, 1, 64, 8192, 441, 0, 4097, 127, 512, 2, 1024, 480];

fn neutral_is_exact_at_every_rate_layout_and_block<H: Host>() {
    for rate in [44_100.0, 48_000.0, 88_200.0, 96_000.0, 176_400.0, 192_000.0] {
        for channels in [1_u16, 2] {
            let mut host = H::new();
            assert!(host.set_channels(channels));
            host.activate(rate, 8192);
            for (index, &frames) in BLOCKS.iter().enumerate() {
                let input = noise(index as u64, channels.into(), frames);
                let mut output = vec![vec![7.0; frames]; channels.into()];
                let offline = index % 3 == 0;
                assert!(host.process(&Call { offline, ..Call::default() }, &input, &mut output).ok);
                assert_eq!(bits(&output), bits(&input), "{frames} frames, {channels} channels, {rate} Hz");
            }
            assert_eq!(host.latency_and_tail(), (0, 0));
        }
    }
}

fn working_in_the_hosts_own_buffer_is_exact<H: Host>() {
    let mut host = ready::<H>();
    let (input, output, answer) = run(&mut host, &Call { in_place: true, ..Call::default() }, 512);
    assert!(answer.ok);
    assert_eq!(bits(&output), bits(&input));
}

fn odd_samples_pass_bit_for_bit<H: Host>() {
    let mut host = ready::<H>();
    let odd =
        [f32::NAN, f32::from_bits(0x7f80_0001), f32::NEG_INFINITY, f32::from_bits(1), -0.0, f32::MAX, 3e38];
    let input = vec![odd.to_vec(), odd.iter().rev().copied().collect()];
    let mut output = vec![vec![0.0; odd.len()]; 2];
    for _ in 0..3 {
        assert!(host.process(&Call::default(), &input, &mut output).ok);
        assert_eq!(bits(&output), bits(&input));
    }
}

fn a_rate_that_is_not_supported_passes_audio<H: Host>() {
    for rate in [8000.0, 22_050.0, 1_234.5, 45_678.901, 384_000.0, 768_000.0] {
        let mut host = H::new();
        host.activate(rate, 512);
        let (input, output, answer) = run(&mut host, &Call::default(), 512);
        assert!(answer.ok);
        assert_eq!(bits(&output), bits(&input), "{rate} Hz");
        assert_eq!(
            host.value(20).and_then(|status| host.text(20, status)).as_deref(),
            Some("Sample rate not supported")
        );
    }
}

fn a_call_without_frames_or_buffers_is_answered<H: Host>() {
    let mut host = ready::<H>();
    let call = Call { without_buffers: true, changes: vec![(2, 0, 40.0)], ..Call::default() };
    assert!(host.process(&call, &[], &mut []).ok);
    assert_eq!(host.value(2), Some(40.0));
}

fn silence_is_flagged_only_where_it_is<H: Host>() {
    let mut host = ready::<H>();
    let mut input = noise(1, 2, 256);
    let mut output = vec![vec![1.0; 256]; 2];
    input[0].fill(0.0);
    assert_eq!(host.process(&Call { silent: 1, ..Call::default() }, &input, &mut output).silent, 0b01);
    // The host is wrong about the second one.
    assert_eq!(host.process(&Call { silent: 2, ..Call::default() }, &input, &mut output).silent, 0b01);
    assert_eq!(host.process(&Call { silent: 0, ..Call::default() }, &input, &mut output).silent & 0b10, 0);
    assert_eq!(bits(&output), bits(&input));
}

fn a_bypassed_instance_passes_audio<H: Host>() {
    let mut host = ready::<H>();
    for bypass in [1.0, 0.0, 1.0] {
        let (input, output, _) =
            run(&mut host, &Call { changes: vec![(1, 3, bypass)], ..Call::default() }, 300);
        assert_eq!(bits(&output), bits(&input));
    }
}

fn only_a_room_has_a_tail_of_its_own<H: Host>() {
    let mut host = H::new();
    assert_eq!(host.latency_and_tail(), (0, 0));
    host.activate(48_000.0, 64);
    for id in 1..=8 {
        host.edit(id, 1.0);
    }
    run(&mut host, &Call::default(), 64);
    assert_eq!(host.latency_and_tail(), (0, 0));
    host.edit(30, 50.0);
    assert_eq!(host.latency_and_tail(), (0, 196_800));
    host.edit(30, 0.0);
    assert_eq!(host.latency_and_tail(), (0, 0));
}

/// Samples that groove is late at 48 kHz.
const LATE: usize = 2880;

fn groove_is_late_by_what_it_says_from_the_next_activation_on<H: Host>() {
    let mut host = ready::<H>();
    host.edit(35, 100.0);
    let (input, output, _) = run(&mut host, &Call::default(), 512);
    assert_eq!(bits(&output), bits(&input), "an active instance is never late at once");
    assert_eq!((host.latency_and_tail(), host.restarts()), ((0, 0), 1));
    run(&mut host, &Call::default(), 512);
    assert_eq!(host.restarts(), 1, "once is enough");
    host.deactivate();
    host.activate(48_000.0, 512);
    assert_eq!(host.latency_and_tail(), (2880, 2880));
    late(&mut host);
    host.edit(35, 0.0);
    run(&mut host, &Call::default(), 512);
    assert_eq!((host.latency_and_tail(), host.restarts()), ((2880, 2880), 2));
    host.deactivate();
    host.activate(48_000.0, 512);
    assert_eq!(host.latency_and_tail(), (0, 0));
    let (input, output, _) = run(&mut host, &Call::default(), 512);
    assert_eq!(bits(&output), bits(&input));
}

fn a_bypassed_instance_with_groove_is_as_late<H: Host>() {
    let mut host = H::new();
    host.edit(35, 100.0);
    host.edit(1, 1.0);
    host.activate(48_000.0, 512);
    late(&mut host);
}

/// Asserts that what goes in comes out a look-ahead later, bit for bit, in blocks of any length.
fn late<H: Host>(host: &mut H) {
    let mut given: Vec<Vec<f32>> = vec![Vec::new(); 2];
    let mut made = given.clone();
    for block in 0..20_u64 {
        let frames = [512, 1, 480, 77][(block % 4) as usize];
        let input = noise(block, 2, frames);
        let mut output = vec![vec![7.0; frames]; 2];
        assert!(host.process(&Call::default(), &input, &mut output).ok);
        for channel in 0..2 {
            given[channel].extend(&input[channel]);
            made[channel].extend(&output[channel]);
        }
    }
    for (given, made) in given.iter().zip(&made) {
        assert!(made.len() > LATE + 1000 && made[..LATE].iter().all(|sample| *sample == 0.0));
        assert_eq!(bits(&[made[LATE..].to_vec()]), bits(&[given[..made.len() - LATE].to_vec()]));
    }
}

fn no_call_allocates<H: Host>() {
    let mut host = ready::<H>();
    for block in 0..200_i64 {
        let call = Call {
            offline: block % 5 == 0,
            playing: (block % 3 != 0).then_some(block * 512 - 20_000),
            steady: Some(block * 512),
            changes: (1..=9).map(|id| (id, 0, (block % 16) as f64)).collect(),
            in_place: block % 2 == 0,
            ..Call::default()
        };
        let frames = [512, 0, 1, 480][(block % 4) as usize];
        assert_eq!(run(&mut host, &call, frames).2.allocations, 0, "block {block}");
        if block % 50 == 0 {
            host.reset();
        }
    }
}

/// Needed delay: what the blocks need live, nothing in an offline render whose tracks are in step.
fn offline_is_judged_block_by_block<H: Host>() {
    let mut host = ready_alone::<H>();
    for offline in [false, true, false, true, true, false] {
        run(&mut host, &Call { offline, ..Call::default() }, 480);
        assert_eq!(host.value(23) == Some(0.0), offline);
    }
}
