//! What the worlds of one instance share: plain messages, atomics, and one lock that audio never takes.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;
use wire::parameters::PARAMETERS;

use crate::doorbell::Doorbell;
use crate::param_values::ParamValues;
use crate::params::{self, ParamId};

/// Most values that one PARAMS may carry to an instance.
pub const MAX_VALUES: usize = 32;

/// One hop, or the announcement of a run (`frames` 0), on its way from audio to the bridge.
///
/// Its samples follow in the sample ring, planar: `frames` of channel 0, then of channel 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hop {
    /// Process-wide push order; the bridge sends in this order across instances.
    pub stamp: u64,
    /// Run of the instance.
    pub run: u32,
    /// `wire::flags`.
    pub flags: u32,
    /// Position of the first sample, in samples of the run's clock.
    pub position: i64,
    /// Samples per channel; 0 announces a run.
    pub frames: u32,
    /// Beat at `position` in quarter notes, where `flags` says that it is known.
    pub beat: f64,
    /// Tempo in quarter notes per minute, where `flags` says that it is known.
    pub tempo: f64,
    /// Group, 1 to 16.
    pub group: u16,
    /// Role code of the wire.
    pub role: u8,
    /// Control delay in samples.
    pub delay: u32,
    /// Largest lead seen in this process, in samples.
    pub lead: u32,
    /// The user's amount, 0 to 1.
    pub amount: f32,
    /// The user's gain offset in dB.
    pub offset_db: f32,
    /// The user's amount of the dip, 0 to 1.
    pub dip_amount: f32,
    /// Loudness that the dip may take, in LU.
    pub dip_budget_lu: f32,
    /// The user's amount of breath, 0 to 1.
    pub breath_amount: f32,
    /// Most that breath may move the level, in dB.
    pub breath_depth_db: f32,
    /// The user's amount of staging, 0 to 1.
    pub staging_amount: f32,
    /// Level that staging brings the track to, in dBFS.
    pub staging_level_db: f32,
    /// The user's amount of density, 0 to 1.
    pub density_amount: f32,
    /// The user's amount of the high-pass, 0 to 1.
    pub high_pass_amount: f32,
    /// The user's amount of groove, 0 to 1.
    pub groove_amount: f32,
    /// Most that groove may shift around its constant, in ms.
    pub groove_limit_ms: f32,
    /// Most that its constant may be, in ms.
    pub groove_constant_ms: f32,
    /// The user's amount of the room, 0 to 1.
    pub room_amount: f32,
    /// Values that the run starts with, in the order of `PARAMETERS`; with START only.
    pub start: StartValues,
}

impl Hop {
    /// The position after its last sample.
    #[must_use]
    pub fn end(&self) -> i64 {
        self.position.saturating_add(i64::from(self.frames))
    }
}

/// Saved start values in the order of `PARAMETERS`; `None` where none was saved.
pub type StartValues = [Option<f32>; PARAMETERS.len()];

/// A value that may be missing, for threads that share no lock: NaN where it is.
#[derive(Debug)]
pub struct Optional(AtomicU32);

impl Default for Optional {
    fn default() -> Self {
        Self(AtomicU32::new(f32::NAN.to_bits()))
    }
}

impl Optional {
    /// The value, if there is one.
    pub fn get(&self) -> Option<f32> {
        Some(f32::from_bits(self.0.load(Ordering::Relaxed))).filter(|value| !value.is_nan())
    }

    /// Replaces it.
    pub fn set(&self, value: Option<f32>) {
        self.0.store(value.unwrap_or(f32::NAN).to_bits(), Ordering::Relaxed);
    }
}

/// Values for one frame, on their way from the bridge to audio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scheduled {
    /// Run that the frame belongs to.
    pub run: u32,
    /// End of the frame: one answer per frame end and run.
    pub frame_end: i64,
    /// Sample at which the values begin to apply.
    pub apply_at: i64,
    /// `wire::flags`: NONE (no values, the frame changes nothing), INCOMPLETE, SKIPPED.
    pub flags: u32,
    /// How many of `values` are used.
    pub count: usize,
    /// Parameter id and value.
    pub values: [(u16, f32); MAX_VALUES],
}

/// What persists and who the instance is. Main and bridge only.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// This instance; survives save and load, unique among live instances. Nil until it first joins a
    /// service: two instances that never met one save the same state when they have the same settings.
    pub instance: Uuid,
    /// The session that the instances of a project share; `None` until the service names it.
    pub session: Option<Uuid>,
    /// The user's label; wins over the host's track name.
    pub label: String,
    /// The host's name of the track: a hint.
    pub track_name: String,
}

/// What the service connection means for one instance: the bridge writes, audio reads.
#[derive(Debug, Default)]
pub struct LinkState {
    /// Rises whenever the instance was (re)joined at the service; a change begins a new run.
    pub joined: AtomicU32,
    /// True from JOINED until the connection closes.
    pub up: AtomicBool,
    /// The bridge's view (`status` codes 1 to 5), shown while no values flow.
    pub status: AtomicU32,
    /// What becomes of a pass with Learn, a `status` code; 0 where none was played. Audio forgets it with a start
    /// without Learn.
    pub learning: AtomicU32,
}

/// Where a Sync render waits for the bridge. The only place where audio may block.
#[derive(Debug, Default)]
pub struct SyncGate {
    /// Set by audio before it waits, cleared after: the bridge then drains and sends WAIT.
    pub waiting: AtomicBool,
    /// Run and frame end that audio waits for.
    pub need_run: AtomicU32,
    /// See `need_run`.
    pub need_end: AtomicI64,
    /// Held only around the condition variable.
    pub lock: Mutex<()>,
    /// Notified by the bridge after it pushed values or lost the connection.
    pub arrived: Condvar,
    /// Wakes the bridge; set while the instance is attached.
    pub bell: Mutex<Option<Arc<Doorbell>>>,
}

impl SyncGate {
    /// Makes the bridge look now: it drains, sends, and asks the service for what `need_end` says.
    /// Audio calls it once `waiting` is set; it locks and calls the system, as the wait itself does.
    pub fn wake_bridge(&self) {
        if let Some(bell) = &*self.bell.lock().unwrap_or_else(PoisonError::into_inner) {
            bell.ring();
        }
    }

    /// Bridge: values were pushed, or none will come. Wakes audio where it waits.
    pub fn open(&self) {
        // Pairs with audio, which sets `waiting` and then looks at the ring once more before it sleeps.
        fence(Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) {
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.arrived.notify_all();
        }
    }
}

/// Counters and read-outs: audio and bridge write, the shells and STATS read.
#[derive(Debug, Default)]
pub struct Readout {
    /// `status` code, as shown to the host.
    pub status: AtomicU32,
    /// Applied gain in dB, `f32` bits.
    pub applied_gain: AtomicU32,
    /// Values that came after their sample.
    pub late: AtomicU64,
    /// Hops that were lost before they reached the service.
    pub dropped: AtomicU64,
    /// Frames answered as incomplete, and Sync waits that were given up.
    pub incomplete: AtomicU64,
    /// Largest lead of the process in samples.
    pub lead: AtomicU32,
    /// Control delay that the host's blocks need, in samples.
    pub needed_delay: AtomicU32,
    /// Samples by which the activated instance is late.
    pub latency: AtomicU32,
    /// The host was asked to restart the instance so that this changes.
    pub restart_asked: AtomicBool,
    /// End of the last processed block, in samples of the run's clock.
    pub position: AtomicI64,
    /// Run that `position` belongs to. Never falls, over activations too.
    pub run: AtomicU32,
    /// Sample rate in Hz that the sample counts here are in; 0 before the first activation.
    pub rate: AtomicU32,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Shared {
    /// Host parameters, plain values; see `params`.
    pub params: ParamValues,
    /// Service connection.
    pub link: LinkState,
    /// Sync wait.
    pub gate: SyncGate,
    /// Counters.
    pub readout: Readout,
    /// Identity and saved values; never locked by audio.
    pub identity: Mutex<Identity>,
    /// Rises when `identity` changed (state load, label, track name): the bridge watches it.
    pub identity_version: AtomicU32,
    /// Start values for audio, in the order of `PARAMETERS`.
    pub start_values: [Optional; PARAMETERS.len()],
    /// The plan that a frozen track plays: main and bridge replace it.
    pub plan: crate::plan::Desk,
    /// Set when the project must be marked changed (new identity); a shell clears it on the main thread.
    pub host_dirty: AtomicBool,
}

impl Shared {
    /// The plain value of any parameter as an editor shows it: settings as stored, read-only ones as they are now.
    #[must_use]
    pub fn value(&self, id: ParamId) -> f64 {
        let readout = &self.readout;
        let plain = match id {
            params::STATUS => f64::from(readout.status.load(Ordering::Relaxed)),
            params::APPLIED_GAIN => f64::from(f32::from_bits(readout.applied_gain.load(Ordering::Relaxed))),
            params::LATE => {
                f64::from(u32::try_from(readout.late.load(Ordering::Relaxed)).unwrap_or(u32::MAX))
            }
            params::NEEDED_DELAY => {
                let rate = f64::from(readout.rate.load(Ordering::Relaxed).max(1));
                (f64::from(readout.needed_delay.load(Ordering::Relaxed)) * 1000.0 / rate).ceil()
            }
            _ => return self.params.get(id),
        };
        params::by_id(id).map_or(0.0, |param| param.snap(plain))
    }

    /// The start values as they are now. Any world.
    pub fn start_values(&self) -> StartValues {
        self.start_values.each_ref().map(Optional::get)
    }

    /// Whether the track is to play with groove's look-ahead: as its plan does, or as the user asks. Any world.
    pub fn grooves(&self) -> bool {
        if self.params.frozen() { self.plan.grooves() } else { self.params.groove_amount() > 0.0 }
    }

    /// The identity of an instance that is about to join, locked; one that has none yet gets one. Bridge.
    pub fn identity(&self) -> MutexGuard<'_, Identity> {
        let mut identity = self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        if identity.instance.is_nil() {
            identity.instance = Uuid::new_v4();
            self.host_dirty.store(true, Ordering::Release);
        }
        identity
    }
}

/// The bridge's ends of an instance's rings.
#[derive(Debug)]
pub struct BridgeEnds {
    /// Hops, in order.
    pub hops: rtrb::Consumer<Hop>,
    /// Their samples.
    pub samples: rtrb::Consumer<f32>,
    /// Values for audio.
    pub values: rtrb::Producer<Scheduled>,
    /// Sample rate in Hz.
    pub rate: u32,
    /// Channels, 1 or 2.
    pub channels: u16,
}
