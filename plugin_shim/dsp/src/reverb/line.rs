//! Samples that come back later.

use crate::denormal::flush;

/// A ring of samples.
#[derive(Debug)]
pub struct Line {
    samples: Vec<f32>,
    /// Where the next sample goes.
    at: usize,
}

impl Line {
    /// Silence; reaches back by `longest` samples at least. Allocates; nothing else here does.
    #[must_use]
    pub fn new(longest: usize) -> Line {
        Line { samples: vec![0.0; (longest + 1).next_power_of_two()], at: 0 }
    }

    /// Back to silence.
    pub fn forget(&mut self) {
        self.samples.fill(0.0);
    }

    /// The sample that was pushed as the `back`-th before now; 1 is the newest.
    #[inline]
    #[must_use]
    pub fn get(&self, back: usize) -> f64 {
        let mask = self.samples.len() - 1;
        f64::from(self.samples[self.at.wrapping_sub(back) & mask])
    }

    /// The same between samples, by a cubic through the four around it; `back` is at least 2.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn between(&self, back: f64) -> f64 {
        let whole = back.floor();
        let part = back - whole;
        let newest = whole as usize;
        if part == 0.0 {
            return self.get(newest);
        }
        let [before, one, other, after] =
            [-1isize, 0, 1, 2].map(|step| self.get(newest.wrapping_add_signed(step)));
        let (low, high) = (part + 1.0, part - 2.0);
        let near = part - 1.0;
        -before * part * near * high / 6.0 + one * low * near * high / 2.0 - other * low * part * high / 2.0
            + after * low * part * near / 6.0
    }

    /// Takes the next sample.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub fn push(&mut self, sample: f64) {
        self.samples[self.at] = flush(sample as f32);
        self.at = (self.at + 1) & (self.samples.len() - 1);
    }
}

/// An all-pass that spreads an impulse: the same level at every frequency.
#[derive(Debug)]
pub struct Spread {
    line: Line,
    back: usize,
    share: f64,
}

impl Spread {
    /// Comes back after `back` samples with `share` of what went in. Allocates.
    #[must_use]
    pub fn new(back: usize, share: f64) -> Spread {
        Spread { line: Line::new(back), back, share }
    }

    /// Back to silence.
    pub fn forget(&mut self) {
        self.line.forget();
    }

    /// One sample.
    #[inline]
    #[must_use]
    pub fn filter(&mut self, sample: f64) -> f64 {
        let old = self.line.get(self.back);
        let inside = sample + self.share * old;
        self.line.push(inside);
        old - self.share * inside
    }
}
