//! Fades: a gain in dB that a plan knows for every 10 ms of a song, in straight lines between.

use crate::denormal::flush;
use crate::gain::amplitude;

/// Points per second.
pub const POINTS_PER_SECOND: u32 = 100;

/// The gain of a whole song: a function of the position and of nothing else.
///
/// Where it is 0 dB, and before its first point and after its last, no sample is touched.
#[derive(Clone, Debug, PartialEq)]
pub struct Fades {
    begin: i64,
    points: Vec<f32>,
}

impl Fades {
    /// Gains in dB at `points`, the first of which is number `begin` counted from position 0.
    #[must_use]
    pub fn new(begin: i64, points: Vec<f32>) -> Fades {
        Fades { begin, points }
    }

    /// Processes, in place, channels of equal length whose first sample is at `position` of a clock of `rate` Hz.
    pub fn process(&self, rate: u32, position: i64, channels: &mut [&mut [f32]]) {
        let step = i64::from(rate / POINTS_PER_SECOND);
        let frames = channels.iter().map(|channel| channel.len()).max().unwrap_or(0);
        let mut done = 0;
        while done < frames {
            let at = position.saturating_add(i64::try_from(done).unwrap_or(i64::MAX));
            let (point, phase) = (at.div_euclid(step), at.rem_euclid(step));
            let count = usize::try_from(step - phase).unwrap_or(usize::MAX).min(frames - done);
            let (from, to) = (self.decibels(point), self.decibels(point.saturating_add(1)));
            if from != 0.0 || to != 0.0 {
                for (index, gone) in (done..done + count).zip(phase..) {
                    let factor = amplitude(from + (to - from) * share(gone, step));
                    for channel in channels.iter_mut() {
                        channel[index] = flush(flush(channel[index]) * factor);
                    }
                }
            }
            done += count;
        }
    }

    fn decibels(&self, point: i64) -> f64 {
        let index = usize::try_from(point.saturating_sub(self.begin)).ok();
        index.and_then(|index| self.points.get(index)).map_or(0.0, |&gain| f64::from(gain))
    }
}

/// Both are less than the samples of 10 ms: exact.
#[allow(clippy::cast_precision_loss)]
fn share(gone: i64, step: i64) -> f64 {
    gone as f64 / step as f64
}

#[cfg(test)]
mod tests {
    use super::Fades;

    const RATE: u32 = 48_000;

    fn played(fades: &Fades, sizes: &[usize]) -> Vec<f32> {
        let (mut left, mut right) = (vec![1.0f32; 6000], vec![-1.0f32; 6000]);
        let mut done = 0;
        for &size in sizes.iter().cycle() {
            let end = (done + size).min(left.len());
            let at = i64::try_from(done).expect("few") - 480;
            fades.process(RATE, at, &mut [&mut left[done..end], &mut right[done..end]]);
            done = end;
            if done == left.len() {
                break;
            }
        }
        assert!(left.iter().zip(&right).all(|(left, right)| left.to_bits() == (-right).to_bits()));
        left
    }

    #[test]
    fn a_gain_goes_in_straight_lines_from_point_to_point_and_touches_nothing_else() {
        let heard = played(&Fades::new(2, vec![0.0, -6.0, -3.0, 0.0]), &[6000]);
        let decibels = |position: usize| 20.0 * f64::from(heard[position + 480]).log10();
        assert!((decibels(1440) + 6.0).abs() < 1e-5);
        assert!((decibels(1200) + 3.0).abs() < 1e-5);
        assert!((decibels(1680) + 4.5).abs() < 1e-5);
        let touched: Vec<usize> = (0..6000).filter(|&at| heard[at].to_bits() != 1.0f32.to_bits()).collect();
        assert_eq!((touched[0], touched.last()), (480 + 961, Some(&(480 + 2399))));
    }

    #[test]
    fn it_is_a_function_of_the_position_whatever_the_blocks() {
        let fades = Fades::new(-1, vec![-2.0, -0.5, 0.0, -4.0, 0.0]);
        let whole = played(&fades, &[6000]);
        for sizes in [&[1][..], &[64], &[480, 3, 1000]] {
            assert!(
                played(&fades, sizes).iter().zip(&whole).all(|(one, other)| one.to_bits() == other.to_bits())
            );
        }
    }
}
