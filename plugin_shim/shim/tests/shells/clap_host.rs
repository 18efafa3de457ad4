//! A CLAP host of one instance, with the entry of the plugin linked in.

use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use clack_extensions::audio_ports_config::PluginAudioPortsConfig;
use clack_extensions::latency::PluginLatency;
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamInfoBuffer,
    ParamInfoFlags, ParamRescanFlags, PluginParams,
};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::{HostState, HostStateImpl, PluginState};
use clack_extensions::tail::PluginTail;
use clack_extensions::track_info::{
    HostTrackInfo, HostTrackInfoImpl, PluginTrackInfo, TrackInfo, TrackInfoWriter,
};
use clack_host::events::event_types::{ParamValueEvent, TransportEvent, TransportFlags};
use clack_host::events::{EventFlags, EventHeader, Pckn};
use clack_host::prelude::*;
use clack_host::process::StartedPluginAudioProcessor;
use clack_host::utils::{BeatTime, SecondsTime};
use hybridmix_shim::ClapEntry;

use crate::host::{Answer, Call, Host, Info, guarded, isolate};

pub const ID: &CStr = c"org.hybridmix.shim";

#[derive(Default)]
pub struct Shared {
    callback: AtomicBool,
    restarts: AtomicUsize,
}

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {
        self.restarts.fetch_add(1, SeqCst);
    }
    fn request_process(&self) {}
    fn request_callback(&self) {
        self.callback.store(true, SeqCst);
    }
}

impl HostParamsImplShared for Shared {
    fn request_flush(&self) {}
}

#[derive(Default)]
pub struct MainThread {
    /// Leaked, which the interface of the writer asks for.
    track: Cell<Option<&'static str>>,
    rescans: Cell<usize>,
    dirty: Cell<usize>,
}

impl MainThreadHandler<'_> for MainThread {}

impl HostParamsImplMainThread for MainThread {
    fn rescan(&self, flags: ParamRescanFlags) {
        assert_eq!(flags, ParamRescanFlags::VALUES, "an active plugin may ask for no more");
        self.rescans.set(self.rescans.get() + 1);
    }

    fn clear(&self, _id: ClapId, _flags: ParamClearFlags) {}
}

impl HostStateImpl for MainThread {
    fn mark_dirty(&self) {
        self.dirty.set(self.dirty.get() + 1);
    }
}

impl HostTrackInfoImpl for MainThread {
    fn get<'a>(&'a self, writer: &mut TrackInfoWriter<'_, 'a>) {
        if let Some(name) = self.track.get() {
            writer.set(&TrackInfo::new().with_name(Some(name.as_bytes())));
        }
    }
}

/// The host's types.
pub struct Handlers;

impl HostHandlers for Handlers {
    type Shared<'a> = Shared;
    type MainThread<'a> = MainThread;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _shared: &Shared) {
        builder.register::<HostParams>().register::<HostState>().register::<HostTrackInfo>();
    }
}

pub struct ClapHost {
    // Dropped before the instance.
    audio: Option<StartedPluginAudioProcessor<Handlers>>,
    pub instance: PluginInstance<Handlers>,
    offline: bool,
}

pub fn entry() -> PluginEntry {
    isolate();
    PluginEntry::load_from_clack::<ClapEntry>(c"/nowhere/HybridMix.clap").expect("the entry loads")
}

pub fn instance(id: &CStr) -> Result<PluginInstance<Handlers>, PluginInstanceError> {
    let info = HostInfo::new("tests", "HybridMix", "", "1").expect("no zero bytes");
    PluginInstance::new(|_| Shared::default(), |_| MainThread::default(), &entry(), id, &info)
}

impl ClapHost {
    pub fn extension<
        E: clack_host::extensions::Extension<ExtensionSide = clack_host::extensions::PluginExtensionSide>,
    >(
        &mut self,
    ) -> E {
        self.instance.plugin_handle().get_extension().expect("the plugin has the extension")
    }

    /// Processes with events of the caller's making.
    pub fn process_events(
        &mut self,
        call: &Call,
        events: &InputEvents,
        input: &[Vec<f32>],
        output: &mut [Vec<f32>],
    ) -> Answer {
        if call.offline != self.offline {
            self.offline = call.offline;
            let mode = if call.offline { RenderMode::Offline } else { RenderMode::Realtime };
            let render: PluginRender = self.extension();
            render.set(&self.instance.plugin_handle(), mode).expect("accepted");
        }
        let transport = call.playing.map(transport);
        let mut input = input.to_vec();
        let (mut inputs, mut outputs) = (AudioPorts::with_capacity(2, 1), AudioPorts::with_capacity(2, 1));
        let mut reported = EventBuffer::with_capacity(64);
        let audio = self.audio.as_mut().expect("active");
        let mut result = Answer::default();
        if call.without_buffers {
            let mut events_out = OutputEvents::from_buffer(&mut reported);
            let none = InputAudioBuffers::empty();
            let mut nowhere = outputs.with_output_buffers::<[AudioPortBuffer<_, std::iter::Empty<&mut [f64]>>; 0], _, std::iter::Empty<&mut [f32]>, _>([]);
            let (status, allocations) = guarded(|| {
                audio.process(&none, &mut nowhere, events, &mut events_out, None, transport.as_ref())
            });
            result.ok = status.is_ok();
            result.allocations = allocations;
        } else {
            let frames = input.first().map_or(0, Vec::len);
            let pointers: Vec<*mut f32> = input.iter_mut().map(Vec::as_mut_ptr).collect();
            let ins = inputs.with_input_buffers([AudioPortBuffer {
                latency: 0,
                channels: AudioPortBufferType::f32_input_only(input.iter_mut().enumerate().map(
                    |(channel, buffer)| {
                        InputChannel::from_buffer(buffer.as_mut_slice(), channel < call.silent)
                    },
                )),
            }]);
            let target = output.iter_mut().zip(&pointers).map(|(buffer, &pointer)| {
                if call.in_place {
                    // SAFETY: the input of this call, which lives until its end and which nothing else writes.
                    unsafe { std::slice::from_raw_parts_mut(pointer, frames) }
                } else {
                    buffer.as_mut_slice()
                }
            });
            let mut outs = outputs.with_output_buffers([AudioPortBuffer {
                latency: 0,
                channels: AudioPortBufferType::f32_output_only(target),
            }]);
            let mut events_out = OutputEvents::from_buffer(&mut reported);
            let steady = call.steady.map(|steady| steady as u64);
            let (status, allocations) = guarded(|| {
                audio.process(&ins, &mut outs, events, &mut events_out, steady, transport.as_ref())
            });
            result.ok = status.is_ok();
            result.allocations = allocations;
            result.silent = outs.port_info(0).map_or(0, |port| port.constant_mask().to_bits()) & 3;
            if call.in_place {
                for (buffer, input) in output.iter_mut().zip(&input) {
                    buffer.clone_from(input);
                }
            }
        }
        result.reported = reported
            .iter()
            .filter_map(|event| event.as_event::<ParamValueEvent>())
            .map(|event| (event.param_id().expect("valid").get(), event.value()))
            .collect();
        result
    }
}

fn transport(position: i64) -> TransportEvent {
    TransportEvent {
        header: EventHeader::new_core(0, EventFlags::empty()),
        flags: TransportFlags::IS_PLAYING | TransportFlags::HAS_SECONDS_TIMELINE | TransportFlags::HAS_TEMPO,
        song_pos_beats: BeatTime::default(),
        song_pos_seconds: SecondsTime::from_bits(((i128::from(position) << 31) / 48_000) as i64),
        tempo: 120.0,
        tempo_inc: 0.0,
        loop_start_beats: BeatTime::default(),
        loop_end_beats: BeatTime::default(),
        loop_start_seconds: SecondsTime::default(),
        loop_end_seconds: SecondsTime::default(),
        bar_start: BeatTime::default(),
        bar_number: 0,
        time_signature_numerator: 4,
        time_signature_denominator: 4,
    }
}

impl Host for ClapHost {
    fn new() -> Self {
        Self { audio: None, instance: instance(ID).expect("the plugin is there"), offline: false }
    }

    fn set_channels(&mut self, channels: u16) -> bool {
        let config: PluginAudioPortsConfig = self.extension();
        config.select(&self.instance.plugin_handle(), ClapId::new(channels.into())).is_ok()
    }

    fn activate(&mut self, rate: f64, max_frames: u32) {
        let config =
            PluginAudioConfiguration { sample_rate: rate, min_frames_count: 1, max_frames_count: max_frames };
        let stopped = self.instance.activate(|_, _| (), config).expect("activates");
        self.audio = Some(stopped.start_processing().expect("starts"));
    }

    fn deactivate(&mut self) {
        if let Some(audio) = self.audio.take() {
            self.instance.deactivate(audio.stop_processing());
        }
    }

    fn reset(&mut self) {
        self.audio.as_mut().expect("active").reset();
    }

    fn process(&mut self, call: &Call, input: &[Vec<f32>], output: &mut [Vec<f32>]) -> Answer {
        let events: Vec<ParamValueEvent> = call
            .changes
            .iter()
            .map(|&(id, offset, plain)| {
                ParamValueEvent::new(offset, ClapId::new(id), Pckn::match_all(), plain)
            })
            .collect();
        self.process_events(call, &InputEvents::from_buffer(&events), input, output)
    }

    fn params(&mut self) -> Vec<Info> {
        let params: PluginParams = self.extension();
        let handle = self.instance.plugin_handle();
        (0..params.count(&handle))
            .map(|index| {
                let mut buffer = ParamInfoBuffer::new();
                let info = params.get_info(&handle, index, &mut buffer).expect("below the count");
                Info {
                    id: info.id.get(),
                    name: String::from_utf8(info.name.to_vec()).expect("text"),
                    min: info.min_value,
                    max: info.max_value,
                    default: info.default_value,
                    read_only: info.flags.contains(ParamInfoFlags::IS_READONLY),
                    bypass: info.flags.contains(ParamInfoFlags::IS_BYPASS),
                    stepped: info.flags.contains(ParamInfoFlags::IS_STEPPED),
                }
            })
            .collect()
    }

    fn value(&mut self, id: u32) -> Option<f64> {
        let params: PluginParams = self.extension();
        params.get_value(&self.instance.plugin_handle(), ClapId::new(id))
    }

    fn edit(&mut self, id: u32, plain: f64) {
        let params: PluginParams = self.extension();
        let event = [ParamValueEvent::new(0, ClapId::new(id), Pckn::match_all(), plain)];
        let events = InputEvents::from_buffer(&event);
        match &mut self.audio {
            Some(audio) => {
                params.flush_active(&mut audio.plugin_handle(), &events, &mut OutputEvents::void())
            }
            None => {
                let mut handle = self.instance.inactive_plugin_handle().expect("not active");
                params.flush(&mut handle, &events, &mut OutputEvents::void());
            }
        }
    }

    fn text(&mut self, id: u32, plain: f64) -> Option<String> {
        let params: PluginParams = self.extension();
        let mut buffer = [0; 64];
        let text =
            params.value_to_text(&self.instance.plugin_handle(), ClapId::new(id), plain, &mut buffer).ok()?;
        Some(String::from_utf8(text.to_vec()).expect("text"))
    }

    fn parse(&mut self, id: u32, text: &str) -> Option<f64> {
        let params: PluginParams = self.extension();
        let text = CString::new(text).ok()?;
        params.text_to_value(&self.instance.plugin_handle(), ClapId::new(id), &text)
    }

    fn save(&mut self) -> Vec<u8> {
        let state: PluginState = self.extension();
        let mut bytes = Vec::new();
        state.save(&self.instance.plugin_handle(), &mut bytes).expect("saves");
        bytes
    }

    fn load(&mut self, bytes: &[u8]) -> bool {
        let state: PluginState = self.extension();
        state.load(&self.instance.plugin_handle(), &mut &*bytes).is_ok()
    }

    fn name_track(&mut self, name: &str) {
        self.instance.access_handler(|main| main.track.set(Some(name.to_owned().leak())));
        let info: PluginTrackInfo = self.extension();
        info.changed(&self.instance.plugin_handle());
    }

    fn latency_and_tail(&mut self) -> (u32, u32) {
        let (latency, tail): (PluginLatency, PluginTail) = (self.extension(), self.extension());
        let samples = latency.get(&self.instance.plugin_handle());
        let tail = self.audio.as_mut().map_or(0, |audio| tail.get(&audio.plugin_handle()).to_raw());
        (samples, tail)
    }

    fn restarts(&mut self) -> usize {
        self.instance.access_shared_handler(|shared| shared.restarts.load(SeqCst))
    }

    fn rescans(&mut self) -> usize {
        self.instance.access_handler(|main| main.rescans.get())
    }

    fn changes(&mut self) -> usize {
        if self.instance.access_shared_handler(|shared| shared.callback.swap(false, SeqCst)) {
            self.instance.call_on_main_thread_callback();
        }
        self.instance.access_handler(|main| main.dirty.get())
    }
}

impl Drop for ClapHost {
    fn drop(&mut self) {
        self.deactivate();
    }
}
