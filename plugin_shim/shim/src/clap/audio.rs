//! The buffers of one call: the input goes to the output, where it is processed; the input is never written.

use clack_plugin::prelude::*;
use clack_plugin::process::ConstantMask;

use crate::plugin::{Active, MAX_CHANNELS};
use crate::processor::Block;

/// Processes the first port pair of `audio`; what has no input is silent.
pub(super) fn process(active: &mut Active, block: &Block, audio: &mut Audio) {
    if audio.frames_count() == 0 {
        // The host may give no buffers at all.
        return;
    }
    let flagged = audio.input_port_info(0).map(|port| port.constant_mask());
    let Some(constant) = process_pair(active, block, audio, flagged) else { return };
    if let Some(mut output) = audio.output_port(0) {
        output.set_constant_mask(constant);
    }
}

/// Returns which output channels are constant; `None` when there are no buffers of 32-bit samples.
fn process_pair(
    active: &mut Active,
    block: &Block,
    audio: &mut Audio,
    flagged: Option<ConstantMask>,
) -> Option<ConstantMask> {
    let pairs = audio.port_pair(0)?.channels().ok()?.into_f32()?;
    let mut inputs: [Option<&[f32]>; MAX_CHANNELS] = [None; MAX_CHANNELS];
    let mut outputs: [&mut [f32]; MAX_CHANNELS] = [&mut [], &mut []];
    let mut count = 0;
    for pair in pairs {
        let (input, output) = match pair {
            ChannelPair::InputOutput(input, output) => {
                output.copy_from_slice(input);
                (Some(input), output)
            }
            ChannelPair::InPlace(both) => (None, both),
            ChannelPair::OutputOnly(output) => {
                output.fill(0.0);
                (None, output)
            }
            ChannelPair::InputOnly(_) => continue,
        };
        if count < MAX_CHANNELS {
            inputs[count] = input;
            outputs[count] = output;
            count += 1;
        }
    }
    let outputs = &mut outputs[..count];
    if !active.process(block, outputs) {
        for (output, input) in outputs.iter_mut().zip(inputs) {
            if let Some(input) = input {
                output.copy_from_slice(input);
            }
        }
    }
    let mut constant = ConstantMask::FULLY_DYNAMIC;
    for (channel, output) in (0_u64..).zip(outputs.iter()) {
        // The hint may be wrong, so the samples decide; without it, looking would cost more than it gives.
        if flagged.is_some_and(|flags| flags.is_channel_constant(channel))
            && output.iter().all(|&sample| sample == 0.0)
        {
            constant.set_channel_constant(channel, true);
        }
    }
    Some(constant)
}
