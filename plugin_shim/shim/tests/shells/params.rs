//! Parameters: declarations, texts, automation, fuzz.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::clap_host::ClapHost;
use crate::host::{Call, Host, bits, ready, ready_alone, run};
use crate::vst3_host::Vst3Host;

in_both_formats!(
    declarations_are_sound,
    text_and_value_convert_both_ways,
    text_with_anything_else_in_it_is_refused,
    an_edit_is_read_back_at_once,
    the_last_point_of_a_block_stands,
    read_only_and_unknown_parameters_ignore_writes,
    changes_of_read_only_parameters_are_put_out_once,
    anything_a_host_may_send_is_survived,
);

#[test]
fn both_formats_declare_the_same() {
    assert_eq!(ClapHost::new().params().len(), 34);
    for (clap, vst3) in ClapHost::new().params().into_iter().zip(Vst3Host::new().params()) {
        let stepped = clap.stepped || vst3.stepped;
        assert_eq!(crate::host::Info { stepped, ..clap }, crate::host::Info { stepped, ..vst3 });
    }
}

fn declarations_are_sound<H: Host>() {
    let mut host = H::new();
    let params = host.params();
    assert_eq!(params.iter().filter(|param| param.bypass).count(), 1);
    for (index, param) in params.iter().enumerate() {
        assert!(param.min < param.max && (param.min..=param.max).contains(&param.default), "{param:?}");
        assert!(
            params[..index].iter().all(|other| other.id != param.id && other.name != param.name),
            "{param:?}"
        );
        assert_eq!(host.value(param.id), Some(param.default), "{param:?}");
        assert!(!param.bypass || (param.stepped && !param.read_only && (param.min, param.max) == (0.0, 1.0)));
    }
}

fn text_and_value_convert_both_ways<H: Host>() {
    let mut host = H::new();
    for param in host.params() {
        for step in 0..=997_i32 {
            let plain = param.min + (param.max - param.min) * f64::from(step) / 997.0;
            let text = host.text(param.id, plain).expect("has a text");
            assert!(!text.is_empty() && text.len() <= 30, "{text}");
            let read = host.parse(param.id, &text).unwrap_or_else(|| panic!("{} reads {text:?}", param.name));
            assert_eq!(host.text(param.id, read), Some(text.clone()), "{}", param.name);
            assert_eq!(host.parse(param.id, &text), Some(read), "{}", param.name);
            assert!((read - plain).abs() <= (param.max - param.min) / 2.0, "{} {plain} {text}", param.name);
        }
    }
}

fn text_with_anything_else_in_it_is_refused<H: Host>() {
    let mut host = H::new();
    for param in host.params() {
        for text in ["", " ", "nonsense", "1 dB x", "40 ms!", "NaN", "inf", "--1", "0x10", "Onn", "\u{1F600}"]
        {
            assert_eq!(host.parse(param.id, text), None, "{} reads {text:?}", param.name);
        }
    }
    assert_eq!(host.parse(3, "-3.3 dB"), Some(-3.3));
    assert_eq!(host.parse(3, "-3.3"), Some(-3.3));
    assert_eq!(host.parse(1, "on"), Some(1.0));
    assert_eq!(host.parse(99, "1"), None);
    assert_eq!(host.text(99, 1.0), None);
}

fn an_edit_is_read_back_at_once<H: Host>() {
    for active in [false, true] {
        let mut host = H::new();
        if active {
            host.activate(44_100.0, 64);
        }
        for param in host.params().into_iter().filter(|param| !param.read_only) {
            for plain in [param.max, param.min, param.default] {
                host.edit(param.id, plain);
                assert_eq!(host.value(param.id), Some(plain), "{}", param.name);
            }
        }
    }
}

fn the_last_point_of_a_block_stands<H: Host>() {
    let mut host = ready::<H>();
    let changes = vec![(3, 0, -24.0), (3, 10, 6.0), (2, 11, 50.0), (3, 500, -3.3), (2, 501, 25.0)];
    run(&mut host, &Call { changes, ..Call::default() }, 512);
    assert_eq!((host.value(3), host.value(2)), (Some(-3.3), Some(25.0)));
    assert_eq!(host.text(3, -3.3).map(|text| text.starts_with("-3.3")), Some(true));
}

fn read_only_and_unknown_parameters_ignore_writes<H: Host>() {
    let mut host = ready_alone::<H>();
    run(&mut host, &Call::default(), 64);
    let before: Vec<_> = host.params().iter().map(|param| host.value(param.id)).collect();
    for id in [0, 19, 20, 21, 22, 23, 24, u32::MAX - 1] {
        host.edit(id, 5.0);
        run(&mut host, &Call { changes: vec![(id, 0, 5.0)], ..Call::default() }, 64);
    }
    let after: Vec<_> = host.params().iter().map(|param| host.value(param.id)).collect();
    assert_eq!(after, before);
}

fn changes_of_read_only_parameters_are_put_out_once<H: Host>() {
    let mut host = ready_alone::<H>();
    let (_, _, first) = run(&mut host, &Call { steady: Some(0), ..Call::default() }, 480);
    let ids: Vec<u32> = first.reported.iter().map(|&(id, _)| id).collect();
    assert_eq!(ids, [20, 21, 22, 23]);
    for &(id, plain) in &first.reported {
        assert!((host.value(id).expect("known") - plain).abs() < 1e-9);
    }
    let (_, _, second) = run(&mut host, &Call { steady: Some(480), ..Call::default() }, 480);
    assert_eq!(second.reported, []);
    let bypass = vec![(1, 0, 1.0)];
    let (_, _, third) = run(&mut host, &Call { steady: Some(960), changes: bypass, ..Call::default() }, 480);
    assert_eq!(third.reported.iter().map(|&(id, _)| id).collect::<Vec<_>>(), [20]);
}

fn anything_a_host_may_send_is_survived<H: Host>() {
    let host = std::cell::RefCell::new(ready::<H>());
    let params = host.borrow_mut().params();
    let any_plain = prop_oneof![any::<f64>(), -100.0..300.0_f64, Just(f64::NAN), Just(f64::INFINITY)];
    let change = (prop_oneof![0..30_u32, any::<u32>()], any::<u32>(), any_plain);
    let block = (
        proptest::collection::vec(change, 0..20),
        proptest::option::of(any::<i64>()),
        proptest::option::of(any::<i64>()),
        0..1000_usize,
        any::<(bool, bool)>(),
    );
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    runner
        .run(&block, |(changes, playing, steady, frames, (offline, in_place))| {
            let host = &mut *host.borrow_mut();
            let call = Call { offline, playing, steady, changes, in_place, ..Call::default() };
            let (input, output, answer) = run(host, &call, frames);
            prop_assert!(answer.ok && answer.allocations == 0);
            prop_assert_eq!(bits(&output), bits(&input));
            for param in &params {
                let value = host.value(param.id).expect("known");
                prop_assert!((param.min..=param.max).contains(&value), "{} is {}", param.name, value);
                prop_assert!(host.text(param.id, value).is_some());
            }
            Ok(())
        })
        .expect("survives");
    assert_ne!(host.borrow_mut().value(20), Some(12.0), "an internal error was caught");
}
