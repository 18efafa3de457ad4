use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::params::{AMOUNT, GAIN_OFFSET, GROUP};

fn instance() -> Shared {
    let shared = Shared::default();
    shared.identity.lock().unwrap().instance = Uuid::from_u128(0x11);
    shared
}

fn example() -> Value {
    json!({
        "format": "hybridmix-state", "version": 1, "instance": Uuid::from_u128(5), "session": null, "label": "Bass",
        "params": {"amount": 50.0, "group": 3.0}, "start": {"gain_db": -3.5, "trim_db": -1.0},
    })
}

fn refusal(shared: &Shared, state: &Value) -> String {
    load(shared, state.to_string().as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_state_comes_back_as_it_was_saved() {
    let shared = instance();
    load(&shared, example().to_string().as_bytes()).unwrap();
    let copy = instance();
    load(&copy, &save(&shared)).unwrap();
    assert_eq!(save(&copy), save(&shared));
    assert_eq!(*copy.identity.lock().unwrap(), *shared.identity.lock().unwrap());
    assert_eq!((copy.params.get(AMOUNT), copy.params.get(GROUP)), (50.0, 3.0));
    assert_eq!(copy.start_values()[..3], [Some(-3.5), Some(-1.0), None]);
    assert!(copy.start_values()[3..].iter().all(Option::is_none));
}

#[test]
fn a_preset_sets_what_it_names_and_leaves_who_the_instance_is() {
    let shared = instance();
    load(&shared, example().to_string().as_bytes()).unwrap();
    let params = json!({"gain_offset": -99.0, "status": 3.0, "unheard_of": 1.0});
    let preset = json!({"format": "hybridmix-preset", "version": 1, "params": params});
    load(&shared, preset.to_string().as_bytes()).unwrap();
    let values = [AMOUNT, GROUP, GAIN_OFFSET].map(|id| shared.params.get(id));
    assert_eq!(values, [50.0, 3.0, -24.0]);
    let identity = shared.identity.lock().unwrap().clone();
    assert_eq!((identity.instance, identity.label.as_str()), (Uuid::from_u128(5), "Bass"));
    assert_eq!(shared.start_values()[..2], [Some(-3.5), Some(-1.0)]);
}

#[test]
fn a_preset_of_another_shape_is_refused() {
    let shared = instance();
    let preset = json!({"format": "hybridmix-preset", "version": 1, "params": {"amount": "all"}});
    assert!(refusal(&shared, &preset).starts_with("saved state of"));
    let newer = json!({"format": "hybridmix-preset", "version": 2, "params": {}});
    assert!(refusal(&shared, &newer).contains("has version 2"));
}

#[test]
fn loading_tells_the_bridge_that_the_identity_changed() {
    let shared = instance();
    load(&shared, example().to_string().as_bytes()).unwrap();
    assert_eq!(shared.identity_version.load(Ordering::Relaxed), 1);
    assert_eq!(shared.identity.lock().unwrap().instance, Uuid::from_u128(5));
}

#[test]
fn keys_are_sorted_so_that_equal_states_are_equal_bytes() {
    let text = String::from_utf8(save(&instance())).unwrap();
    let saved: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(saved.to_string(), text, "serde_json's own maps are sorted");
}

#[test]
fn values_outside_their_range_are_taken_at_its_end() {
    let shared = instance();
    let mut state = example();
    state["params"] = json!({"gain_offset": 1e9, "amount": -5.0, "status": 3.0, "unheard_of": 1.0});
    state["start"] = json!({"gain_db": -1e30, "unheard_of": 2.0});
    load(&shared, state.to_string().as_bytes()).unwrap();
    assert_eq!((shared.params.get(GAIN_OFFSET), shared.params.get(AMOUNT)), (24.0, 0.0));
    let again: Value = serde_json::from_slice(&save(&shared)).unwrap();
    assert_eq!(again["start"], json!({"gain_db": -80.0}));
    assert_eq!(again["params"].get("status").or(again["params"].get("unheard_of")), None);
}

#[test]
fn settings_that_a_state_does_not_name_get_their_default() {
    let shared = instance();
    shared.params.set(AMOUNT, 10.0);
    let mut state = example();
    state["params"] = json!({});
    load(&shared, state.to_string().as_bytes()).unwrap();
    assert_eq!(shared.params.get(AMOUNT), 100.0);
}

#[test]
fn a_refused_state_changes_nothing() {
    let shared = instance();
    shared.params.set(AMOUNT, 10.0);
    let before = save(&shared);
    let mut states = vec![json!([]), json!({"format": "hybridmix-state"})];
    for (key, value) in [
        ("format", json!("other")),
        ("instance", json!(Uuid::nil())),
        ("instance", json!("x")),
        ("session", json!(Uuid::nil())),
        ("label", json!("x".repeat(257))),
        ("params", json!({"amount": "loud"})),
        ("start", json!({"gain_db": 1e300})),
        ("version", json!(-1)),
    ] {
        let mut state = example();
        state[key] = value;
        states.push(state);
    }
    for state in states {
        assert!(refusal(&shared, &state).contains("is no HybridMix state"), "{state}");
    }
    assert_eq!(
        load(&shared, b"").unwrap_err().to_string().split(':').next(),
        Some("saved state of 0 bytes is no HybridMix state")
    );
    assert!(load(&shared, &[save(&shared), b"x".to_vec()].concat()).is_err());
    assert_eq!(save(&shared), before);
    assert_eq!(shared.identity_version.load(Ordering::Relaxed), 0);
}

#[test]
fn a_state_of_a_later_version_is_refused_with_a_sentence() {
    let mut state = example();
    state["version"] = json!(2);
    state["params"] = json!("of another shape");
    assert_eq!(
        refusal(&instance(), &state),
        "saved state has version 2, this plugin reads up to 1; install the newer plugin"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_loading_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(load(&instance(), &bytes).is_err());
    }

    #[test]
    fn a_damaged_state_is_refused_or_loads_within_range(at in 0_usize..250, byte in any::<u8>()) {
        let shared = instance();
        let mut bytes = save(&shared);
        let at = at % bytes.len();
        bytes[at] = byte;
        if load(&shared, &bytes).is_ok() {
            for param in PARAMS.iter().filter(|param| !param.read_only) {
                prop_assert!((param.min..=param.max).contains(&shared.params.get(param.id)));
            }
        }
    }

    #[test]
    fn every_setting_survives(values in prop::collection::vec(-300.0_f64..300.0, PARAMS.len())) {
        let shared = instance();
        for (param, value) in PARAMS.iter().zip(&values) {
            shared.params.set(param.id, *value);
        }
        let copy = instance();
        load(&copy, &save(&shared)).unwrap();
        for param in &PARAMS {
            prop_assert_eq!(copy.params.get(param.id), shared.params.get(param.id));
        }
    }
}
