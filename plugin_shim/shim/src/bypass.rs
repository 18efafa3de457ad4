//! Bypass: the untouched signal and the processed one, faded into each other.

use dsp::denormal::flush;
use dsp::{Chain, Fades, Line, Pace, Ramp};

use crate::channels::{length, part};

/// A change between the two takes 20 ms.
const FADE: Pace = Pace { ramp_ms: 20.0, slew_per_s: 50.0 };

/// Runs the chain, or lets audio pass bit for bit, or something in between.
#[derive(Debug)]
pub struct Bypass {
    rate: u32,
    /// Share of the processed signal.
    wet: Ramp,
    dry: Vec<f32>,
    longest: usize,
    /// Where the chain is late, so is the untouched signal: a line per channel.
    lines: Vec<Line>,
}

impl Bypass {
    /// Off. Allocates; nothing else here does. Stretches have at most `longest` samples; the chain is late by
    /// `latency`.
    #[must_use]
    pub fn new(rate: u32, channels: usize, longest: usize, latency: usize) -> Bypass {
        let lines = if latency == 0 { Vec::new() } else { vec![Line::new(latency); channels] };
        Bypass { rate, wet: Ramp::still(1.0), dry: vec![0.0; channels * longest], longest, lines }
    }

    /// Switches at sample `position`: by a fade, or `at_once`.
    pub fn set(&mut self, on: bool, position: i64, at_once: bool) {
        let wet = if on { 0.0 } else { 1.0 };
        if at_once {
            self.wet.snap(wet);
        } else {
            self.wet.set(wet, position, FADE, self.rate);
        }
    }

    /// The timeline jumped by `offset` samples.
    pub fn rebase(&mut self, offset: i64) {
        self.wet.rebase(offset);
    }

    /// By how many dB the chain changes the level at `position`, as far as it is heard.
    #[must_use]
    pub fn level_change(&self, chain: &Chain, position: i64) -> f64 {
        self.wet.value(position) * chain.level_change(position)
    }

    /// What was heard has nothing to do with what comes.
    pub fn forget(&mut self) {
        self.lines.iter_mut().for_each(Line::forget);
    }

    /// Processes, in place, channels of equal length whose first sample is at `position`. What comes in is faded by
    /// `fades` before the chain.
    pub fn process(
        &mut self,
        chain: &mut Chain,
        fades: Option<&Fades>,
        position: i64,
        channels: &mut [&mut [f32]],
    ) {
        let rate = self.rate;
        let mut through = |channels: &mut [&mut [f32]]| {
            if let Some(fades) = fades {
                fades.process(rate, position, channels);
            }
            chain.process(position, channels);
        };
        if !self.lines.is_empty() {
            self.process_late(through, position, channels);
            return;
        }
        let frames = length(channels);
        let left = if self.wet.moves(position) { self.wet.end().saturating_sub(position) } else { 0 };
        let fading = usize::try_from(left).unwrap_or(usize::MAX).min(frames);
        for (dry, channel) in self.dry.chunks_exact_mut(self.longest).zip(channels.iter()) {
            dry[..fading].copy_from_slice(&channel[..fading]);
        }
        let wet_at_end = self.wet.target() > 0.0;
        if wet_at_end {
            through(channels);
        } else if fading > 0 {
            part(channels, (0, fading), through);
        }
        self.fade(position, fading, channels);
    }

    /// The same for a chain that is late: it always runs, because what it holds is to be heard later.
    fn process_late(
        &mut self,
        mut through: impl FnMut(&mut [&mut [f32]]),
        position: i64,
        channels: &mut [&mut [f32]],
    ) {
        let frames = length(channels);
        let dries = self.dry.chunks_exact_mut(self.longest);
        for ((dry, channel), line) in dries.zip(channels.iter()).zip(&mut self.lines) {
            line.pass(channel, &mut dry[..frames]);
        }
        through(channels);
        let left = if self.wet.moves(position) { self.wet.end().saturating_sub(position) } else { 0 };
        let fading = usize::try_from(left).unwrap_or(usize::MAX).min(frames);
        self.fade(position, fading, channels);
        if self.wet.target() == 0.0 {
            for (dry, channel) in self.dry.chunks_exact(self.longest).zip(channels.iter_mut()) {
                channel[fading..].copy_from_slice(&dry[fading..frames]);
            }
        }
    }

    /// Fades the first `fading` samples of `channels`, which are processed, with the untouched ones.
    fn fade(&self, position: i64, fading: usize, channels: &mut [&mut [f32]]) {
        for (dry, channel) in self.dry.chunks_exact(self.longest).zip(channels.iter_mut()) {
            let mut at = position;
            for (sample, dry) in channel.iter_mut().zip(&dry[..fading]) {
                let wet = single(self.wet.value(at));
                *sample = flush(dry + wet * (*sample - dry));
                at = at.saturating_add(1);
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation)]
fn single(value: f64) -> f32 {
    value as f32
}
