use wire::flags;

use super::*;
use crate::queue::tests::{announcement, hop};

/// A queue of entries pushed at `stamps`: announcements where `announces`, else hops.
fn queue(entries: &[(u64, bool)]) -> Queue {
    let mut queue = Queue::default();
    for &(stamp, announces) in entries {
        let entry = if announces { announcement(1) } else { hop(1, 0, flags::SYNC) };
        queue.push(crate::shared::Hop { stamp, ..entry }, (&[], &[]));
    }
    queue
}

#[test]
fn no_run_is_announced_before_what_was_pushed_earlier_in_another_instance() {
    // One begins to play at once; the other still has hops and the announcement of its rest, and then plays too.
    let plays = queue(&[(5, true), (6, false)]);
    let mut rests = queue(&[(1, false), (2, true), (3, false), (8, true)]);
    let turn = |rests: &Queue| to_announce([&plays, rests].into_iter());
    assert_eq!(turn(&rests), None);
    rests.sent(1);
    assert_eq!(turn(&rests), Some(1));
    rests.sent(1);
    assert_eq!(turn(&rests), None);
    rests.sent(1);
    assert_eq!(turn(&rests), Some(0));
}

#[test]
fn hops_alone_announce_nothing() {
    assert_eq!(to_announce([&queue(&[(1, false)]), &Queue::default()].into_iter()), None);
}
