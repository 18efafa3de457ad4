//! What the tracks play: a square wave whose level steps, so that the gain shows in every sample.

/// A square wave of about 1 kHz; its absolute value is constant between the steps of its level.
#[derive(Debug)]
pub struct Square {
    half_period: u64,
    step: u64,
    offset: u64,
    at: u64,
}

/// Levels that follow each other, linear full scale; never 0, so that the gain can be read everywhere.
const LEVELS: [f32; 4] = [0.02, 0.2, 0.05, 0.4];

impl Square {
    /// The wave of track `index` at `rate` Hz; each track steps at its own times.
    pub fn new(rate: u32, index: usize) -> Self {
        let rate = u64::from(rate);
        Self { half_period: rate / 2_000, step: 3 * rate, offset: (index as u64 % 7) * rate / 2, at: 0 }
    }

    /// Writes the next samples to both channels.
    pub fn fill(&mut self, left: &mut [f32], right: &mut [f32]) {
        for (left, right) in left.iter_mut().zip(right) {
            let level = LEVELS[usize::try_from((self.at + self.offset) / self.step % 4).unwrap_or(0)];
            let value = if (self.at / self.half_period).is_multiple_of(2) { level } else { -level };
            *left = value;
            *right = value;
            self.at += 1;
        }
    }
}
