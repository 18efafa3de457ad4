//! The one place where audio waits: a Sync render that needs values for the block at hand.

use std::sync::PoisonError;
use std::sync::atomic::{Ordering::SeqCst, fence};
use std::time::{Duration, Instant};

use crate::shared::Shared;

/// Longest wait. Something has to be badly broken for this: the service masks members that do not come.
pub const BACKSTOP: Duration = Duration::from_secs(10);

/// What a lost wake-up would cost.
const GLANCE: Duration = Duration::from_millis(20);

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The values are there.
    Arrived,
    /// The service does not know the instance any more: its connection closed, or it registers anew.
    Closed,
    /// The connection stands and nothing came.
    Silent,
}

/// Waits for the answer to the frame that ends at `end` of `run`: until `arrived` says so, the connection
/// closes, or `backstop` has passed. `joined` is the registration under which the frame was sent: what a
/// registration did not answer, the next one never will, however quickly it came.
pub fn wait(
    shared: &Shared,
    run: u32,
    end: i64,
    joined: u32,
    backstop: Duration,
    mut arrived: impl FnMut() -> bool,
) -> Ended {
    let gate = &shared.gate;
    gate.need_run.store(run, SeqCst);
    gate.need_end.store(end, SeqCst);
    gate.waiting.store(true, SeqCst);
    // Pairs with the bridge, which pushes values and then looks whether anybody waits.
    fence(SeqCst);
    gate.wake_bridge();
    let deadline = Instant::now() + backstop;
    let mut guard = gate.lock.lock().unwrap_or_else(PoisonError::into_inner);
    let ended = loop {
        if arrived() {
            break Ended::Arrived;
        }
        if !shared.link.up.load(SeqCst) || shared.link.joined.load(SeqCst) != joined {
            break Ended::Closed;
        }
        if Instant::now() >= deadline {
            break Ended::Silent;
        }
        guard = gate.arrived.wait_timeout(guard, GLANCE).unwrap_or_else(PoisonError::into_inner).0;
    };
    drop(guard);
    gate.waiting.store(false, SeqCst);
    ended
}
