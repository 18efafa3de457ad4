//! One instance of the plugin, whatever the format: what a shell holds and translates to and from.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use wire::status;

use crate::bridge::{self, Attachment};
use crate::params::{self, PARAMS, Param, ParamId};
use crate::processor::{Block, Processor};
use crate::shared::Shared;
use crate::state::{self, StateError};

/// What users and hosts see.
pub const NAME: &str = "HybridMix";
/// Who made it.
pub const VENDOR: &str = "HybridMix";
/// Version of this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Permanent CLAP identifier.
pub const CLAP_ID: &str = "org.hybridmix.shim";
/// Permanent VST3 class identifier, as its four big-endian words.
pub const VST3_ID: [u32; 4] = [0x4879_6272, 0x6964_4D69, 0x7853_6869, 0x6D30_3031];
/// Most channels of a track.
pub const MAX_CHANNELS: usize = 2;

/// One instance. Cheap to make: hosts construct instances only to look at them.
#[derive(Debug, Default)]
pub struct Plugin {
    shared: Arc<Shared>,
    /// Held from the first activation on, over those that follow: the instance stays joined.
    attachment: Mutex<Option<Attachment>>,
}

impl Plugin {
    /// **main**: an instance with default parameters and no connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the worlds of the instance share.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// **main**: makes the audio side for `rate` Hz, calls of about `max_frames`, 1 or 2 `channels`,
    /// and connects it. An earlier activation ends.
    #[must_use]
    pub fn activate(&self, rate: f64, max_frames: u32, channels: u16) -> Active {
        self.deactivate();
        let (processor, ends) = Processor::new(Arc::clone(&self.shared), rate, max_frames, channels);
        let attachment = ends.map(|ends| bridge::attach(Arc::clone(&self.shared), ends));
        // The one before goes only now, so that the instance stays joined.
        *lock(&self.attachment) = attachment;
        Active {
            shared: Arc::clone(&self.shared),
            processor,
            channels: channels.into(),
            failed: false,
            reported: [f64::NAN; PARAMS.len()],
        }
    }

    /// **main**: an activation at `rate` Hz is to come: some hosts ask for its latency before.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn expect(&self, rate: f64) {
        let rate = rate as u32;
        let late = self.shared.grooves() && wire::limits::is_rate(rate);
        let latency = if late { dsp::groove::look_ahead(rate) } else { 0 };
        self.shared.readout.latency.store(latency, Relaxed);
    }

    /// **main**: the instance stays joined, to be there at once when it is activated again. The read-outs go
    /// to rest, so that an instance at rest is told by its state alone.
    pub fn deactivate(&self) {
        let readout = &self.shared.readout;
        readout.status.store(status::IDLE, Relaxed);
        readout.applied_gain.store(0, Relaxed);
        readout.late.store(0, Relaxed);
        readout.needed_delay.store(0, Relaxed);
    }

    /// **main**: leaves the group, until the next activation.
    pub fn disconnect(&self) {
        self.deactivate();
        *lock(&self.attachment) = None;
    }

    /// **main**: everything that persists.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        state::save(&self.shared)
    }

    /// **main**: takes over a saved state.
    ///
    /// # Errors
    /// When `bytes` is no saved state; nothing is changed then.
    pub fn load(&self, bytes: &[u8]) -> Result<(), StateError> {
        state::load(&self.shared, bytes)
    }

    /// **main**: the host's name of the track, a hint that the user's label overrides.
    pub fn set_track_name(&self, name: &str) {
        let mut identity = lock(&self.shared.identity);
        if identity.track_name != name {
            name.clone_into(&mut identity.track_name);
            self.shared.identity_version.fetch_add(1, Relaxed);
        }
    }

    /// Plain value of a parameter as an editor shows it; `None` for an unknown number.
    #[must_use]
    pub fn value(&self, id: ParamId) -> Option<f64> {
        params::by_id(id).map(|param| self.shared.value(param.id))
    }

    /// Sets a parameter to the nearest value it can have. Unknown, read-only and NaN are ignored.
    pub fn set(&self, id: ParamId, plain: f64) {
        set(&self.shared, id, plain);
    }

    /// **main**: whether the host should mark its project as changed; asking clears it.
    #[must_use]
    pub fn take_host_dirty(&self) -> bool {
        self.shared.host_dirty.swap(false, Relaxed)
    }

    /// Latency in samples, as of the last activation or of the one that is to come: the look-ahead of groove where it is
    /// on, else 0.
    #[must_use]
    pub fn latency(&self) -> u32 {
        self.shared.readout.latency.load(Relaxed)
    }

    /// Samples that sound on after the input ended: what is late, and the longest room while the track asks for one.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn tail(&self) -> u32 {
        if self.shared.params.room_amount() == 0.0 {
            return self.latency();
        }
        let room = (dsp::reverb::TAIL_S * f64::from(self.shared.readout.rate.load(Relaxed))).ceil();
        self.latency().saturating_add(room as u32)
    }

    /// Whether the host should restart the activated instance, because groove was switched on or off and the
    /// latency only changes with an activation; asking again is told once per change.
    #[must_use]
    pub fn take_restart(&self) -> bool {
        take_restart(&self.shared)
    }
}

/// The audio side between activate and deactivate.
#[derive(Debug)]
pub struct Active {
    shared: Arc<Shared>,
    processor: Processor,
    channels: usize,
    /// A panic was caught: audio passes until the next activation.
    failed: bool,
    reported: [f64; PARAMS.len()],
}

impl Active {
    /// **audio**: processes a block in place, as many channels as were activated and equally long.
    /// Anything else passes unchanged, and so does everything after a caught panic.
    ///
    /// False when a panic was caught in this block: the channels may hold anything.
    pub fn process(&mut self, block: &Block, channels: &mut [&mut [f32]]) -> bool {
        if self.failed || channels.len() != self.channels {
            return true;
        }
        let processor = &mut self.processor;
        let caught = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(feature = "fault-injection")]
            fault::strike(&self.shared, channels);
            processor.process(block, channels);
        }))
        .is_err();
        if caught {
            self.failed = true;
            self.shared.readout.status.store(status::INTERNAL_ERROR, Relaxed);
        }
        !caught
    }

    /// **audio** or **main**: a new run begins at the next block.
    pub fn reset(&mut self) {
        if !self.failed && catch_unwind(AssertUnwindSafe(|| self.processor.reset())).is_err() {
            self.failed = true;
        }
    }

    /// **audio**: see [`Plugin::set`].
    pub fn set(&self, id: ParamId, plain: f64) {
        set(&self.shared, id, plain);
    }

    /// **audio**: calls `report` with every read-only parameter that changed since the last call, and its value.
    pub fn report_changes(&mut self, mut report: impl FnMut(&'static Param, f64)) {
        for (param, reported) in PARAMS.iter().zip(&mut self.reported) {
            if param.read_only {
                let value = self.shared.value(param.id);
                if value.to_bits() != reported.to_bits() {
                    *reported = value;
                    report(param, value);
                }
            }
        }
    }

    /// **audio**: see [`Plugin::take_restart`].
    #[must_use]
    pub fn take_restart(&self) -> bool {
        take_restart(&self.shared)
    }

    /// **audio**: whether the host waits to be told that its project changed.
    #[must_use]
    pub fn host_dirty(&self) -> bool {
        self.shared.host_dirty.load(Relaxed)
    }
}

fn set(shared: &Shared, id: ParamId, plain: f64) {
    if !plain.is_nan() {
        shared.params.set(id, plain);
    }
}

fn take_restart(shared: &Shared) -> bool {
    let readout = &shared.readout;
    let on = readout.latency.load(Relaxed) > 0;
    let supported = readout.status.load(Relaxed) != status::RATE_UNSUPPORTED;
    let differs = supported && shared.grooves() != on;
    differs && !readout.restart_asked.swap(true, Relaxed)
}

/// A lock whose content stays whole over a panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a test makes happen with the first sample of a block.
#[cfg(feature = "fault-injection")]
pub mod fault {
    use std::sync::atomic::Ordering::Relaxed;

    /// The block panics.
    pub const PANIC: f32 = 1.234_567e30;
    /// The block allocates.
    pub const ALLOCATE: f32 = 2.345_678e30;
    /// The project becomes changed, as when the service gives the instance a new identity.
    pub const CHANGE: f32 = 3.456_789e30;

    pub(super) fn strike(shared: &super::Shared, channels: &[&mut [f32]]) {
        let Some(&first) = channels.first().and_then(|channel| channel.first()) else { return };
        let is = |fault: f32| first.to_bits() == fault.to_bits();
        if is(ALLOCATE) {
            drop(std::hint::black_box(vec![0_u8; 16]));
        }
        if is(CHANGE) {
            shared.host_dirty.store(true, Relaxed);
        }
        assert!(!is(PANIC), "a fault that a test asked for");
    }
}
