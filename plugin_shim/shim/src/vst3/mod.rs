//! The VST3 shell: translates between the `vst3` crate's interfaces and [`crate::plugin`], and nothing else.
//!
//! One object is component, processor and controller. `unsafe` is allowed in this module's files: every
//! call comes from the host over a C interface, and every pointer in it is what the VST3 contract says, or
//! null. Whatever does not need a pointer is safe code. A host that calls from a wrong thread gets a wrong
//! answer at worst: all state is atomic or behind a lock that the audio thread only tries.

#![allow(unsafe_code)]

mod buffers;
mod component;
mod controller;
pub(crate) mod factory;
mod processor;
mod stream;
mod strings;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering::Relaxed};

use ::vst3::Steinberg::Vst::ChannelContext::IInfoListener;
use ::vst3::Steinberg::Vst::{
    IAudioProcessor, IComponent, IComponentHandler, IComponentHandler2, IComponentHandler2Trait as _,
    IComponentHandlerTrait as _, IEditController, IProcessContextRequirements, RestartFlags_,
};
use ::vst3::{Class, ComPtr};

use crate::plugin::{Active, Plugin, lock};

/// One instance.
pub(crate) struct Shell {
    plugin: Plugin,
    setup: Mutex<Setup>,
    channels: AtomicU16,
    /// The audio side while active. Audio tries the lock; only a host that breaks the contract makes it fail.
    active: Mutex<Option<Active>>,
    /// Whether there is one, for those who must not hold the lock against audio.
    is_active: AtomicBool,
    handler: Mutex<Option<ComPtr<IComponentHandler>>>,
    /// The thread that gave the handler, which is the host's main thread; 0 before.
    main: AtomicUsize,
    /// The parameter values changed where the host could not be told.
    rescan: AtomicBool,
}

#[derive(Clone, Copy)]
struct Setup {
    rate: f64,
    max_frames: u32,
}

impl Class for Shell {
    type Interfaces =
        (IComponent, IAudioProcessor, IEditController, IProcessContextRequirements, IInfoListener);
}

impl Shell {
    fn new() -> Self {
        Self {
            plugin: Plugin::new(),
            setup: Mutex::new(Setup { rate: 44_100.0, max_frames: 1024 }),
            channels: AtomicU16::new(2),
            active: Mutex::new(None),
            is_active: AtomicBool::new(false),
            handler: Mutex::new(None),
            main: AtomicUsize::new(0),
            rescan: AtomicBool::new(false),
        }
    }

    /// **main**: ends an activation, if there is one.
    fn deactivate(&self) {
        *lock(&self.active) = None;
        self.is_active.store(false, Relaxed);
        self.plugin.deactivate();
    }

    /// Tells the host what it should know: values read anew, project changed. Only on the host's main
    /// thread; elsewhere the next call on it does.
    fn notify(&self) {
        if self.main.load(Relaxed) != this_thread() {
            return;
        }
        // The lock is not held while the host may call back.
        let handler = lock(&self.handler).clone();
        let Some(handler) = handler else { return };
        if self.rescan.swap(false, Relaxed) {
            // SAFETY: the host gave the handler and we hold a reference; this is its main thread.
            unsafe { handler.restartComponent(int(RestartFlags_::kParamValuesChanged)) };
        }
        if self.is_active.load(Relaxed) && self.plugin.take_restart() {
            // SAFETY: as above. The host starts the instance anew, and then reads the latency.
            unsafe { handler.restartComponent(int(RestartFlags_::kLatencyChanged)) };
        }
        if self.plugin.take_host_dirty()
            && let Some(handler) = handler.cast::<IComponentHandler2>()
        {
            // SAFETY: as above.
            unsafe { handler.setDirty(1) };
        }
    }
}

/// A number that tells the current thread from all others that live; never 0.
fn this_thread() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}

/// Runs the body of an entry; a panic ends here and the host gets `otherwise`.
fn entry<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

/// A constant of the interface as the `i32` that a function takes. Enumerations are signed on some systems
/// and unsigned on others; every constant fits both.
fn int(constant: impl TryInto<i32>) -> i32 {
    constant.try_into().unwrap_or(0)
}

/// The same for functions that take an `u32`.
fn uint(constant: impl TryInto<u32>) -> u32 {
    constant.try_into().unwrap_or(0)
}
