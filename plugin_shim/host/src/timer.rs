//! The control timer: what the machine itself does to a thread that only sleeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::monotonic;

/// A sleep that overran by more than this is a stall of the machine.
const STALL: Duration = Duration::from_millis(20);
/// What a stall may still disturb after it ended, in s.
const AFTERMATH: f64 = 0.25;

/// A span in which the machine did not run the timer.
#[derive(Clone, Copy, Debug)]
pub struct Stall {
    from: f64,
    to: f64,
}

impl Stall {
    /// Length in s.
    pub fn length(self) -> f64 {
        self.to - self.from
    }
}

/// A thread that sleeps 1 ms at a time and notes when it was not woken.
pub struct ControlTimer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Stall>>,
}

impl ControlTimer {
    /// Starts it.
    pub fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut stalls = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let (from, before) = (monotonic(), Instant::now());
                std::thread::sleep(Duration::from_millis(1));
                if before.elapsed() > STALL {
                    stalls.push(Stall { from, to: monotonic() });
                }
            }
            stalls
        });
        Self { stop, thread }
    }

    /// Ends it and returns its stalls, oldest first.
    pub fn stop(self) -> Vec<Stall> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// When the tracks counted values as late.
#[derive(Default)]
pub struct LateLog {
    total: u64,
    rises: Vec<(f64, u64)>,
}

impl LateLog {
    /// Notes the sum of the tracks' counters now.
    pub fn observe(&mut self, total: u64) {
        if total > self.total {
            self.rises.push((monotonic(), total - self.total));
            self.total = total;
        }
    }

    /// All late values.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Late values that no stall of the control timer explains.
    pub fn controlled(&self, stalls: &[Stall]) -> u64 {
        let explained = |at: f64| stalls.iter().any(|stall| stall.from <= at && at <= stall.to + AFTERMATH);
        self.rises.iter().filter(|(at, _)| !explained(*at)).map(|(_, count)| count).sum()
    }
}
