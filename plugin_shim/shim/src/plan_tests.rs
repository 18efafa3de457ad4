use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Two frames of -6 dB, one of -7 dB, then 0 dB: differences -600, 0, -100, 700.
const TABLE: &str = "rwkAAMcB+Ao=";

fn example() -> Value {
    json!({
        "begin": -2, "frames": 4, "version": 1,
        "level": {"data": TABLE, "per": 20},
        "values": {"gain_db": {"data": TABLE, "per": 100}, "unheard_of": {"data": TABLE, "per": 1}},
    })
}

fn plan(value: &Value) -> Result<Plan, String> {
    Plan::unpack(serde_json::from_value(value.clone()).expect("of its shape"))
}

fn targets(values: &[i32], name: &str, per: u32) -> Vec<f64> {
    let column = Column::new(&PARAMETERS[index_of_name(name).unwrap()], per, values);
    (0..values.len()).map(|index| column.target(index)).collect()
}

#[test]
fn tables_are_read_as_they_were_packed() {
    let plan = plan(&example()).unwrap();
    assert_eq!((plan.begin, plan.frames(), plan.levels.as_slice()), (-2, 4, &[-600, -600, -700, 0][..]));
    let column = &plan.columns[0];
    assert_eq!((plan.columns.len(), column.id, column.apart), (1, 1, 1));
    // The gain moves by 2.4 dB in a frame at most, and a plan cannot make it faster.
    let values: Vec<f64> = (0..4).map(|index| column.target(index)).collect();
    assert_eq!(values, [-6.0, -6.0, -7.0, -4.61]);
}

#[test]
fn what_this_release_does_not_know_is_kept_for_those_who_save() {
    let desk = Desk::default();
    desk.replace(Some(plan(&example()).unwrap()));
    assert_eq!(serde_json::to_value(desk.saved()).unwrap(), example());
}

#[test]
fn what_cannot_be_played_is_refused_with_a_sentence() {
    for (path, value, sentence) in [
        ("/version", json!(2), "its plan has version 2, this plugin reads up to 1"),
        ("/frames", json!(0), "its plan has 0 frames; expected 1 to 144000"),
        ("/frames", json!(144_001), "its plan has 144001 frames; expected 1 to 144000"),
        ("/frames", json!(3), "its plan's level has more than 3 frames"),
        ("/frames", json!(5), "its plan's level has 4 frames; expected 5"),
        (
            "/begin",
            json!(i64::MIN + 1),
            "its plan begins at frame -9223372036854775807, beyond every position",
        ),
        ("/level/per", json!(0), "its plan's level has 0 steps per unit; expected 1 to 1000000"),
        ("/values/gain_db/data", json!("rwkAAMcB+Ao"), "its plan's gain_db is no base64"),
        ("/values/gain_db/data", json!("rwk*"), "its plan's gain_db is no base64"),
        ("/values/gain_db/data", json!("rwkA"), "its plan's gain_db is cut off"),
        ("/values/gain_db/data", json!("rw=="), "its plan's gain_db is cut off"),
        ("/values/gain_db/data", json!("////fw=="), "its plan's gain_db leaves its range at frame 0"),
    ] {
        let mut broken = example();
        *broken.pointer_mut(path).unwrap() = value;
        assert_eq!(plan(&broken).unwrap_err(), sentence);
    }
}

#[test]
fn fades_have_five_points_per_frame_from_the_first_on() {
    let mut value = example();
    assert!(plan(&value).unwrap().fades.is_none());
    value["frames"] = json!(1);
    value["level"] = json!({"data": "AAA=", "per": 1});
    value["values"] = json!({});
    // 0, -300, -2000, 0 and 0: beyond -12 dB nothing fades.
    value["fades"] = json!({"data": "AADXBMcaoB8AAA==", "per": 100});
    let read = plan(&value).unwrap();
    assert_eq!(read.fades, Some(Fades::new(-10, vec![0.0, -3.0, -12.0, 0.0, 0.0])));
    let desk = Desk::default();
    desk.replace(Some(read));
    assert_eq!(serde_json::to_value(desk.saved()).unwrap(), value);
    value["frames"] = json!(2);
    value["level"] = json!({"data": "AAE=", "per": 1});
    assert_eq!(plan(&value).unwrap_err(), "its plan's fades has 5 frames; expected 10");
}

#[test]
fn values_outside_their_range_are_taken_at_its_end() {
    assert_eq!(targets(&[-100_000], "dip_db", 100), [-12.0]);
    assert_eq!(targets(&[100_000], "gain_db", 100), [36.0]);
}

#[test]
fn a_move_is_over_before_the_next_one_begins() {
    // 200 Hz/s: just below 10 Hz in a frame.
    assert_eq!(targets(&[2800, 3000, 3000, 3000], "dip_hz", 10), [280.0, 289.9, 299.8, 300.0]);
    // Steps that are too coarse for one frame wait for the next that is fine enough.
    assert_eq!(targets(&[280, 281, 282, 283], "dip_hz", 1)[3], 283.0);
    let slow = Parameter { ramp_ms: 120.0, slew_per_s: 10.0, ..PARAMETERS[0] };
    let column = Column::new(&slow, 10, &[0, 10, 20, 30, 30, 30, 30]);
    let values: Vec<f64> = (0..7).map(|index| column.target(index)).collect();
    assert_eq!(values, [0.0, 1.0, 1.0, 1.0, 2.4, 2.4, 2.4]);
    assert_eq!(column.apart, 3);
}

#[test]
fn audio_never_lets_go_of_a_plan_last() {
    let desk = Desk::default();
    let mut seen = 0;
    assert!(desk.newer(&mut seen).is_none());
    desk.replace(Some(plan(&example()).unwrap()));
    let held = desk.newer(&mut seen).unwrap().unwrap();
    assert!(desk.newer(&mut seen).is_none());
    desk.replace(None);
    assert_eq!(Arc::strong_count(&held), 2);
    assert!(desk.newer(&mut seen).unwrap().is_none());
    drop(held);
    desk.replace(None);
    assert!(desk.shelf.lock().unwrap().before.is_empty());
}

proptest! {
    #[test]
    fn no_table_makes_reading_panic(data in "[A-Za-z0-9+/]{0,60}={0,2}", frames in 1_u32..80) {
        if let Ok(values) = unpacked(&Series { data, per: 1 }, frames) {
            prop_assert_eq!(values.len(), frames as usize);
        }
    }

    #[test]
    fn every_move_of_every_parameter_ends_within_its_frames(
        values in prop::collection::vec(-100_000..100_000, 1..60), index in 0..PARAMETERS.len(), per in 1_u32..2000,
    ) {
        let parameter = &PARAMETERS[index];
        let pace = dsp::Pace {
            ramp_ms: f64::from(parameter.ramp_ms), slew_per_s: f64::from(parameter.slew_per_s),
        };
        let column = Column::new(parameter, per, &values);
        for rate in [44_100, 48_000, 192_000] {
            let mut before = i64::MIN;
            for index in 1..values.len() {
                if column.moves(index) {
                    let begin = i64::try_from(index).unwrap() * i64::from(rate / 20);
                    prop_assert!(begin >= before);
                    before = begin + pace.samples(column.target(index) - column.target(index - 1), rate);
                }
            }
        }
    }
}
