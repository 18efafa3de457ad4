//! A value that moves to its target in a straight line, as a function of position.

/// How fast a value may move, as declared for its parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// A change takes at least this many milliseconds.
    pub ramp_ms: f64,
    /// A change never moves faster than this many units per second.
    pub slew_per_s: f64,
}

impl Pace {
    /// Samples that a change by `change` units takes at `rate` Hz; at least 1.
    #[must_use]
    pub fn samples(&self, change: f64, rate: u32) -> i64 {
        let rate = f64::from(rate);
        let longest = (self.ramp_ms * rate / 1000.0).max(change.abs() * rate / self.slew_per_s);
        whole(longest.ceil().max(1.0))
    }
}

/// One control value in its own unit (decibels, for gains).
///
/// A target set at sample `p` starts a line from the value at `p`, so sample `p` itself still has the
/// old value and sample `p + 1` is the first that differs. The target is reached after
/// [`Pace::samples`], exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp {
    from: f64,
    to: f64,
    begin: i64,
    length: i64,
}

impl Ramp {
    /// A value at rest.
    #[must_use]
    pub const fn still(value: f64) -> Ramp {
        Ramp { from: value, to: value, begin: 0, length: 0 }
    }

    /// The value at sample `position`.
    #[inline]
    #[must_use]
    pub fn value(&self, position: i64) -> f64 {
        let gone = position.saturating_sub(self.begin);
        if gone >= self.length {
            self.to
        } else if gone <= 0 {
            self.from
        } else {
            self.from + (self.to - self.from) * (real(gone) / real(self.length))
        }
    }

    /// Adds the value at `position` and those that follow to `values`: the same bits, all at once.
    pub fn add_to(&self, position: i64, values: &mut [f64]) {
        let gone = position.saturating_sub(self.begin);
        let left = usize::try_from(self.length.saturating_sub(gone)).unwrap_or(0);
        if gone <= 0 || left < values.len() {
            for (index, value) in (0..).zip(values) {
                *value += self.value(position.saturating_add(index));
            }
            return;
        }
        let (gone, length, span) = (real(gone), real(self.length), self.to - self.from);
        for (index, value) in (0i32..).zip(values) {
            *value += self.from + span * ((gone + f64::from(index)) / length);
        }
    }

    /// Where the value comes to rest. Only meaningful while [`Ramp::moves`].
    #[must_use]
    pub fn end(&self) -> i64 {
        self.begin.saturating_add(self.length)
    }

    /// Whether any sample from `position` on differs from the target.
    #[must_use]
    pub fn moves(&self, position: i64) -> bool {
        self.length > 0 && position.saturating_sub(self.begin) < self.length
    }

    /// What the value moves to.
    #[must_use]
    pub fn target(&self) -> f64 {
        self.to
    }

    /// Moves to `target`, beginning at sample `position`. The same target again changes nothing.
    pub fn set(&mut self, target: f64, position: i64, pace: Pace, rate: u32) {
        if target.to_bits() == self.to.to_bits() {
            return;
        }
        let from = self.value(position);
        let length = pace.samples(target - from, rate);
        *self = Ramp { from, to: target, begin: position, length };
    }

    /// Is at `target` at once.
    pub fn snap(&mut self, target: f64) {
        *self = Ramp::still(target);
    }

    /// The timeline jumped by `offset` samples: a line in progress goes on where it is.
    pub fn rebase(&mut self, offset: i64) {
        self.begin = self.begin.saturating_add(offset);
    }
}

/// Exact for the sample counts of any ramp (below 2^53).
#[allow(clippy::cast_precision_loss)]
fn real(samples: i64) -> f64 {
    samples as f64
}

/// Saturates, as float to integer conversion does in Rust.
#[allow(clippy::cast_possible_truncation)]
fn whole(samples: f64) -> i64 {
    samples as i64
}

#[cfg(test)]
mod tests {
    use super::{Pace, Ramp};

    const PACE: Pace = Pace { ramp_ms: 50.0, slew_per_s: 48.0 };
    const RATE: u32 = 48_000;

    #[test]
    fn a_small_change_takes_the_ramp_time_and_a_large_one_the_slew_limit() {
        assert_eq!(PACE.samples(1.0, RATE), 2400);
        assert_eq!(PACE.samples(-24.0, RATE), 24_000);
        assert_eq!(Pace { ramp_ms: 0.0, slew_per_s: 1e9 }.samples(1.0, RATE), 1);
    }

    #[test]
    fn the_line_begins_at_its_sample_and_ends_exactly_at_the_target() {
        let mut ramp = Ramp::still(0.0);
        ramp.set(2.4, 1000, PACE, RATE);
        assert_eq!(ramp.value(0).to_bits(), 0.0f64.to_bits());
        assert_eq!(ramp.value(1000).to_bits(), 0.0f64.to_bits());
        assert!((ramp.value(1001) - 0.001).abs() < 1e-12);
        assert!((ramp.value(2200) - 1.2).abs() < 1e-12);
        assert!(ramp.moves(3399) && !ramp.moves(3400));
        assert_eq!(ramp.value(3400).to_bits(), 2.4f64.to_bits());
        assert_eq!(ramp.end(), 3400);
    }

    #[test]
    fn many_values_at_once_have_the_same_bits() {
        let mut ramp = Ramp::still(-3.3);
        ramp.set(1.7, 1000, PACE, RATE);
        for position in [900, 990, 1001, 4000, ramp.end() - 64, ramp.end() - 10, ramp.end() + 5] {
            let mut many = [0.1; 64];
            ramp.add_to(position, &mut many);
            let one_by_one = (position..).take(64).map(|at| (0.1 + ramp.value(at)).to_bits());
            assert!(many.iter().map(|value| value.to_bits()).eq(one_by_one), "{position}");
        }
    }

    #[test]
    fn a_new_target_starts_from_the_value_at_its_sample_and_the_same_target_changes_nothing() {
        let mut ramp = Ramp::still(0.0);
        ramp.set(2.4, 0, PACE, RATE);
        let before = ramp;
        ramp.set(2.4, 700, PACE, RATE);
        assert_eq!(ramp, before);
        ramp.set(-1.0, 1200, PACE, RATE);
        assert!((ramp.value(1200) - 1.2).abs() < 1e-12);
        assert_eq!(ramp.end(), 1200 + PACE.samples(2.2, RATE));
    }

    #[test]
    fn a_jump_of_the_timeline_leaves_the_line_where_it_is() {
        let mut ramp = Ramp::still(0.0);
        ramp.set(2.4, 10_000, PACE, RATE);
        let before: Vec<u64> = (10_500..10_600).map(|p| ramp.value(p).to_bits()).collect();
        ramp.rebase(-1_000_000);
        let after: Vec<u64> = (-989_500..-989_400).map(|p| ramp.value(p).to_bits()).collect();
        assert_eq!(before, after);
    }
}
