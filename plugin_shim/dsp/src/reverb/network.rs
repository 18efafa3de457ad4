//! The room: early reflections and eight delay lines that feed each other.
//!
//! A feedback delay network (Jot and Chaigne 1991) with a Householder matrix, which keeps the energy, so that
//! the decays are those of the filters in its lines alone. What comes before the lines answer is filled by
//! single reflections whose energy lies on the same exponential.

use std::f64::consts::{LN_10, LOG2_10};

use super::decay::{BANDS, Decay, LINES};
use super::line::{Line, Spread};

/// Longest pre-delay in ms.
pub const MAX_PREDELAY_MS: f64 = 100.0;

/// Lengths of the lines in ms, none a multiple of another.
const LINES_MS: [f64; LINES] = [22.9, 25.7, 29.3, 32.3, 37.1, 41.3, 46.7, 52.9];
/// All-passes before the lines: length in ms, share that comes back.
const SPREADS: [(f64, f64); 4] = [(1.3, 0.6), (2.9, -0.6), (4.1, 0.6), (5.3, -0.6)];
/// Reflections before the lines answer, in ms, positive or negative: those of the middle and of the side.
const EARLY_MS: [[f64; 10]; 2] = [
    [3.1, -5.9, 8.3, 10.7, -13.9, 16.1, -18.5, -21.7, 24.1, -27.3],
    [3.7, 5.3, -7.9, 11.3, 13.1, -16.9, 19.1, -20.9, -24.7, 26.5],
];
/// Mean distance of those reflections in ms: each stands for the energy of so much time.
const EARLY_STEP_MS: f64 = 2.7;
/// Signs with which lines take the input and add up to middle and side; no two of them correlate.
const IN: [f64; LINES] = [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0];
const OUT: [[f64; LINES]; 2] =
    [[1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0]];
/// Bandwidth of each octave up to 8 kHz, as a share of 8 kHz: what it adds to the energy of white noise.
const SHARES: [f64; BANDS] = [0.0221, 0.0221, 0.0442, 0.0884, 0.1768, 0.3536, 0.2928];
/// The band whose decay the early reflections follow: 1 kHz.
const MIDDLE: usize = 3;

/// One room: mono in, middle and side out.
#[derive(Debug)]
pub struct Network {
    rate: f64,
    decay: Decay,
    lines: [Line; LINES],
    lengths: [usize; LINES],
    spreads: [Spread; 4],
    input: Line,
    early: Line,
    early_back: [[usize; 10]; 2],
    early_gain: [[f64; 10]; 2],
    /// Brings the energy of the whole response to 1; moves by `glide` a sample until it is `aim`.
    scale: f64,
    aim: f64,
    glide: f64,
}

impl Network {
    /// A silent room at `rate` Hz. Allocates; nothing else here does.
    #[must_use]
    pub fn new(rate: u32) -> Network {
        let rate = f64::from(rate);
        let lengths = LINES_MS.map(|ms| samples(ms, rate));
        let early_back = EARLY_MS.map(|times| times.map(|ms| samples(ms.abs(), rate)));
        Network {
            rate,
            decay: Decay::new(rate),
            lines: lengths.map(Line::new),
            lengths,
            spreads: SPREADS.map(|(ms, share)| Spread::new(samples(ms, rate), share)),
            // Two samples more on either side of where a cubic is laid through.
            input: Line::new(samples(MAX_PREDELAY_MS, rate) + 4),
            early: Line::new(samples(30.0, rate)),
            early_back,
            early_gain: [[0.0; 10]; 2],
            scale: 0.0,
            aim: 0.0,
            glide: 0.0,
        }
    }

    /// Back to silence.
    pub fn forget(&mut self) {
        self.decay.forget();
        for line in self.lines.iter_mut().chain([&mut self.input, &mut self.early]) {
            line.forget();
        }
        for spread in &mut self.spreads {
            spread.forget();
        }
    }

    /// The reverberation times are `t60` in s from here on; the level gets there within `samples`, or at once.
    pub fn set(&mut self, t60: &[f64; BANDS], samples: Option<f64>) {
        #[allow(clippy::cast_precision_loss)] // A line has far fewer samples than 2^52.
        let lengths = self.lengths.map(|length| length as f64);
        self.decay.set(t60, &lengths);
        // The lines hold the input's energy once and give an eighth of it in the mean length of a line.
        let density = 1000.0 / LINES_MS.iter().sum::<f64>();
        // An exponential that falls by 60 dB in T has T / ln(10^6) of its first value.
        let energy =
            SHARES.iter().zip(t60).map(|(share, t60)| share * t60).sum::<f64>() * density / (6.0 * LN_10);
        self.scale = self.aim;
        self.aim = energy.sqrt().recip();
        match samples {
            Some(samples) => self.glide = (self.aim - self.scale) / samples,
            None => (self.scale, self.glide) = (self.aim, 0.0),
        }
        let first = (density * EARLY_STEP_MS / 1000.0).sqrt();
        let fall = -3.0 * LOG2_10 / (1000.0 * t60[MIDDLE]);
        self.early_gain = EARLY_MS.map(|times| times.map(|ms| first.copysign(ms) * (ms.abs() * fall).exp2()));
    }

    /// Nothing moves from here on.
    pub fn rest(&mut self) {
        (self.scale, self.glide) = (self.aim, 0.0);
    }

    /// Once in a control step: what is next to nothing becomes nothing.
    pub fn settle(&mut self) {
        self.decay.settle();
    }

    /// One sample: `input` comes back from `predelay` samples later on. Returns the middle and the side.
    #[inline]
    #[must_use]
    pub fn process(&mut self, input: f64, predelay: f64) -> [f64; 2] {
        self.input.push(input);
        let heard = self.input.between(predelay + 2.0);
        self.early.push(heard);
        let spread = self.spreads.iter_mut().fold(heard, |sample, spread| spread.filter(sample));

        let mut ends = [0.0; LINES];
        for ((end, line), &length) in ends.iter_mut().zip(&self.lines).zip(&self.lengths) {
            *end = line.get(length);
        }
        let ends = self.decay.filter(ends);
        let shared = ends.iter().sum::<f64>() * 0.25;
        for ((line, end), sign) in self.lines.iter_mut().zip(ends).zip(IN) {
            line.push(end - shared + sign * NORM * spread);
        }

        let mut out = [0.0; 2];
        for (((out, signs), backs), gains) in
            out.iter_mut().zip(&OUT).zip(&self.early_back).zip(&self.early_gain)
        {
            let late = ends.iter().zip(signs).map(|(end, sign)| sign * end).sum::<f64>() * NORM;
            let early =
                backs.iter().zip(gains).map(|(&back, gain)| gain * self.early.get(back + 1)).sum::<f64>();
            *out = self.scale * (late + early);
        }
        self.scale += self.glide;
        out
    }

    /// Samples per ms.
    #[must_use]
    pub fn per_ms(&self) -> f64 {
        self.rate / 1000.0
    }
}

/// One over the root of the number of lines.
const NORM: f64 = 0.353_553_390_593_273_8;

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn samples(ms: f64, rate: f64) -> usize {
    (ms * rate / 1000.0).round() as usize
}
