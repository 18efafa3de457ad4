//! A host and a bridge in miniature.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use hybridmix_shim::processor::{Block, Processor, Transport};
use hybridmix_shim::roster::Roster;
use hybridmix_shim::shared::{BridgeEnds, Shared};

/// An instance with everything around it in the test's hands.
pub struct Rig {
    pub shared: Arc<Shared>,
    pub processor: Processor,
    pub ends: BridgeEnds,
}

impl Rig {
    /// A process of its own, registered at the service.
    pub fn new(rate: u32, max_frames: u32, channels: u16) -> Rig {
        Rig::among(Box::leak(Box::default()), rate, max_frames, channels)
    }

    /// In the process of `roster`.
    pub fn among(roster: &'static Roster, rate: u32, max_frames: u32, channels: u16) -> Rig {
        let shared = Arc::new(Shared::default());
        shared.link.joined.store(1, SeqCst);
        shared.link.up.store(true, SeqCst);
        let (processor, ends) =
            Processor::among(roster, Arc::clone(&shared), f64::from(rate), max_frames, channels);
        Rig { shared, processor, ends: ends.expect("the rate is supported") }
    }
}

/// A playing transport at `position`.
pub fn playing(position: i64) -> Block {
    let transport =
        Transport { playing: true, position: Some(position), tempo: Some(120.0), ..Transport::default() };
    Block { offline: false, transport }
}

/// Samples that depend on nothing but their index.
pub fn noise(seed: u64, frames: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..frames).map(|_| next()).collect()
}
