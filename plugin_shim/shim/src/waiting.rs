//! The one place where audio waits: a Sync render that needs values for the block at hand.

use std::sync::PoisonError;
use std::sync::atomic::{Ordering::SeqCst, fence};
use std::time::{Duration, Instant};

use crate::shared::Shared;

/// Longest wait. Something has to be badly broken for this: the service masks members that do not come.
pub const BACKSTOP: Duration = Duration::from_secs(10);

/// What a lost wake-up would cost.
const GLANCE: Duration = Duration::from_millis(20);

/// Waits for the answer to the frame that ends at `end` of `run`: until `arrived` says so.
/// False when the connection closed or `backstop` passed before.
pub fn wait(
    shared: &Shared,
    run: u32,
    end: i64,
    backstop: Duration,
    mut arrived: impl FnMut() -> bool,
) -> bool {
    let gate = &shared.gate;
    gate.need_run.store(run, SeqCst);
    gate.need_end.store(end, SeqCst);
    gate.waiting.store(true, SeqCst);
    // Pairs with the bridge, which pushes values and then looks whether anybody waits.
    fence(SeqCst);
    gate.wake_bridge();
    let deadline = Instant::now() + backstop;
    let mut guard = gate.lock.lock().unwrap_or_else(PoisonError::into_inner);
    let came = loop {
        if arrived() {
            break true;
        }
        if !shared.link.up.load(SeqCst) || Instant::now() >= deadline {
            break false;
        }
        guard = gate.arrived.wait_timeout(guard, GLANCE).unwrap_or_else(PoisonError::into_inner).0;
    };
    drop(guard);
    gate.waiting.store(false, SeqCst);
    came
}
