use std::sync::atomic::Ordering::Relaxed;

use super::*;
use crate::param_values::{Mode, ParamValues};
use crate::shared::Shared;

#[test]
fn every_value_survives_text_and_the_normalised_scale() {
    for param in &PARAMS {
        for step in 0..=param.steps() {
            let plain = param.at(f64::from(step));
            let text = param.text(plain);
            assert_eq!(param.parse(&text), Some(plain), "{}: {text}", param.name);
            assert_eq!(param.parse(&format!(" {} ", text.to_uppercase())), Some(plain), "{}", param.name);
            let normalised = param.to_normalised(plain);
            assert!((0.0..=1.0).contains(&normalised));
            assert_eq!(param.from_normalised(normalised).to_bits(), plain.to_bits(), "{}", param.name);
        }
    }
}

#[test]
fn settable_values_map_exactly_through_a_grid_of_a_thousand_and_single_precision() {
    for param in PARAMS.iter().filter(|param| !param.read_only) {
        // A tempo needs thousandths: over minutes, less would be heard. A beat needs tenths of a millisecond.
        let fine = [GROOVE_TEMPO, GROOVE_FIRST_BEAT].contains(&param.id);
        assert!(param.steps() <= 1000 || fine, "{}", param.name);
        for step in 0..=param.steps() {
            let plain = param.at(f64::from(step));
            #[allow(clippy::cast_possible_truncation)]
            let single = f64::from(param.to_normalised(plain) as f32);
            assert_eq!(param.from_normalised(single).to_bits(), plain.to_bits());
        }
    }
}

#[test]
fn texts_carry_their_unit_and_numbers_are_read_without() {
    let text = |id, plain| by_id(id).expect("declared").text(plain);
    let parse = |id, text| by_id(id).expect("declared").parse(text);
    assert_eq!(text(GAIN_OFFSET, -3.5), "-3.5 dB");
    assert_eq!(text(GAIN_OFFSET, -0.01), "0.0 dB");
    assert_eq!(text(AMOUNT, 75.0), "75 %");
    assert_eq!(text(CONTROL_DELAY, 1.0), "40 ms");
    assert_eq!(text(ROLE, 2.0), "Live source");
    assert_eq!(text(GROUP, 3.0), "3");
    assert_eq!(parse(GAIN_OFFSET, "-3.5"), Some(-3.5));
    assert_eq!(parse(GAIN_OFFSET, "-3.5db"), Some(-3.5));
    assert_eq!(parse(GAIN_OFFSET, "99 dB"), Some(24.0));
    assert_eq!(parse(CONTROL_DELAY, "200"), Some(4.0));
    assert_eq!(parse(ROLE, "ai STEM"), Some(1.0));
    for nonsense in ["", " ", "dB", "NaN", "inf", "1 2", "3 ms", "ü", "µs", "%"] {
        assert_eq!(parse(GAIN_OFFSET, nonsense), None, "{nonsense:?}");
    }
    assert_eq!(parse(CONTROL_DELAY, "30 ms"), None);
    assert_eq!(parse(ROLE, ""), None);
}

#[test]
fn ids_and_names_are_those_that_projects_have_saved() {
    let declared: Vec<_> = PARAMS.iter().map(|param| (param.id, param.name)).collect();
    let permanent = [
        (1, "bypass"),
        (2, "amount"),
        (3, "gain_offset"),
        (4, "group"),
        (5, "role"),
        (6, "mode"),
        (7, "control_delay"),
        (8, "on_loss"),
        (20, "status"),
        (21, "applied_gain"),
        (22, "late"),
        (23, "needed_delay"),
        (9, "lock"),
        (10, "dip_amount"),
        (11, "dip_budget"),
        (12, "breath_amount"),
        (13, "breath_depth"),
        (14, "staging_amount"),
        (15, "staging_level"),
        (16, "density_amount"),
        (17, "high_pass_amount"),
        (18, "overall_amount"),
        (34, "plan"),
        (35, "groove_amount"),
        (36, "groove_limit"),
        (37, "groove_constant"),
        (38, "groove_tempo"),
        (30, "room_amount"),
        (39, "learn"),
        (40, "breath_direction"),
        (41, "breath_sustained"),
        (42, "breath_fades"),
        (43, "groove_source"),
        (44, "groove_first_beat"),
    ];
    assert_eq!(declared, permanent);
}

#[test]
fn values_are_stored_on_the_grid_and_read_only_ones_not_at_all() {
    let values = ParamValues::default();
    assert!(values.set(GAIN_OFFSET, -3.17));
    assert_eq!(values.offset_db().to_bits(), (-3.2f32).to_bits());
    assert!(values.set(GAIN_OFFSET, f64::INFINITY));
    assert_eq!(values.get(GAIN_OFFSET).to_bits(), 24.0f64.to_bits());
    assert!(values.set(GAIN_OFFSET, f64::NAN));
    assert_eq!(values.get(GAIN_OFFSET).to_bits(), 0.0f64.to_bits());
    assert!(!values.set(STATUS, 3.0));
    assert!(!values.set(99, 1.0));
    assert_eq!(values.get(99).to_bits(), 0.0f64.to_bits());
}

#[test]
fn a_new_instance_is_an_unset_track_of_group_1_with_40_ms() {
    let values = ParamValues::default();
    assert!(!values.bypass() && !values.falls_back());
    assert_eq!((values.group(), values.role(), values.delay_ms()), (1, 0, 40));
    assert_eq!((values.mode(), values.amount().to_bits()), (Mode::Auto, 1.0f32.to_bits()));
    assert_eq!((values.dip_amount(), values.dip_budget_lu()), (0.0, 1.0));
    assert_eq!((values.breath_amount(), values.breath_depth_db(), values.breath_flags()), (0.0, 2.5, 0));
    assert_eq!((values.staging_amount(), values.staging_level_db()), (0.0, -18.0));
    assert_eq!((values.density_amount(), values.high_pass_amount()), (0.0, 0.0));
    assert_eq!(values.overall_amount().to_bits(), 1.0f32.to_bits());
    assert!(!values.frozen() && !values.learns());
    assert_eq!(values.room_amount().to_bits(), 0);
    assert_eq!((values.groove_source(), values.groove_first_beat_s().to_bits()), (0, 0));
}

#[test]
fn what_is_shown_stays_in_its_range() {
    let shared = Shared::default();
    let readout = &shared.readout;
    readout.late.store(u64::MAX, Relaxed);
    readout.applied_gain.store((-999.0f32).to_bits(), Relaxed);
    readout.needed_delay.store(4801, Relaxed);
    readout.rate.store(48_000, Relaxed);
    readout.status.store(6, Relaxed);
    let shown = |id| by_id(id).expect("declared").text(shared.value(id));
    assert_eq!(shown(LATE), "10000");
    assert_eq!(shown(APPLIED_GAIN), "-80.00 dB");
    assert_eq!(shown(NEEDED_DELAY), "101 ms");
    assert_eq!(shown(STATUS), "Mixing");
}
