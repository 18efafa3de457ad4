//! Waking the bridge thread wherever it rests: parked without a connection, or polling one.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

/// Wakes a poll from any thread.
pub type Waker = Box<dyn Fn() + Send>;

#[derive(Default)]
struct Wires {
    thread: Option<Thread>,
    poll: Option<Waker>,
}

/// Rung by anyone, heard by one bridge thread. A ring while it is awake makes its next rest return at once.
#[derive(Default)]
pub struct Doorbell(Mutex<Wires>);

impl Doorbell {
    /// Wakes the bridge thread. Locks and calls the system: audio only where it waits anyway.
    pub fn ring(&self) {
        let wires = self.wires();
        if let Some(wake) = &wires.poll {
            wake();
        }
        if let Some(thread) = &wires.thread {
            thread.unpark();
        }
    }

    /// Bridge: the current thread is the one to wake.
    pub fn listen(&self) {
        self.wires().thread = Some(std::thread::current());
    }

    /// Bridge: it rests in the poll that `waker` interrupts, or in none.
    pub fn connect(&self, waker: Option<Waker>) {
        self.wires().poll = waker;
    }

    fn wires(&self) -> MutexGuard<'_, Wires> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Doorbell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doorbell")
    }
}
