//! Bursts: a host calls one track after the other, and one message for all of them is answered sooner than several.
//!
//! A run is announced after everything that was pushed before it, in whatever instance: the service tells by how far
//! the others have come where it belongs. Hops of different instances may overtake each other.

use std::time::{Duration, Instant};

use wire::Header;

use crate::connection::Connection;
use crate::link::Sent;
use crate::member::Member;
use crate::queue::Queue;

/// So long live hops wait for those of the other tracks.
const LIVE_HOLD: Duration = Duration::from_micros(400);
/// A render's wait for as long, since nobody needs them before the frames that are under way.
const RENDER_HOLD: Duration = Duration::from_millis(5);

/// What may go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Go {
    /// Nothing: there is nothing, or the rest of the burst is still to come.
    Nothing,
    /// As far as all have come, so that BLOCKs come out equally long; then ask again.
    Whole,
    /// Everything.
    All,
}

/// What is known of the bursts of this process.
#[derive(Debug, Default)]
pub struct Burst {
    /// Instances whose hops came together last.
    size: usize,
    /// Since when hops wait for the rest of theirs.
    since: Option<Instant>,
    /// The last hops were a render's.
    pub renders: bool,
    planar: Vec<f32>,
    payload: Vec<u8>,
}

impl Burst {
    /// Sends what is due of `members`, as far as credit allows, in as few messages as the limits allow; `waits` are
    /// the frames that audio waits for.
    pub fn send(
        &mut self,
        members: &mut [Member],
        connection: &mut Connection,
        waits: &[Option<Header>],
        now: Instant,
    ) {
        loop {
            let go = self.go(members, waits, now);
            // Up to where the first of them end.
            let sent = go != Go::Nothing && {
                let announced = self.announce(members, connection);
                let until = members.iter().filter_map(|member| member.queue.end()).min();
                until.is_some_and(|until| self.send_round(members, connection, until)) || announced
            };
            while go == Go::All
                && (self.announce(members, connection) | self.send_round(members, connection, i64::MAX))
            {
            }
            if !sent {
                break;
            }
        }
        connection.send_blocks();
    }

    /// Announces the runs whose turn it is; whether there were any.
    fn announce(&mut self, members: &mut [Member], connection: &mut Connection) -> bool {
        let mut any = false;
        while let Some(index) = to_announce(members.iter().map(|member| &member.queue)) {
            if !self.send_block(&mut members[index], connection, i64::MAX) {
                break;
            }
            any = true;
        }
        any
    }

    /// Sends a BLOCK of each instance that has hops up to `until`, oldest first; whether there were any.
    fn send_round(&mut self, members: &mut [Member], connection: &mut Connection, until: i64) -> bool {
        let mut ready: Vec<_> = members.iter_mut().filter(|member| !member.queue.announces()).collect();
        ready.sort_by_key(|member| member.queue.first_stamp());
        ready.into_iter().fold(false, |any, member| self.send_block(member, connection, until) | any)
    }

    /// Sends what waits of `member` up to position `until`, as one BLOCK; whether there was any, and credit.
    fn send_block(&mut self, member: &mut Member, connection: &mut Connection, until: i64) -> bool {
        let next = member.next_block(until, &mut self.planar, &mut self.payload);
        let Some((header, taken)) = next.filter(|_| connection.has_credit(member.handle)) else {
            return false;
        };
        match connection.add_block(member.handle, header, &self.payload) {
            Sent::Yes => member.note_sent(&header, Instant::now()),
            Sent::Later => return false,
            Sent::Never => {}
        }
        member.queue.sent(taken);
        true
    }

    /// What of the hops of `members` may go out.
    fn go(&mut self, members: &[Member], waits: &[Option<Header>], now: Instant) -> Go {
        let here = members.iter().filter(|member| !member.queue.is_empty()).count();
        if here == 0 {
            self.since = None;
            return Go::Nothing;
        }
        self.renders = members.iter().any(|member| member.queue.renders());
        let hold = if self.renders { RENDER_HOLD } else { LIVE_HOLD };
        let late = now.duration_since(*self.since.get_or_insert(now)) >= hold;
        if late || here >= self.size {
            (self.size, self.since) = (here, None);
        } else if !waits.iter().flatten().any(|wait| lacks(members, wait)) {
            return Go::Nothing;
        }
        if self.renders && !late { Go::Whole } else { Go::All }
    }

    /// Whether hops wait for the rest of theirs.
    pub fn holds(&self) -> bool {
        self.since.is_some()
    }
}

/// Which of `queues` announces its run next; none while hops that were pushed before wait in another.
fn to_announce<'a>(queues: impl Iterator<Item = &'a Queue>) -> Option<usize> {
    let waiting = queues.enumerate().filter_map(|(index, queue)| Some((queue.first_stamp()?, index, queue)));
    let (_, index, queue) = waiting.min_by_key(|&(stamp, ..)| stamp)?;
    queue.announces().then_some(index)
}

/// Whether the answer to `wait` needs hops that were not sent.
fn lacks(members: &[Member], wait: &Header) -> bool {
    members.iter().any(|member| member.is_joined() && member.sent_to() < wait.position)
}

#[cfg(test)]
#[path = "burst_tests.rs"]
mod tests;
