//! Learn: the service is told that what is played is to become a plan, and the host what becomes of that.

use std::sync::atomic::Ordering::Relaxed;

use hybridmix_shim::params::{LEARN, PLAN};
use wire::{flags, status};

use crate::rig::{Rig, playing};

/// Plays a second from sample `begin` on and answers every frame; returns whether hops said that the user learns.
fn play(rig: &mut Rig, begin: i64) -> Vec<bool> {
    let mut said = Vec::new();
    for block in 0..100 {
        rig.constant(&playing(begin + block * 480), 0.1, 480);
        said.extend(rig.serve(|_| 0.0).iter().map(|(hop, _)| hop.flags & flags::LEARNS != 0));
    }
    said
}

#[test]
fn hops_say_it_while_it_is_on_and_a_plan_is_not_played_meanwhile() {
    let mut rig = Rig::plain();
    assert!(play(&mut rig, 0).iter().all(|&learns| !learns));
    assert_eq!(rig.status(), status::MIXING);
    rig.shared.params.set(LEARN, 1.0);
    rig.shared.params.set(PLAN, 1.0);
    assert!(play(&mut rig, 48_000).iter().all(|&learns| learns));
    assert_eq!(rig.status(), status::LEARN_READY);
    rig.shared.params.set(LEARN, 0.0);
    assert!(play(&mut rig, 96_000).iter().all(|&learns| !learns));
    assert_eq!(rig.status(), status::PLAN_MISSING);
}

#[test]
fn what_becomes_of_a_pass_is_shown_until_the_next_start_without_learn() {
    let mut rig = Rig::plain();
    rig.shared.params.set(LEARN, 1.0);
    play(&mut rig, 0);
    for state in [status::LEARNING, status::PLANNING, status::PLAN_READY] {
        rig.shared.link.learning.store(state, Relaxed);
        play(&mut rig, 48_000);
        assert_eq!(rig.status(), state);
    }
    rig.shared.params.set(LEARN, 0.0);
    play(&mut rig, 96_000);
    assert_eq!(rig.status(), status::PLAN_READY);
    rig.processor.reset();
    play(&mut rig, 0);
    assert_eq!(rig.status(), status::MIXING);
}
