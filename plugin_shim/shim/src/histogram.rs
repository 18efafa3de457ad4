//! Durations counted in logarithmic buckets: bounded memory, quantiles within 1/16 of the true value.

use std::time::Duration;

const STEPS: usize = 16;
const OCTAVES: usize = 24;
/// Above this everything counts as this: 2^26 µs, about 67 s.
const LARGEST_US: u64 = 1 << 26;

/// How long things took, at a resolution of 1 µs or 1/16 of the value, whichever is coarser.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; STEPS * OCTAVES], count: 0 }
    }
}

impl Histogram {
    /// Counts one duration; beyond 67 s it counts as 67 s.
    pub fn record(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(LARGEST_US).min(LARGEST_US);
        let last = self.buckets.len() - 1;
        self.buckets[bucket(micros).min(last)] += 1;
        self.count += 1;
    }

    /// How many durations were recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The duration in milliseconds that `per_thousand` of 1000 stay at or below; 0 when nothing was recorded.
    pub fn quantile_ms(&self, per_thousand: u64) -> f64 {
        let rank = (self.count * per_thousand.min(1000)).div_ceil(1000).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return middle_us(index) / 1000.0;
            }
        }
        0.0
    }
}

/// Values below `STEPS` have a bucket each; above, every octave has `STEPS` of them.
fn bucket(micros: u64) -> usize {
    if micros < STEPS as u64 {
        return usize::try_from(micros).unwrap_or(0);
    }
    let octave = micros.ilog2() as usize;
    let step = usize::try_from((micros >> (octave - 4)) & 15).unwrap_or(0);
    (octave - 3) * STEPS + step
}

fn middle_us(index: usize) -> f64 {
    let small = |value: usize| f64::from(u32::try_from(value).unwrap_or(u32::MAX));
    if index < STEPS {
        return small(index);
    }
    let width = small(1 << (index / STEPS - 1));
    width * (small(STEPS + index % STEPS) + 0.5)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_histogram_reads_zero() {
        assert_eq!((Histogram::default().count(), Histogram::default().quantile_ms(990)), (0, 0.0));
    }

    #[test]
    fn a_duration_beyond_the_range_counts_as_the_largest() {
        let mut histogram = Histogram::default();
        histogram.record(Duration::from_secs(86_400));
        assert!(histogram.quantile_ms(500) >= 60_000.0);
    }

    proptest! {
        #[test]
        fn quantiles_stay_within_a_sixteenth_of_the_sorted_truth(
            mut micros in prop::collection::vec(0_u32..60_000_000, 1..300),
            per_thousand in 1_u64..=1000,
        ) {
            let mut histogram = Histogram::default();
            for value in &micros {
                histogram.record(Duration::from_micros(u64::from(*value)));
            }
            micros.sort_unstable();
            let count = micros.len() as u64;
            let rank = usize::try_from((count * per_thousand).div_ceil(1000)).unwrap();
            let truth = f64::from(micros[rank - 1]) / 1000.0;
            let read = histogram.quantile_ms(per_thousand);
            prop_assert!((read - truth).abs() <= truth / 16.0 + 0.001, "{read} for {truth}");
            prop_assert_eq!(histogram.count(), count);
        }
    }
}
