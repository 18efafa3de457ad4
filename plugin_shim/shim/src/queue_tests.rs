use proptest::prelude::*;

use super::*;

pub(crate) fn hop(run: u32, index: i64, flags: u32) -> Hop {
    Hop {
        stamp: 0,
        run,
        flags,
        position: index * 480,
        frames: 480,
        beat: 0.0,
        tempo: 0.0,
        group: 1,
        role: 0,
        delay: 1920,
        lead: 0,
        amount: 1.0,
        offset_db: 0.0,
        dip_amount: 0.0,
        dip_budget_lu: 1.0,
        breath_amount: 0.0,
        breath_depth_db: 2.5,
        staging_amount: 0.0,
        staging_level_db: -18.0,
        density_amount: 0.0,
        high_pass_amount: 0.0,
        groove_amount: 0.5,
        groove_limit_ms: 0.5,
        groove_constant_ms: 0.5,
        room_amount: 0.0,
        start: Default::default(),
    }
}

pub(crate) fn announcement(run: u32) -> Hop {
    Hop { frames: 0, ..hop(run, 0, flags::RUN_BEGIN) }
}

/// Mono samples that tell the hop they belong to.
fn push(queue: &mut Queue, hop: Hop) -> u64 {
    #[allow(clippy::cast_precision_loss)]
    let value = hop.position as f32;
    let count = usize::try_from(hop.frames).unwrap();
    queue.push(hop, (&vec![value; count], &[]))
}

fn drain(queue: &mut Queue) -> Vec<Hop> {
    let mut planar = Vec::new();
    let mut all = Vec::new();
    while let Some((hop, count)) = queue.next(1, i64::MAX, &mut planar) {
        assert_eq!(planar.len(), usize::try_from(hop.frames).unwrap());
        all.push(hop);
        queue.sent(count);
    }
    all
}

#[test]
fn hops_travel_in_order_behind_the_announcement_of_their_run() {
    let mut queue = Queue::default();
    push(&mut queue, announcement(1));
    (0..3).for_each(|index| assert_eq!(push(&mut queue, hop(1, index, 0)), 0));
    let sent: Vec<_> = drain(&mut queue).iter().map(|hop| (hop.position, hop.frames)).collect();
    assert_eq!(sent, [(0, 0), (0, 1440)]);
    assert!(queue.is_empty());
}

#[test]
fn a_queue_is_a_renders_while_its_oldest_entry_is() {
    assert!(!Queue::default().renders());
    for (bits, renders) in [(0, false), (flags::SYNC, true)] {
        let mut queue = Queue::default();
        push(&mut queue, hop(1, 0, bits));
        assert_eq!(queue.renders(), renders);
    }
}

#[test]
fn only_hops_that_end_in_time_travel() {
    let mut queue = Queue::default();
    (0..3).for_each(|index| assert_eq!(push(&mut queue, hop(1, index, 0)), 0));
    let mut planar = Vec::new();
    assert_eq!(queue.end(), Some(1440));
    assert_eq!(queue.next(1, 479, &mut planar), None);
    assert_eq!(queue.next(1, 1000, &mut planar).map(|(hop, count)| (hop.frames, count)), Some((960, 2)));
}

#[test]
fn hops_that_are_ready_travel_as_one_planar_block() {
    let mut queue = Queue::default();
    for index in 0..3 {
        queue.push(hop(1, index, flags::SYNC), (&[1.0; 480], &[2.0; 480]));
    }
    let mut planar = Vec::new();
    let (block, count) = queue.next(2, i64::MAX, &mut planar).unwrap();
    assert_eq!((block.frames, count, planar.len()), (1440, 3, 2880));
    assert!(planar[..1440].iter().all(|s| *s == 1.0) && planar[1440..].iter().all(|s| *s == 2.0));
}

#[test]
fn a_block_ends_where_the_receiver_must_see_a_difference() {
    let sync = flags::SYNC;
    let differing = [
        hop(2, 1, sync),
        hop(1, 2, sync),
        hop(1, 1, 0),
        hop(1, 1, sync | flags::GAP),
        hop(1, 1, sync | flags::RUN_BEGIN),
        hop(1, 1, sync | flags::BYPASSED),
        Hop { amount: 0.5, ..hop(1, 1, sync) },
        Hop { dip_amount: 0.5, ..hop(1, 1, sync) },
        Hop { dip_budget_lu: 2.0, ..hop(1, 1, sync) },
        Hop { breath_amount: 0.5, ..hop(1, 1, sync) },
        Hop { breath_depth_db: 4.0, ..hop(1, 1, sync) },
        Hop { staging_amount: 0.5, ..hop(1, 1, sync) },
        Hop { staging_level_db: -20.0, ..hop(1, 1, sync) },
        Hop { density_amount: 0.5, ..hop(1, 1, sync) },
        Hop { high_pass_amount: 0.5, ..hop(1, 1, sync) },
        Hop { groove_amount: 0.7, ..hop(1, 1, sync) },
        Hop { groove_limit_ms: 4.0, ..hop(1, 1, sync) },
        Hop { groove_constant_ms: 4.0, ..hop(1, 1, sync) },
        Hop { room_amount: 0.5, ..hop(1, 1, sync) },
        Hop { group: 2, ..hop(1, 1, sync) },
        announcement(2),
    ];
    for next in differing {
        let mut queue = Queue::default();
        push(&mut queue, hop(1, 0, sync));
        push(&mut queue, next);
        assert_eq!(drain(&mut queue).len(), 2, "{next:?}");
    }
}

#[test]
fn a_block_holds_at_most_64_hops_and_keeps_the_zeroed_mark() {
    let mut queue = Queue::default();
    for index in 0..100 {
        push(&mut queue, hop(1, index, flags::SYNC | if index == 7 { flags::ZEROED } else { 0 }));
    }
    let sent = drain(&mut queue);
    assert_eq!(sent.iter().map(|hop| hop.frames / 480).collect::<Vec<_>>(), [64, 36]);
    assert_eq!(sent.iter().map(|hop| hop.flags & flags::ZEROED != 0).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn live_drops_the_oldest_keeps_the_announcement_and_marks_the_gap() {
    let mut queue = Queue::default();
    push(&mut queue, announcement(1));
    let dropped: u64 = (0..60).map(|index| push(&mut queue, hop(1, index, 0))).sum();
    let sent = drain(&mut queue);
    assert_eq!((dropped, sent.len(), sent[0].frames), (10, 2, 0));
    let gapped = (sent[1].position, sent[1].frames, sent[1].flags & flags::GAP != 0);
    assert_eq!(gapped, (10 * 480, 50 * 480, true));
}

#[test]
fn runs_of_which_nothing_is_left_vanish() {
    let mut queue = Queue::default();
    for run in 0..200 {
        push(&mut queue, announcement(run));
        push(&mut queue, hop(run, 0, 0));
    }
    let sent = drain(&mut queue);
    assert_eq!(sent.len(), 100);
    assert_eq!((sent[0].run, sent[0].frames, sent[1].run), (150, 0, 150));
}

#[test]
fn announcements_alone_do_not_fill_the_queue() {
    let mut queue = Queue::default();
    (0..5000).for_each(|run| assert_eq!(push(&mut queue, announcement(run)), 0));
    let sent = drain(&mut queue);
    assert!(sent.len() <= LIVE_HOPS && sent.last().unwrap().run == 4999, "{}", sent.len());
}

#[test]
fn sync_keeps_ten_seconds() {
    let mut queue = Queue::default();
    let dropped: u64 = (0..1001).map(|index| push(&mut queue, hop(1, index, flags::SYNC))).sum();
    assert_eq!(dropped, 1);
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Begin,
    Push,
    Send,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![1 => Just(Act::Begin), 20 => Just(Act::Push), 8 => Just(Act::Send)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_leaves_is_in_order_announced_and_marked_exactly_where_something_is_missing(
        sync in any::<bool>(),
        acts in prop::collection::vec(act(), 0..1500),
    ) {
        let flags = if sync { flags::SYNC } else { 0 };
        let mut queue = Queue::default();
        let (mut run, mut index, mut pushed, mut dropped) = (0, 0, 0, 0);
        let mut sent = Vec::new();
        let mut planar = Vec::new();
        push(&mut queue, announcement(run));
        for act in acts {
            match act {
                Act::Begin => {
                    (run, index) = (run + 1, 0);
                    dropped += push(&mut queue, announcement(run));
                }
                Act::Push => {
                    dropped += push(&mut queue, hop(run, index, flags));
                    (index, pushed) = (index + 1, pushed + 1);
                }
                Act::Send => {
                    if let Some((block, count)) = queue.next(1, i64::MAX, &mut planar) {
                        sent.push(block);
                        queue.sent(count);
                    }
                }
            }
        }
        sent.extend(drain(&mut queue));
        let left: u64 = sent.iter().map(|block| u64::from(block.frames / 480)).sum();
        prop_assert_eq!(left + dropped, pushed);
        let (mut now, mut next) = (None, 0);
        for block in sent {
            if block.frames == 0 {
                prop_assert!(now.is_none_or(|run| run < block.run));
                (now, next) = (Some(block.run), 0);
                continue;
            }
            prop_assert_eq!(now, Some(block.run), "its run was announced");
            prop_assert!(block.position >= next);
            prop_assert_eq!(block.flags & flags::GAP != 0, block.position != next);
            next = block.position + i64::from(block.frames);
        }
    }
}
