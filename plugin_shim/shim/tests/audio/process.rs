//! Instances of one process.

use std::sync::atomic::Ordering::SeqCst;

use hybridmix_shim::params;
use hybridmix_shim::processor::Block;

use crate::rig::{RATE, Rig, playing, process};

fn position(rig: &Rig) -> i64 {
    rig.shared.readout.position.load(SeqCst)
}

#[test]
fn without_any_clock_of_the_host_instances_called_block_by_block_agree() {
    let roster = process();
    let mut rigs: Vec<Rig> = (0..4).map(|_| Rig::among(roster, RATE, 512, 2)).collect();
    let block = Block::default();
    for _ in 0..10 {
        for rig in &mut rigs {
            rig.constant(&block, 0.1, 512);
        }
        assert!(rigs.iter().all(|rig| position(rig) == position(&rigs[0])));
    }
    let mut late = Rig::among(roster, RATE, 512, 2);
    for rig in &mut rigs {
        rig.constant(&block, 0.1, 512);
    }
    late.constant(&block, 0.1, 512);
    assert_eq!(position(&late), 11 * 512);
    for rig in &mut rigs {
        rig.processor.reset();
    }
    late.processor.reset();
    for rig in &mut rigs {
        rig.constant(&block, 0.1, 512);
        assert_eq!(position(rig), 512, "all rested: it begins at 0 again");
    }
}

#[test]
fn an_instance_that_is_gone_does_not_count() {
    let roster = process();
    let mut first = Rig::among(roster, RATE, 512, 2);
    first.constant(&Block::default(), 0.1, 512);
    first.constant(&Block::default(), 0.1, 512);
    drop(first.processor);
    let mut second = Rig::among(roster, RATE, 512, 2);
    second.constant(&Block::default(), 0.1, 512);
    assert_eq!(position(&second), 512);
}

#[test]
fn the_lead_is_the_block_and_the_offset_in_a_host_that_calls_one_after_the_other() {
    let roster = process();
    let mut ahead = Rig::among(roster, RATE, 512, 2);
    let mut behind = Rig::among(roster, RATE, 512, 2);
    let mut other_group = Rig::among(roster, RATE, 512, 2);
    let mut stopped = Rig::among(roster, RATE, 512, 2);
    other_group.shared.params.set(params::GROUP, 2.0);
    stopped.constant(&playing(20_000), 0.1, 512);
    stopped.constant(&playing(20_512), 0.1, 512);
    for at in (0..48_000).step_by(512) {
        ahead.constant(&playing(at + 300), 0.1, 512);
        behind.constant(&playing(at), 0.1, 512);
        other_group.constant(&playing(at - 5000), 0.1, 512);
    }
    for rig in [&ahead, &behind] {
        assert_eq!(rig.shared.readout.lead.load(SeqCst), 812);
    }
    assert_eq!(other_group.shared.readout.lead.load(SeqCst), 0);
    assert_eq!(ahead.shared.readout.needed_delay.load(SeqCst), 3 * 512 + 300 + 12 * 48);
    ahead.shared.params.set(params::MODE, 2.0);
    ahead.shared.link.up.store(false, SeqCst);
    ahead.constant(&playing(48_128 + 300), 0.1, 512);
    assert_eq!(ahead.shared.readout.needed_delay.load(SeqCst), 812);
}

#[test]
fn a_jump_of_all_members_leaves_no_lead_behind() {
    let roster = process();
    let mut rigs: Vec<Rig> = (0..3).map(|_| Rig::among(roster, RATE, 512, 2)).collect();
    for begin in [0, 20_000, 12_000, 200_000] {
        for block in 0..8 {
            for rig in &mut rigs {
                rig.constant(&playing(begin + block * 512), 0.1, 512);
            }
        }
        assert!(rigs.iter().all(|rig| rig.shared.readout.lead.load(SeqCst) == 512), "from {begin}");
    }
}

#[test]
fn a_worker_that_runs_one_block_ahead_doubles_the_lead() {
    let roster = process();
    let mut ahead = Rig::among(roster, RATE, 512, 2);
    let mut behind = Rig::among(roster, RATE, 512, 2);
    let mut at = 0;
    for rig in [&mut ahead, &mut behind] {
        rig.constant(&playing(0), 0.1, 512);
    }
    for _ in 0..5 {
        for rig in [&mut ahead, &mut behind] {
            rig.constant(&playing(at + 512), 0.1, 512);
            rig.constant(&playing(at + 1024), 0.1, 512);
        }
        at += 1024;
    }
    assert_eq!(behind.shared.readout.lead.load(SeqCst), 1024);
}

#[test]
fn hops_are_stamped_in_the_order_in_which_they_were_pushed() {
    let roster = process();
    let mut rigs: Vec<Rig> = (0..3).map(|_| Rig::among(roster, RATE, 512, 2)).collect();
    let mut stamps = Vec::new();
    for at in (0..4800).step_by(480) {
        for rig in &mut rigs {
            rig.constant(&playing(at), 0.1, 480);
            stamps.extend(rig.take().into_iter().map(|(hop, _)| hop.stamp));
        }
    }
    assert!(stamps.is_sorted_by(|a, b| a < b));
}
