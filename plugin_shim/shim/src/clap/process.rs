//! The audio thread: events in, audio, read-outs out.

use std::sync::atomic::Ordering::Relaxed;

use clack_extensions::params::PluginAudioProcessorParams;
use clack_extensions::tail::{PluginTailImpl, TailLength};
use clack_plugin::events::Pckn;
use clack_plugin::events::event_types::{ParamValueEvent, TransportEvent, TransportFlags};
use clack_plugin::events::spaces::CoreEventSpace;
use clack_plugin::prelude::*;
use clack_plugin::utils::SecondsTime;

use super::{MainThread, Shared};
use crate::params::ParamId;
use crate::plugin::Active;
use crate::processor::{Block, Transport};

/// The audio-thread side between activate and deactivate.
pub struct AudioProcessor<'a> {
    host: HostAudioProcessorHandle<'a>,
    shared: &'a Shared,
    active: Active,
    rate: f64,
    /// The host was asked for a call on its main thread and has not yet made it.
    called: bool,
}

impl<'a> PluginAudioProcessor<'a, Shared, MainThread<'a>> for AudioProcessor<'a> {
    fn activate(
        host: HostAudioProcessorHandle<'a>,
        main_thread: &MainThread<'a>,
        shared: &'a Shared,
        config: PluginAudioConfiguration,
    ) -> Result<Self, PluginError> {
        let channels = shared.channels.load(Relaxed);
        let rate = config.sample_rate;
        let before = shared.plugin.latency();
        let active = shared.plugin.activate(rate, config.max_frames_count, channels);
        if shared.plugin.latency() != before {
            main_thread.tell_latency();
        }
        Ok(Self { host, shared, active, rate, called: false })
    }

    fn deactivate(self, _main_thread: &MainThread<'a>) {
        drop(self.active);
        self.shared.plugin.deactivate();
    }

    fn reset(&mut self) {
        self.active.reset();
    }

    fn start_processing(&mut self) -> Result<(), PluginError> {
        self.active.reset();
        Ok(())
    }

    fn process(
        &mut self,
        process: Process,
        mut audio: Audio,
        events: Events,
    ) -> Result<ProcessStatus, PluginError> {
        for_each_change(events.input, |id, value| self.active.set(id, value));
        let block = Block {
            offline: self.shared.offline.load(Relaxed),
            transport: transport(process.transport, process.steady_time, self.rate),
        };
        super::audio::process(&mut self.active, &block, &mut audio);
        self.report(events.output);
        Ok(ProcessStatus::Continue)
    }
}

impl AudioProcessor<'_> {
    fn report(&mut self, output: &mut OutputEvents) {
        self.active.report_changes(|param, value| {
            // A full list loses a read-out, nothing else.
            let _ = output.try_push(ParamValueEvent::new(0, ClapId::new(param.id), Pckn::match_all(), value));
        });
        if self.active.take_restart() {
            self.host.request_restart();
        }
        let dirty = self.active.host_dirty();
        if dirty && !self.called {
            self.host.request_callback();
        }
        self.called = dirty;
    }
}

impl PluginAudioProcessorParams for AudioProcessor<'_> {
    fn flush(&mut self, input: &InputEvents, output: &mut OutputEvents) {
        for_each_change(input, |id, value| self.active.set(id, value));
        self.report(output);
    }
}

impl PluginTailImpl for AudioProcessor<'_> {
    fn get(&self) -> TailLength {
        TailLength::Finite(self.shared.plugin.tail())
    }
}

/// Calls `apply` with number and plain value of every parameter change; events of other kinds and
/// other namespaces are none.
pub(super) fn for_each_change(events: &InputEvents, mut apply: impl FnMut(ParamId, f64)) {
    for event in events {
        if let Some(CoreEventSpace::ParamValue(change)) = event.as_core_event()
            && let Some(id) = change.param_id()
        {
            apply(id.get(), change.value());
        }
    }
}

fn transport(event: Option<&TransportEvent>, steady: Option<u64>, rate: f64) -> Transport {
    let steady = steady.and_then(|steady| i64::try_from(steady).ok());
    let Some(event) = event else { return Transport { steady, ..Transport::default() } };
    let has = |flag| event.flags.contains(flag);
    let playing = has(TransportFlags::IS_PLAYING);
    let timed = playing && has(TransportFlags::HAS_SECONDS_TIMELINE);
    Transport {
        playing,
        position: timed.then(|| samples(event.song_pos_seconds, rate)).flatten(),
        steady,
        beat: has(TransportFlags::HAS_BEATS_TIMELINE).then(|| event.song_pos_beats.to_float()),
        tempo: has(TransportFlags::HAS_TEMPO).then_some(event.tempo).filter(|tempo| tempo.is_finite()),
    }
}

/// The sample at a time in seconds: the nearest, without a rounding error on the way. `None` at a rate of
/// broken hertz.
fn samples(time: SecondsTime, rate: f64) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation)] // The comparison shows whether it is exact.
    let whole = rate as i64;
    #[allow(clippy::cast_precision_loss)]
    if whole as f64 != rate {
        return None;
    }
    let half = i128::from(SecondsTime::FACTOR) / 2;
    let scaled = i128::from(time.to_bits()) * i128::from(whole) + half;
    i64::try_from(scaled.div_euclid(i128::from(SecondsTime::FACTOR))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_position_survives_the_hosts_fixed_point_seconds() {
        for rate in [44_100_i64, 48_000, 88_200, 96_000, 176_400, 192_000] {
            for step in 0..20_000_i64 {
                let position = (step - 3_000) * 104_729;
                let bits = (i128::from(position) << 31) / i128::from(rate);
                for rounding in 0..=1 {
                    let time = SecondsTime::from_bits(i64::try_from(bits + rounding).expect("fits"));
                    let rate = f64::from(u32::try_from(rate).expect("fits"));
                    assert_eq!(samples(time, rate), Some(position), "{position} at {rate}");
                }
            }
        }
    }

    #[test]
    fn the_largest_time_has_a_position_and_a_rate_of_broken_hertz_has_none() {
        assert_eq!(samples(SecondsTime::from_bits(i64::MAX), 192_000.0), Some(824_633_720_832_000));
        assert_eq!(samples(SecondsTime::from_bits(i64::MIN), 192_000.0), Some(-824_633_720_832_000));
        assert_eq!(samples(SecondsTime::from_bits(0), f64::INFINITY), None);
        assert_eq!(samples(SecondsTime::from_bits(0), 44_100.5), None);
    }
}
