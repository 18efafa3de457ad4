//! Bursts: a host calls one track after the other, and one message for all of them is answered sooner than several.

use std::time::{Duration, Instant};

use wire::Header;

use crate::member::Member;

/// So long live hops wait for those of the other tracks.
const LIVE_HOLD: Duration = Duration::from_micros(400);
/// A render's wait for as long, since nobody needs them before the frames that are under way.
const RENDER_HOLD: Duration = Duration::from_millis(5);

/// What may go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// Nothing: there is nothing, or the rest of the burst is still to come.
    Nothing,
    /// As far as all have come; then ask again.
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
}

impl Burst {
    /// What of the hops of `members` may go out; `waits` are the frames that audio waits for.
    pub fn go(&mut self, members: &[Member], waits: &[Option<Header>], now: Instant) -> Go {
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

/// Whether the answer to `wait` needs hops that were not sent.
fn lacks(members: &[Member], wait: &Header) -> bool {
    members.iter().any(|member| member.is_joined() && member.sent_to() < wait.position)
}
