//! The buffers of one call: the input goes to the output, where it is processed; the input is never written.

use std::slice;

use ::vst3::Steinberg::Vst::{AudioBusBuffers, ProcessData};

use crate::plugin::{Active, MAX_CHANNELS};
use crate::processor::Block;

/// First input and output bus of a call. Channels that are missing are null.
pub(super) struct Buffers {
    frames: usize,
    inputs: [*const f32; MAX_CHANNELS],
    outputs: [*mut f32; MAX_CHANNELS],
    /// Channels of the output bus, as far as they are ours.
    count: usize,
    /// The host's word that an input channel is silent.
    silent: u64,
    /// Where the same is said of the output.
    flags: *mut u64,
}

impl Buffers {
    /// # Safety
    /// While the value is used: counts and pointers in `data` are null or as the VST3 contract says, nobody
    /// else writes the buffers, and `data` is for 32-bit samples.
    pub(super) unsafe fn new(data: &ProcessData) -> Self {
        let frames = usize::try_from(data.numSamples).unwrap_or(0);
        let mut buffers = Self {
            frames,
            inputs: [std::ptr::null(); MAX_CHANNELS],
            outputs: [std::ptr::null_mut(); MAX_CHANNELS],
            count: 0,
            silent: 0,
            flags: std::ptr::null_mut(),
        };
        if frames == 0 {
            // The host may give no buffers at all.
            return buffers;
        }
        // SAFETY: the first bus of each direction, where the counts say that there is one.
        unsafe {
            if data.numInputs > 0
                && let Some(bus) = data.inputs.as_ref()
            {
                for (channel, input) in buffers.inputs.iter_mut().enumerate().take(channels(bus)) {
                    *input = *bus.__field0.channelBuffers32.add(channel);
                }
                buffers.silent = bus.silenceFlags;
            }
            if data.numOutputs > 0
                && let Some(bus) = data.outputs.as_mut()
            {
                buffers.count = channels(bus).min(MAX_CHANNELS);
                for channel in 0..channels(bus) {
                    let output = *bus.__field0.channelBuffers32.add(channel);
                    if channel < MAX_CHANNELS {
                        buffers.outputs[channel] = output;
                    } else if !output.is_null() {
                        output.write_bytes(0, frames);
                    }
                }
                buffers.flags = &raw mut bus.silenceFlags;
            }
        }
        buffers
    }

    /// Input to output; what has no input is silent.
    pub(super) fn copy_through(&mut self) {
        for (&input, &output) in self.inputs.iter().zip(&self.outputs) {
            if output.is_null() || output.cast_const() == input {
                continue;
            }
            // SAFETY: `new`'s caller vouches for both; they may overlap.
            unsafe {
                if input.is_null() {
                    output.write_bytes(0, self.frames);
                } else {
                    output.copy_from(input, self.frames);
                }
            }
        }
    }

    /// Processes the output in place. When that fails, the input is there as it came.
    pub(super) fn process(&mut self, active: &mut Active, block: &Block) {
        if self.frames == 0 || !self.separate() {
            return;
        }
        let mut channels: [&mut [f32]; MAX_CHANNELS] = [&mut [], &mut []];
        for (channel, &output) in channels.iter_mut().zip(&self.outputs).take(self.count) {
            // SAFETY: not null and apart from the others, as just seen; `new`'s caller vouches for the rest.
            *channel = unsafe { slice::from_raw_parts_mut(output, self.frames) };
        }
        if !active.process(block, &mut channels[..self.count]) {
            self.copy_through();
        }
    }

    /// Marks the output channels that are silent.
    pub(super) fn flag_silence(&mut self) {
        // SAFETY: null, or the output bus of the host, which nothing else refers to now.
        let Some(flags) = (unsafe { self.flags.as_mut() }) else { return };
        *flags = 0;
        for (channel, &output) in self.outputs.iter().enumerate().take(self.count) {
            // A host may be wrong, so the samples decide; without its word, looking would cost more than
            // it gives.
            if self.silent & (1 << channel) == 0 || output.is_null() {
                continue;
            }
            // SAFETY: not null; `new`'s caller vouches for the rest, and no other slice of it is alive.
            let samples = unsafe { slice::from_raw_parts(output, self.frames) };
            if samples.iter().all(|&sample| sample == 0.0) {
                *flags |= 1 << channel;
            }
        }
    }

    /// Whether every output channel is there and none lies in another.
    fn separate(&self) -> bool {
        let outputs = &self.outputs[..self.count];
        let size = self.frames * size_of::<f32>();
        outputs.iter().all(|output| !output.is_null())
            && match outputs {
                [first, second] => first.addr().abs_diff(second.addr()) >= size,
                _ => true,
            }
    }
}

/// Channels of a bus that may be looked at.
fn channels(bus: &AudioBusBuffers) -> usize {
    // SAFETY: both members of the union are one pointer.
    let there = !unsafe { bus.__field0.channelBuffers32 }.is_null();
    if there { usize::try_from(bus.numChannels).unwrap_or(0) } else { 0 }
}
