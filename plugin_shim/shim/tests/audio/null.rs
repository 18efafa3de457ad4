//! Neutral values: what comes in goes out, bit for bit.

use crate::rig::{Rig, noise, playing};

#[test]
fn neutral_is_bit_exact_at_every_rate_block_size_and_channel_count() {
    for rate in [44_100u32, 48_000, 88_200, 96_000, 176_400, 192_000] {
        for channels in [1u16, 2] {
            let mut rig = Rig::new(rate, 8192, channels);
            let mut position = -12_345;
            for frames in [0usize, 1, 64, 8192, 441, 0, 4097, 128, 20_000] {
                let mut left = noise(frames as u64 + 1, frames);
                let special = [f32::NAN, f32::from_bits(0x7f80_0001), f32::from_bits(1), -0.0, f32::INFINITY];
                for (sample, odd) in left.iter_mut().zip(special) {
                    *sample = odd;
                }
                let mut right = noise(frames as u64 + 2, frames);
                let expected: Vec<u32> = left.iter().chain(&right).map(|sample| sample.to_bits()).collect();
                let block = playing(position);
                if channels == 2 {
                    rig.process(&block, &mut [&mut left, &mut right]);
                } else {
                    rig.process(&block, &mut [&mut left]);
                }
                let after: Vec<u32> = left.iter().chain(&right).map(|sample| sample.to_bits()).collect();
                assert_eq!(after, expected, "rate {rate}, {channels} channels, {frames} frames");
                position += frames as i64;
                rig.take();
            }
        }
    }
}
