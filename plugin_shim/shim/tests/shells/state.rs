//! State: whole, never stale, in every order, and nobody else's.

use hybridmix_shim::plugin::fault;

use crate::host::{Call, Host, bits, ready, run};

in_both_formats!(
    a_loaded_state_is_saved_again_byte_for_byte,
    two_instances_with_the_same_settings_save_the_same,
    a_state_brings_every_setting_back,
    a_state_may_come_before_or_after_activation_and_between_blocks,
    a_state_is_never_stale,
    what_is_no_state_is_refused_and_changes_nothing,
    the_host_is_told_to_read_values_after_a_load,
    the_track_name_is_no_part_of_the_state,
    the_host_is_told_once_that_its_project_changed,
);

fn settings<H: Host>(host: &mut H) -> Vec<f64> {
    let params = host.params();
    params.iter().filter(|param| !param.read_only).filter_map(|param| host.value(param.id)).collect()
}

/// Everything off its default.
fn turn_knobs<H: Host>(host: &mut H) {
    for (id, plain) in [(1, 1.0), (2, 37.0), (3, -3.3), (4, 9.0), (5, 2.0), (6, 1.0), (7, 4.0), (8, 1.0)] {
        host.edit(id, plain);
    }
}

fn a_loaded_state_is_saved_again_byte_for_byte<H: Host>() {
    let mut first = ready::<H>();
    let changes = vec![(2, 0, 12.3), (3, 0, 4.567), (4, 0, 3.0), (7, 0, 3.0)];
    run(&mut first, &Call { changes, ..Call::default() }, 512);
    first.deactivate();
    let all: Vec<_> = first.params().iter().map(|param| first.value(param.id)).collect();
    let state = first.save();
    drop(first);
    let mut second = H::new();
    assert!(second.load(&state));
    let again: Vec<_> = second.params().iter().map(|param| second.value(param.id)).collect();
    assert_eq!(again, all, "read-only parameters included");
    assert_eq!(second.save(), state);
}

fn two_instances_with_the_same_settings_save_the_same<H: Host>() {
    let mut edited = H::new();
    turn_knobs(&mut edited);
    let mut automated = ready::<H>();
    let changes = [(1, 1.0), (2, 37.0), (3, -3.3), (4, 9.0), (5, 2.0), (6, 1.0), (7, 4.0), (8, 1.0)];
    let changes = changes.map(|(id, plain)| (id, 0, plain)).to_vec();
    run(&mut automated, &Call { changes, ..Call::default() }, 512);
    assert_eq!(automated.save(), edited.save());
}

fn a_state_brings_every_setting_back<H: Host>() {
    let mut first = H::new();
    turn_knobs(&mut first);
    let mut second = H::new();
    assert!(second.load(&first.save()));
    assert_eq!(settings(&mut second), settings(&mut first));
    assert_ne!(settings(&mut second), settings(&mut H::new()));
}

fn a_state_may_come_before_or_after_activation_and_between_blocks<H: Host>() {
    let mut source = H::new();
    turn_knobs(&mut source);
    let (state, neutral) = (source.save(), H::new().save());
    let mut host = H::new();
    for round in 0..3 {
        assert!(host.load(&state));
        host.activate(44_100.0, 256);
        assert_eq!(settings(&mut host), settings(&mut source), "round {round}");
        assert!(host.load(&neutral));
        let (input, output, _) = run(&mut host, &Call::default(), 256);
        assert_eq!(bits(&output), bits(&input));
        assert!(host.load(&state));
        assert_eq!(host.save(), state);
        host.deactivate();
        assert_eq!(host.save(), state);
    }
}

fn a_state_is_never_stale<H: Host>() {
    let mut host = ready::<H>();
    for step in 0..20 {
        host.edit(3, f64::from(step) / 10.0);
        let mut other = H::new();
        assert!(other.load(&host.save()));
        assert_eq!(other.value(3), Some(f64::from(step) / 10.0));
    }
}

fn what_is_no_state_is_refused_and_changes_nothing<H: Host>() {
    let mut host = H::new();
    turn_knobs(&mut host);
    let state = host.save();
    let noise: Vec<u8> = (0..2000_u32).map(|byte| (byte.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let cut = &state[..state.len() - 1];
    let long = [state.as_slice(), &vec![b' '; 1 << 23]].concat();
    let trailing = [state.as_slice(), b"x"].concat();
    for bad in [b"".as_slice(), b"\0", b"{}", b"null", &noise, cut, &long, &trailing] {
        assert!(!host.load(bad), "{:?}", &bad[..bad.len().min(40)]);
        assert_eq!(host.save(), state);
    }
}

fn the_host_is_told_to_read_values_after_a_load<H: Host>() {
    let mut host = H::new();
    let state = host.save();
    let before = host.rescans();
    assert!(host.load(&state));
    assert_eq!(host.rescans(), before + 1);
    assert!(!host.load(b"nonsense"));
    assert_eq!(host.rescans(), before + 1, "nothing changed");
}

fn the_track_name_is_no_part_of_the_state<H: Host>() {
    let mut host = ready::<H>();
    let state = host.save();
    host.name_track("Vocals \u{1F600}");
    host.name_track(&"long ".repeat(100));
    host.name_track("");
    assert_eq!(host.save(), state);
}

fn the_host_is_told_once_that_its_project_changed<H: Host>() {
    let mut host = ready::<H>();
    for times in 1..=3 {
        let input = vec![vec![fault::CHANGE; 64]; 2];
        for _ in 0..3 {
            host.process(&Call::default(), &input, &mut vec![vec![0.0; 64]; 2]);
        }
        assert_eq!(host.changes(), times);
        run(&mut host, &Call::default(), 64);
        assert_eq!(host.changes(), times);
    }
}
