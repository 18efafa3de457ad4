//! A host and a bridge in miniature.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use assert_no_alloc::assert_no_alloc;
#[cfg(debug_assertions)]
use assert_no_alloc::violation_count;
use hybridmix_shim::processor::{Block, Processor, Transport};
use hybridmix_shim::roster::Roster;
use hybridmix_shim::shared::{BridgeEnds, Hop, MAX_VALUES, Scheduled, Shared, StartValues};

pub const RATE: u32 = 48_000;
pub const HOP: i64 = 480;
pub const FRAME: i64 = 2400;
/// 40 ms: the control delay of a new instance.
pub const D: i64 = 1920;

/// An instance with everything around it in the test's hands.
pub struct Rig {
    pub shared: Arc<Shared>,
    pub processor: Processor,
    pub ends: BridgeEnds,
    channels: usize,
}

impl Rig {
    /// 48 kHz, stereo, blocks up to 8192.
    pub fn plain() -> Rig {
        Rig::new(RATE, 8192, 2)
    }

    /// A process of its own, registered at the service.
    pub fn new(rate: u32, max_frames: u32, channels: u16) -> Rig {
        Rig::among(process(), rate, max_frames, channels)
    }

    /// In the process of `roster`.
    pub fn among(roster: &'static Roster, rate: u32, max_frames: u32, channels: u16) -> Rig {
        Rig::of(Arc::new(Shared::default()), roster, rate, max_frames, channels)
    }

    /// Of an instance whose parameters are set already.
    pub fn of(
        shared: Arc<Shared>,
        roster: &'static Roster,
        rate: u32,
        max_frames: u32,
        channels: u16,
    ) -> Rig {
        shared.link.joined.store(1, SeqCst);
        shared.link.up.store(true, SeqCst);
        let (processor, ends) =
            Processor::among(roster, Arc::clone(&shared), f64::from(rate), max_frames, channels);
        let ends = ends.expect("the rate is supported");
        Rig { shared, processor, ends, channels: usize::from(channels) }
    }

    /// Processes in place; fails when anything is allocated or freed meanwhile.
    pub fn process(&mut self, block: &Block, channels: &mut [&mut [f32]]) {
        #[cfg(debug_assertions)]
        let before = violation_count();
        assert_no_alloc(|| self.processor.process(block, channels));
        #[cfg(debug_assertions)]
        assert_eq!(violation_count(), before, "the audio thread allocated");
    }

    /// Processes a constant and returns what became of it in the first channel.
    pub fn constant(&mut self, block: &Block, level: f32, frames: usize) -> Vec<f32> {
        let mut left = vec![level; frames];
        let mut right = vec![level; frames];
        match self.channels {
            1 => self.process(block, &mut [&mut left]),
            _ => self.process(block, &mut [&mut left, &mut right]),
        }
        left
    }

    /// What was pushed for the bridge: every hop with its planar samples.
    pub fn take(&mut self) -> Vec<(Hop, Vec<f32>)> {
        let mut taken = Vec::new();
        while let Ok(hop) = self.ends.hops.pop() {
            let count = hop.frames as usize * self.channels;
            let chunk = self.ends.samples.read_chunk(count).expect("samples come before their hop");
            taken.push((hop, chunk.into_iter().collect()));
        }
        taken
    }

    /// Takes what was pushed and answers every frame that ended with `value(end)` dB of gain.
    pub fn serve(&mut self, value: impl Fn(i64) -> f32) -> Vec<(Hop, Vec<f32>)> {
        let taken = self.take();
        let frame = i64::from(self.ends.rate) / 20;
        for (hop, _) in taken.iter().filter(|(hop, _)| hop.frames > 0) {
            let end = hop.position + i64::from(hop.frames);
            if end.rem_euclid(frame) == 0 {
                self.send(answer(hop.run, end, i64::from(hop.delay), value(end)));
            }
        }
        taken
    }

    pub fn send(&mut self, answer: Scheduled) {
        self.ends.values.push(answer).expect("there is room for values");
    }

    pub fn status(&self) -> u32 {
        self.shared.readout.status.load(SeqCst)
    }
}

/// The table of a process of its own.
pub fn process() -> &'static Roster {
    Box::leak(Box::default())
}

/// The answer to the frame that ends at `end`: a gain in dB.
pub fn answer(run: u32, end: i64, delay: i64, gain: f32) -> Scheduled {
    let mut values = [(0, 0.0); MAX_VALUES];
    values[0] = (1, gain);
    Scheduled { run, frame_end: end, apply_at: end + delay, flags: 0, count: 1, values }
}

/// A playing transport at `position`.
pub fn playing(position: i64) -> Block {
    let transport =
        Transport { playing: true, position: Some(position), tempo: Some(120.0), ..Transport::default() };
    Block { offline: false, transport }
}

/// A standing transport, with a steady clock if there is one.
pub fn standing(steady: Option<i64>) -> Block {
    Block { offline: false, transport: Transport { position: Some(0), steady, ..Transport::default() } }
}

/// Samples that depend on nothing but their seed and index.
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

/// Start values of which only the gain was saved.
pub fn gain_alone(gain_db: f32) -> StartValues {
    let mut start = StartValues::default();
    start[0] = Some(gain_db);
    start
}

/// Factor to decibels.
pub fn decibels(factor: f32) -> f64 {
    20.0 * f64::from(factor).log10()
}
