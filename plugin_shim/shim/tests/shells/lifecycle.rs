//! Construction, activation, reset and destruction in every order.

use std::time::{Duration, Instant};

use crate::host::{Call, Host, bits, ready, run};

in_both_formats!(
    construction_is_cheap,
    many_instances_live_and_die_in_any_order,
    an_active_instance_may_be_dropped,
    activation_may_be_repeated_with_other_rates_layouts_and_blocks,
    a_layout_with_more_channels_is_refused,
    a_reset_keeps_settings_and_audio,
    a_fresh_instance_reads_as_idle_and_so_does_a_deactivated_one,
);

fn construction_is_cheap<H: Host>() {
    let begin = Instant::now();
    for _ in 0..100 {
        drop(H::new());
    }
    assert!(begin.elapsed() < Duration::from_secs(2));
}

fn many_instances_live_and_die_in_any_order<H: Host>() {
    let mut hosts: Vec<H> = (0..24).map(|_| ready()).collect();
    let mut turn = 0_usize;
    while !hosts.is_empty() {
        for host in &mut hosts {
            let (input, output, answer) = run(host, &Call::default(), 64);
            assert!(answer.ok);
            assert_eq!(bits(&output), bits(&input));
        }
        turn += 7;
        let gone = hosts.swap_remove(turn % hosts.len());
        drop(gone);
    }
}

fn an_active_instance_may_be_dropped<H: Host>() {
    for processed in [false, true] {
        let mut host = ready::<H>();
        if processed {
            run(&mut host, &Call::default(), 64);
        }
        drop(host);
    }
}

fn activation_may_be_repeated_with_other_rates_layouts_and_blocks<H: Host>() {
    let mut host = H::new();
    for (rate, channels, frames) in
        [(44_100.0, 2_u16, 512_usize), (192_000.0, 1, 1), (12_345.0, 2, 64), (48_000.0, 1, 8192)]
    {
        host.deactivate();
        assert!(host.set_channels(channels));
        host.activate(rate, frames as u32);
        let input = crate::host::noise(3, channels.into(), frames);
        let mut output = vec![vec![0.0; frames]; channels.into()];
        for _ in 0..3 {
            assert!(host.process(&Call::default(), &input, &mut output).ok);
            assert_eq!(bits(&output), bits(&input));
        }
    }
}

fn a_layout_with_more_channels_is_refused<H: Host>() {
    let mut host = H::new();
    assert!(host.set_channels(1));
    assert!(!host.set_channels(6));
    host.activate(48_000.0, 64);
    let input = crate::host::noise(1, 1, 64);
    let mut output = vec![vec![0.0; 64]];
    assert!(host.process(&Call::default(), &input, &mut output).ok);
    assert_eq!(bits(&output), bits(&input), "still mono");
}

fn a_reset_keeps_settings_and_audio<H: Host>() {
    let mut host = ready::<H>();
    host.edit(2, 50.0);
    for _ in 0..5 {
        run(&mut host, &Call::default(), 100);
        host.reset();
        let (input, output, _) = run(&mut host, &Call::default(), 100);
        assert_eq!(bits(&output), bits(&input));
    }
    assert_eq!(host.value(2), Some(50.0));
}

fn a_fresh_instance_reads_as_idle_and_so_does_a_deactivated_one<H: Host>() {
    let mut host = H::new();
    let shown = |host: &mut H| [20, 21, 22, 23].map(|id| host.value(id).expect("known"));
    assert_eq!(shown(&mut host), [0.0; 4]);
    host.activate(48_000.0, 480);
    run(&mut host, &Call::default(), 480);
    assert_ne!(shown(&mut host), [0.0; 4]);
    host.deactivate();
    assert_eq!(shown(&mut host), [0.0; 4]);
}
