//! The audio side of one instance: a block in, a block out, hops to the bridge, values from it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::engine::Engine;
use crate::roster::{self, Roster};
use crate::shared::{BridgeEnds, Shared};
pub use crate::transport::{Block, Transport};
use wire::status;

/// Longest stretch that is processed at once; longer blocks are cut.
const LONGEST: u32 = 8192;

/// The audio side of one activated instance.
///
/// At a rate that is not supported it passes audio and shows why.
#[derive(Debug)]
pub struct Processor {
    shared: Arc<Shared>,
    engine: Option<Engine>,
}

impl Processor {
    /// Main thread; allocates. `channels` is 1 or 2. The second part goes to the bridge; it is `None` at
    /// a rate that is not supported: not a multiple of 100 Hz between 44.1 and 192 kHz.
    #[must_use]
    pub fn new(
        shared: Arc<Shared>,
        rate: f64,
        max_frames: u32,
        channels: u16,
    ) -> (Processor, Option<BridgeEnds>) {
        Processor::among(&roster::PROCESS, shared, rate, max_frames, channels)
    }

    /// Like [`Processor::new`], with the instances of `roster` as its process.
    #[must_use]
    pub fn among(
        roster: &'static Roster,
        shared: Arc<Shared>,
        rate: f64,
        max_frames: u32,
        channels: u16,
    ) -> (Processor, Option<BridgeEnds>) {
        let supported = supported_rate(rate).filter(|_| (1..=2).contains(&channels));
        let Some(rate) = supported else {
            shared.readout.status.store(status::RATE_UNSUPPORTED, Relaxed);
            shared.readout.latency.store(0, Relaxed);
            return (Processor { shared, engine: None }, None);
        };
        let longest = max_frames.clamp(1, LONGEST);
        let (engine, ends) = Engine::new(roster, Arc::clone(&shared), rate, longest, channels);
        (Processor { shared, engine: Some(engine) }, Some(ends))
    }

    /// Audio or main thread: a new run begins at the next block, from the start values.
    pub fn reset(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.reset();
        }
    }

    /// Audio thread: processes channels of equal length, in place. Never allocates, locks or calls the
    /// system, but for the wait of a Sync render. Channels beyond those of the activation pass untouched.
    pub fn process(&mut self, block: &Block, channels: &mut [&mut [f32]]) {
        let Some(engine) = &mut self.engine else { return };
        match channels {
            [] => {}
            [mono] => engine.process(block, &mut [&mut **mono]),
            [left, right, ..] if engine.channels() == 2 => {
                let frames = left.len().min(right.len());
                engine.process(block, &mut [&mut left[..frames], &mut right[..frames]]);
            }
            [first, ..] => engine.process(block, &mut [&mut **first]),
        }
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        self.shared.readout.status.store(status::IDLE, Relaxed);
    }
}

/// `rate` as a whole number, if the shim works at it.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn supported_rate(rate: f64) -> Option<u32> {
    let whole = rate as u32;
    let exact = f64::from(whole).to_bits() == rate.to_bits();
    (exact && whole.is_multiple_of(100) && (44_100..=192_000).contains(&whole)).then_some(whole)
}
