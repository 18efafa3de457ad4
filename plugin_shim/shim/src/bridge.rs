//! One bridge per process: started with the first attachment, joined with the last.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use crate::worker::Report;

use crate::doorbell::Doorbell;
use crate::shared::{BridgeEnds, Shared};
use crate::worker::{Command, Worker};
use crate::{discovery, fork, signals};

/// The thread of this process.
struct Running {
    thread: JoinHandle<()>,
    commands: Sender<Command>,
    bell: Arc<Doorbell>,
    report: Arc<Mutex<Report>>,
    attached: usize,
    /// Of the process that started it.
    generation: u32,
}

#[derive(Default)]
struct Registry {
    running: Option<Running>,
    last_ticket: u64,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry { running: None, last_ticket: 0 });

/// An instance's hold on the bridge. Dropping it detaches the instance; the last drop ends the thread within
/// 50 ms.
#[derive(Debug)]
pub struct Attachment {
    /// 0 where there is no bridge to detach from.
    ticket: u64,
    generation: u32,
    shared: Arc<Shared>,
}

/// Attaches an instance: it joins the group, and its hops flow. Main.
///
/// An instance that is activated anew attaches again while it still holds its last attachment: it then stays
/// joined, and dropping that one changes nothing.
#[must_use]
pub fn attach(shared: Arc<Shared>, ends: BridgeEnds) -> Attachment {
    fork::watch();
    let generation = fork::generation();
    let mut attachment = Attachment { ticket: 0, generation, shared: Arc::clone(&shared) };
    let Some(mut registry) = registry() else { return attachment };
    if registry.running.as_ref().is_some_and(|running| running.generation != generation) {
        // The thread and what it owns stayed in the parent process: nothing of it may be touched here.
        std::mem::forget(registry.running.take());
    }
    if registry.running.is_none() {
        registry.running = start(generation);
    }
    registry.last_ticket += 1;
    let ticket = registry.last_ticket;
    if let Some(running) = &mut registry.running {
        attachment.ticket = ticket;
        running.attached += 1;
        *lock(&shared.gate.bell) = Some(Arc::clone(&running.bell));
        // The receiver lives as long as the thread, which only ends when this sender is gone.
        let _ = running.commands.send(Command::Attach(ticket, shared, ends));
        running.bell.ring();
    }
    attachment
}

/// What the bridge of this process does; `None` while no instance is attached. Any thread but audio.
#[must_use]
pub fn report() -> Option<Report> {
    let registry = registry()?;
    registry.running.as_ref().map(|running| lock(&running.report).clone())
}

fn start(generation: u32) -> Option<Running> {
    let (commands, receiver) = channel();
    let bell = Arc::new(Doorbell::default());
    let report = Arc::new(Mutex::new(Report::default()));
    // Read here: the environment must not be read beside a host that changes it.
    let dir = discovery::runtime_dir();
    let worker = Worker::new(receiver, Arc::clone(&bell), Arc::clone(&report), dir);
    let thread = std::thread::Builder::new().name("hybridmix-bridge".to_owned()).spawn(move || {
        signals::block_on_this_thread();
        worker.run();
    });
    // Without a thread audio passes at the held values, as without a service.
    Some(Running { thread: thread.ok()?, commands, bell, report, attached: 0, generation })
}

impl Drop for Attachment {
    fn drop(&mut self) {
        if self.ticket == 0 || self.generation != fork::generation() {
            return;
        }
        let Some(mut registry) = registry() else { return };
        let Some(mut running) = registry.running.take() else { return };
        running.attached = running.attached.saturating_sub(1);
        let _ = running.commands.send(Command::Detach(self.ticket));
        if running.attached > 0 {
            running.bell.ring();
            registry.running = Some(running);
            return;
        }
        lock(&self.shared.gate.bell).take();
        let Running { thread, commands, bell, .. } = running;
        drop(commands);
        bell.ring();
        let _ = thread.join();
    }
}

/// The registry. In a forked child a thread that exists no more may hold it for ever: then there is none.
fn registry() -> Option<MutexGuard<'static, Registry>> {
    if fork::generation() == 0 {
        return Some(lock(&REGISTRY));
    }
    for _ in 0..100 {
        match REGISTRY.try_lock() {
            Ok(registry) => return Some(registry),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    None
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
