//! The audio thread: every track once per block, at the pace of the sample rate, every output sample checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::*;
use clack_host::process::StoppedPluginAudioProcessor;
use serde::Serialize;

use crate::Settings;
use crate::track::{AudioSide, Host};

/// What the audio thread saw.
#[derive(Debug, Default, Serialize)]
pub struct AudioResult {
    /// Blocks per track.
    blocks: u64,
    /// Blocks of a track whose output was all zero although its input was not.
    silent_blocks: u64,
    /// Blocks of a track with a NaN or infinite sample.
    nonfinite_blocks: u64,
    /// Largest change of the gain from one sample to the next, in dB.
    max_step_db: f64,
    /// Largest and smallest gain, in dB.
    max_gain_db: f64,
    min_gain_db: f64,
    /// Processing time of all tracks for one block, in ms.
    block_ms_p50: f64,
    block_ms_p99: f64,
    block_ms_p99_9: f64,
}

/// The result and the processors, to be deactivated on the main thread.
pub struct Outcome {
    /// What was seen.
    pub result: AudioResult,
    /// One per track.
    pub audio: Vec<StoppedPluginAudioProcessor<Host>>,
}

/// Reads the gain out of the samples of one track.
#[derive(Clone, Copy)]
struct GainWatch {
    last: f32,
    largest_ratio: f32,
    max: f32,
    min: f32,
}

impl GainWatch {
    fn look(&mut self, input: &[f32], output: &[f32]) {
        for (input, output) in input.iter().zip(output) {
            let gain = output / input;
            if self.last > 0.0 {
                let ratio = gain / self.last;
                self.largest_ratio = self.largest_ratio.max(ratio).max(1.0 / ratio);
            }
            self.last = gain;
            self.max = self.max.max(gain);
            self.min = self.min.min(gain);
        }
    }
}

/// Starts the audio thread on `tracks`; it ends after the settings' seconds or when `stop` is set.
pub fn start(tracks: Vec<AudioSide>, settings: &Settings, stop: Arc<AtomicBool>) -> JoinHandle<Outcome> {
    let settings = settings.clone();
    std::thread::spawn(move || run(tracks, &settings, &stop))
}

fn run(mut tracks: Vec<AudioSide>, settings: &Settings, stop: &AtomicBool) -> Outcome {
    let frames = settings.block as usize;
    let period = Duration::from_secs_f64(f64::from(settings.block) / f64::from(settings.rate));
    let mut input = [vec![0.0_f32; frames], vec![0.0; frames]];
    let mut output = [vec![0.0_f32; frames], vec![0.0; frames]];
    let (mut in_ports, mut out_ports) = (AudioPorts::with_capacity(2, 1), AudioPorts::with_capacity(2, 1));
    let mut events_out = EventBuffer::with_capacity(64);
    let mut watches =
        vec![GainWatch { last: 0.0, largest_ratio: 1.0, max: 0.0, min: f32::MAX }; tracks.len()];
    let mut durations = Vec::with_capacity(1 << 20);
    let mut result = AudioResult::default();
    let begin = Instant::now();

    while begin.elapsed().as_secs_f64() < settings.seconds && !stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        for (track, watch) in tracks.iter_mut().zip(&mut watches) {
            let [left, right] = &mut input;
            track.signal.fill(left, right);
            events_out.clear();
            let ins = in_ports.with_input_buffers([AudioPortBuffer {
                latency: 0,
                channels: AudioPortBufferType::f32_input_only(input.iter_mut().map(InputChannel::variable)),
            }]);
            let mut outs = out_ports.with_output_buffers([AudioPortBuffer {
                latency: 0,
                channels: AudioPortBufferType::f32_output_only(output.iter_mut().map(|b| b.as_mut_slice())),
            }]);
            let none: [ParamValueEvent; 0] = [];
            let processed = track.plugin.process(
                &ins,
                &mut outs,
                &InputEvents::from_buffer(&none),
                &mut OutputEvents::from_buffer(&mut events_out),
                Some(result.blocks * u64::from(settings.block)),
                None,
            );
            if processed.is_err() || output[0].iter().all(|sample| *sample == 0.0) {
                result.silent_blocks += 1;
            }
            if output.iter().flatten().any(|sample| !sample.is_finite()) {
                result.nonfinite_blocks += 1;
            } else {
                watch.look(&input[0], &output[0]);
            }
        }
        durations.push(started.elapsed().as_secs_f64() * 1e3);
        result.blocks += 1;
        let due = period * u32::try_from(result.blocks).unwrap_or(u32::MAX);
        std::thread::sleep(due.saturating_sub(begin.elapsed()));
    }

    durations.sort_by(f64::total_cmp);
    let decibels = |gain: f32| 20.0 * f64::from(gain).log10();
    result.max_step_db = watches.iter().map(|watch| decibels(watch.largest_ratio)).fold(0.0, f64::max);
    result.max_gain_db = watches.iter().map(|watch| decibels(watch.max)).fold(f64::MIN, f64::max);
    result.min_gain_db = watches.iter().map(|watch| decibels(watch.min)).fold(f64::MAX, f64::min);
    result.block_ms_p50 = quantile(&durations, 0.5);
    result.block_ms_p99 = quantile(&durations, 0.99);
    result.block_ms_p99_9 = quantile(&durations, 0.999);
    Outcome { result, audio: tracks.into_iter().map(|track| track.plugin.stop_processing()).collect() }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index into a list that fits in memory"
)]
fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted.get(((sorted.len() as f64 - 1.0).max(0.0) * q).round() as usize).copied().unwrap_or(0.0)
}
