//! A plain delay of whole samples, bit for bit.

/// One channel that comes out a fixed number of samples late.
#[derive(Clone, Debug)]
pub struct Line {
    held: Vec<f32>,
    at: usize,
}

impl Line {
    /// A line of `latency` samples of silence. Allocates; nothing else here does.
    #[must_use]
    pub fn new(latency: usize) -> Line {
        Line { held: vec![0.0; latency], at: 0 }
    }

    /// Silence again.
    pub fn forget(&mut self) {
        self.held.fill(0.0);
    }

    /// Takes `input` in and gives what is due to `output`, which is equally long.
    pub fn pass(&mut self, input: &[f32], output: &mut [f32]) {
        for (input, output) in input.iter().zip(output) {
            match self.held.get_mut(self.at) {
                Some(held) => *output = std::mem::replace(held, *input),
                None => *output = *input,
            }
            self.at += 1;
            if self.at >= self.held.len() {
                self.at = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn what_goes_in_comes_out_later_bit_for_bit_in_pieces_of_any_length() {
        let input: Vec<f32> = (1u32..100).map(|bits| f32::from_bits(0x7fc0_0000 + bits)).collect();
        for latency in [0, 1, 7, 200] {
            let mut line = Line::new(latency);
            let mut output = vec![1.0; input.len()];
            for (input, output) in input.chunks(9).zip(output.chunks_mut(9)) {
                line.pass(input, output);
            }
            let bits = |samples: &[f32]| samples.iter().map(|sample| sample.to_bits()).collect::<Vec<_>>();
            let silent = latency.min(input.len());
            assert_eq!(bits(&output[..silent]), vec![0; silent]);
            assert_eq!(bits(&output[silent..]), bits(&input[..input.len() - silent]));
        }
    }
}
