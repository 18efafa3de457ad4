//! How a loop of any length loses what a reverberation time per octave asks for.
//!
//! A signal that has to fall by 60 dB in T seconds loses 60 / (rate T) dB per sample of delay. Each line of
//! the network has six high shelves, one between each two octaves, and a gain; together they have the loss
//! of its length at the middle of every octave. Shelves overlap, so their gains solve a linear system
//! (Välimäki and Liski, "Accurate Cascade Graphic Equalizer", 2017): its matrix depends on the rate alone and
//! is inverted once, which leaves a product and the shelves' own formulas for audio.

use std::f64::consts::{LOG2_10, PI, SQRT_2};

/// Octave bands, 125 Hz to 8 kHz.
pub const BANDS: usize = 7;
/// Lines of the network.
pub const LINES: usize = 8;
/// Shelves between the bands.
const SHELVES: usize = BANDS - 1;
/// Middle of the lowest band in Hz.
const LOWEST: f64 = 125.0;
/// Steepness of the shelves: the least error of the decays among 0.6 to 1.0.
const Q: f64 = 1.0;
/// Gain in dB at which shelves are measured for the linear system.
const TRIED_DB: f64 = -3.0;
/// States closer to zero than this become zero at the next step: no subnormal number lives long.
const NOTHING: f64 = 1e-30;

type Matrix = [[f64; BANDS]; BANDS];
type Lanes = [f64; LINES];

/// The filters of all lines, side by side.
#[derive(Debug)]
pub struct Decay {
    rate: f64,
    shelves: [Shelf; SHELVES],
    /// From losses at the bands to the gain and those of the shelves.
    solution: Matrix,
}

/// One shelf in every line.
#[derive(Clone, Debug)]
struct Shelf {
    cosine: f64,
    /// Sine over twice Q.
    alpha: f64,
    b: [Lanes; 3],
    a: [Lanes; 2],
    state: [Lanes; 2],
}

impl Decay {
    /// Filters that pass everything. Solves the linear system.
    #[must_use]
    pub fn new(rate: f64) -> Decay {
        let shelf = |index: i32| {
            let omega = 2.0 * PI * LOWEST * 2f64.powi(index) * SQRT_2 / rate;
            let one = [1.0; LINES];
            let zero = [0.0; LINES];
            Shelf {
                cosine: omega.cos(),
                alpha: omega.sin() / (2.0 * Q),
                b: [one, zero, zero],
                a: [zero; 2],
                state: [zero; 2],
            }
        };
        let shelves = [0, 1, 2, 3, 4, 5].map(shelf);
        let mut matrix = [[1.0; BANDS]; BANDS];
        for (row, index) in matrix.iter_mut().zip(0..) {
            let omega = 2.0 * PI * LOWEST * 2f64.powi(index) / rate;
            for (entry, shelf) in row[1..].iter_mut().zip(&shelves) {
                *entry = shelf.gain_db(TRIED_DB, omega) / TRIED_DB;
            }
        }
        Decay { rate, shelves, solution: inverse(matrix) }
    }

    /// Forgets what the filters heard.
    pub fn forget(&mut self) {
        for shelf in &mut self.shelves {
            shelf.state = [[0.0; LINES]; 2];
        }
    }

    /// Makes what is next to nothing nothing.
    pub fn settle(&mut self) {
        for state in self.shelves.iter_mut().flat_map(|shelf| shelf.state.iter_mut().flatten()) {
            if state.abs() < NOTHING {
                *state = 0.0;
            }
        }
    }

    /// Sets the reverberation times `t60` in s of loops of `lengths` samples.
    pub fn set(&mut self, t60: &[f64; BANDS], lengths: &Lanes) {
        let mut per_sample = [0.0; BANDS];
        for (gain, row) in per_sample.iter_mut().zip(&self.solution) {
            *gain = row.iter().zip(t60).map(|(weight, t60)| weight * (-60.0 / (self.rate * t60))).sum();
        }
        for (line, length) in lengths.iter().enumerate() {
            for (shelf, gain) in self.shelves.iter_mut().zip(&per_sample[1..]) {
                let (b, a) = shelf.coefficients(gain * length);
                for (lanes, value) in shelf.b.iter_mut().zip(b) {
                    lanes[line] = value;
                }
                for (lanes, value) in shelf.a.iter_mut().zip(a) {
                    lanes[line] = value;
                }
            }
            let flat = (per_sample[0] * length * (LOG2_10 / 20.0)).exp2();
            for lanes in &mut self.shelves[0].b {
                lanes[line] *= flat;
            }
        }
    }

    /// One sample of every line.
    #[inline]
    #[must_use]
    pub fn filter(&mut self, mut samples: Lanes) -> Lanes {
        for Shelf { b, a, state: [first, second], .. } in &mut self.shelves {
            for line in 0..LINES {
                let input = samples[line];
                let output = b[0][line] * input + first[line];
                first[line] = b[1][line] * input - a[0][line] * output + second[line];
                second[line] = b[2][line] * input - a[1][line] * output;
                samples[line] = output;
            }
        }
        samples
    }
}

impl Shelf {
    /// Numerator and denominator for `gain_db` above the corner (R. Bristow-Johnson, "Cookbook formulae for
    /// audio EQ biquad filter coefficients").
    fn coefficients(&self, gain_db: f64) -> ([f64; 3], [f64; 2]) {
        let root = (gain_db * (LOG2_10 / 80.0)).exp2();
        let level = root * root;
        let (more, less) = (level + 1.0, level - 1.0);
        let bend = 2.0 * root * self.alpha;
        let c = self.cosine;
        let scale = 1.0 / (more - less * c + bend);
        (
            [
                level * (more + less * c + bend) * scale,
                -2.0 * level * (less + more * c) * scale,
                level * (more + less * c - bend) * scale,
            ],
            [2.0 * (less - more * c) * scale, (more - less * c - bend) * scale],
        )
    }

    /// What the shelf does at `omega` radians per sample, in dB.
    fn gain_db(&self, gain_db: f64, omega: f64) -> f64 {
        let ([b0, b1, b2], [a1, a2]) = self.coefficients(gain_db);
        let (c1, c2) = (omega.cos(), (2.0 * omega).cos());
        let power = |x0: f64, x1: f64, x2: f64| {
            x0 * x0 + x1 * x1 + x2 * x2 + 2.0 * (x0 * x1 + x1 * x2) * c1 + 2.0 * x0 * x2 * c2
        };
        10.0 * (power(b0, b1, b2) / power(1.0, a1, a2)).log10()
    }
}

/// The inverse of a matrix that has one, by elimination with the largest pivot.
fn inverse(mut matrix: Matrix) -> Matrix {
    let mut result = [[0.0; BANDS]; BANDS];
    for (index, row) in result.iter_mut().enumerate() {
        row[index] = 1.0;
    }
    for column in 0..BANDS {
        let pivot = (column..BANDS)
            .max_by(|&one, &other| matrix[one][column].abs().total_cmp(&matrix[other][column].abs()));
        let pivot = pivot.unwrap_or(column);
        matrix.swap(column, pivot);
        result.swap(column, pivot);
        let scale = 1.0 / matrix[column][column];
        for value in matrix[column].iter_mut().chain(&mut result[column]) {
            *value *= scale;
        }
        let (own, made) = (matrix[column], result[column]);
        for row in (0..BANDS).filter(|&row| row != column) {
            let factor = matrix[row][column];
            for (value, own) in matrix[row].iter_mut().zip(own) {
                *value -= factor * own;
            }
            for (value, made) in result[row].iter_mut().zip(made) {
                *value -= factor * made;
            }
        }
    }
    result
}
