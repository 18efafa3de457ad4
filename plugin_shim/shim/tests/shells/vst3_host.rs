//! A VST3 host of one instance, with the factory of the plugin linked in.

use std::ffi::c_void;
use std::ptr::null_mut;

use vst3::Steinberg::Vst::ChannelContext::{IInfoListener, IInfoListenerTrait as _};
use vst3::Steinberg::Vst::ParameterInfo_::ParameterFlags_ as Flags;
use vst3::Steinberg::Vst::ProcessContext_::StatesAndFlags_ as States;
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, IAudioProcessor, IAudioProcessorTrait as _, IComponent,
    IComponent_iid, IComponentHandler, IComponentTrait as _, IEditController, IEditControllerTrait as _,
    IParameterChanges, ParameterInfo, ProcessContext, ProcessData, ProcessModes_, ProcessSetup, SpeakerArr,
    String128, TChar,
};
use vst3::Steinberg::{
    IBStream, IPluginBaseTrait as _, IPluginFactory, IPluginFactoryTrait as _, PClassInfo, kResultOk,
    kResultTrue,
};
use vst3::{ComPtr, ComWrapper};

use crate::host::{Answer, Call, Host, Info, guarded, isolate};
use crate::vst3_objects::{Changes, Handler, Stream, Track};

pub struct Vst3Host {
    pub component: ComPtr<IComponent>,
    pub processor: ComPtr<IAudioProcessor>,
    pub controller: ComPtr<IEditController>,
    pub handler: ComWrapper<Handler>,
    channels: u16,
    active: bool,
}

pub fn factory() -> ComPtr<IPluginFactory> {
    isolate();
    // SAFETY: the function gives a reference of that interface.
    unsafe { ComPtr::from_raw(hybridmix_shim::get_plugin_factory().cast()) }.expect("a factory")
}

pub fn zeroed<T>() -> T {
    // SAFETY: used for the plain structs of the interface alone, for which zeros are a value.
    unsafe { std::mem::zeroed() }
}

fn channel_pointers(audio: &mut [Vec<f32>]) -> Vec<*mut f32> {
    audio.iter_mut().map(Vec::as_mut_ptr).collect()
}

fn bus(pointers: &mut [*mut f32], silent: usize) -> AudioBusBuffers {
    AudioBusBuffers {
        numChannels: pointers.len() as i32,
        silenceFlags: (1 << silent) - 1,
        __field0: AudioBusBuffers__type0 { channelBuffers32: pointers.as_mut_ptr() },
    }
}

impl Host for Vst3Host {
    fn new() -> Self {
        let factory = factory();
        let mut class: PClassInfo = zeroed();
        let mut object: *mut c_void = null_mut();
        let handler = ComWrapper::new(Handler::default());
        // SAFETY: calls of the interface with arguments as it asks for them.
        unsafe {
            assert_eq!(factory.getClassInfo(0, &raw mut class), kResultOk);
            let made = factory.createInstance(class.cid.as_ptr(), IComponent_iid.as_ptr(), &raw mut object);
            assert_eq!(made, kResultOk);
            let component = ComPtr::<IComponent>::from_raw(object.cast()).expect("an instance");
            assert_eq!(component.initialize(null_mut()), kResultOk);
            let controller: ComPtr<IEditController> = component.cast().expect("its own controller");
            let told = handler.to_com_ptr::<IComponentHandler>().expect("has the interface");
            assert_eq!(controller.setComponentHandler(told.as_ptr()), kResultOk);
            let processor = component.cast().expect("a processor");
            Self { component, processor, controller, handler, channels: 2, active: false }
        }
    }

    fn set_channels(&mut self, channels: u16) -> bool {
        let mut arrangement = match channels {
            1 => SpeakerArr::kMono,
            2 => SpeakerArr::kStereo,
            _ => SpeakerArr::k51,
        };
        let arrangement = &raw mut arrangement;
        // SAFETY: one arrangement each.
        let accepted =
            unsafe { self.processor.setBusArrangements(arrangement, 1, arrangement, 1) } == kResultTrue;
        if accepted {
            self.channels = channels;
        }
        accepted
    }

    fn activate(&mut self, rate: f64, max_frames: u32) {
        let mut setup = ProcessSetup {
            processMode: 0,
            symbolicSampleSize: 0,
            maxSamplesPerBlock: max_frames as i32,
            sampleRate: rate,
        };
        // SAFETY: calls of the interface with arguments as it asks for them.
        unsafe {
            assert_eq!(self.processor.setupProcessing(&raw mut setup), kResultOk);
            assert_eq!(self.component.setActive(1), kResultOk);
            assert_eq!(self.processor.setProcessing(1), kResultOk);
        }
        self.active = true;
    }

    fn deactivate(&mut self) {
        if std::mem::take(&mut self.active) {
            // SAFETY: calls of the interface.
            unsafe {
                self.processor.setProcessing(0);
                self.component.setActive(0);
            }
        }
    }

    fn reset(&mut self) {
        // SAFETY: calls of the interface.
        unsafe {
            self.processor.setProcessing(0);
            self.processor.setProcessing(1);
        }
    }

    fn process(&mut self, call: &Call, input: &[Vec<f32>], output: &mut [Vec<f32>]) -> Answer {
        let mut input = input.to_vec();
        let before = input.clone();
        let frames = input.first().map_or(0, Vec::len);
        let mut ins = channel_pointers(&mut input);
        let mut outs = if call.in_place { ins.clone() } else { channel_pointers(output) };
        let (mut input_bus, mut output_bus) = (bus(&mut ins, call.silent), bus(&mut outs, 0));
        output_bus.silenceFlags = 3;
        let mut context: ProcessContext = zeroed();
        context.sampleRate = 48_000.0;
        if let Some(position) = call.playing {
            context.state |= States::kPlaying | States::kTempoValid;
            context.projectTimeSamples = position;
            context.tempo = 120.0;
        }
        if let Some(steady) = call.steady {
            context.state |= States::kContTimeValid;
            context.continousTimeSamples = steady;
        }
        let changes = ComWrapper::new(Changes::new(call.changes.len()));
        for &(id, offset, plain) in &call.changes {
            // SAFETY: a call of the interface.
            let normalised = unsafe { self.controller.plainParamToNormalized(id, plain) };
            changes.push(id, offset as i32, normalised);
        }
        let reported = ComWrapper::new(Changes::new(64));
        let changes_in = changes.to_com_ptr::<IParameterChanges>().expect("has the interface");
        let changes_out = reported.to_com_ptr::<IParameterChanges>().expect("has the interface");
        let mut data: ProcessData = zeroed();
        data.processMode =
            if call.offline { ProcessModes_::kOffline } else { ProcessModes_::kRealtime } as i32;
        data.numSamples = frames as i32;
        data.inputParameterChanges = changes_in.as_ptr();
        data.outputParameterChanges = changes_out.as_ptr();
        data.processContext = &raw mut context;
        if !call.without_buffers {
            (data.numInputs, data.numOutputs) = (1, 1);
            (data.inputs, data.outputs) = (&raw mut input_bus, &raw mut output_bus);
        }
        // SAFETY: everything that `data` points to lives until the end of this function.
        let (result, allocations) = guarded(|| unsafe { self.processor.process(&raw mut data) });
        if call.in_place {
            output.clone_from_slice(&input);
        } else {
            assert_eq!(crate::host::bits(&input), crate::host::bits(&before), "the input was written");
        }
        let mut plain = |(id, normalised)| {
            // SAFETY: a call of the interface.
            (id, unsafe { self.controller.normalizedParamToPlain(id, normalised) })
        };
        Answer {
            ok: result == kResultOk,
            silent: if call.without_buffers { 0 } else { output_bus.silenceFlags },
            reported: reported.last_points().into_iter().map(&mut plain).collect(),
            allocations,
        }
    }

    fn params(&mut self) -> Vec<Info> {
        // SAFETY: a call of the interface.
        let count = unsafe { self.controller.getParameterCount() };
        (0..count)
            .map(|index| {
                let mut info: ParameterInfo = zeroed();
                // SAFETY: calls of the interface with room for the answer.
                unsafe {
                    assert_eq!(self.controller.getParameterInfo(index, &raw mut info), kResultOk);
                    let plain = |normalised| self.controller.normalizedParamToPlain(info.id, normalised);
                    let has = |flag| info.flags & flag != 0;
                    Info {
                        id: info.id,
                        name: text(&info.title),
                        min: plain(0.0),
                        max: plain(1.0),
                        default: plain(info.defaultNormalizedValue),
                        read_only: has(Flags::kIsReadOnly),
                        bypass: has(Flags::kIsBypass),
                        stepped: info.stepCount > 0,
                    }
                }
            })
            .collect()
    }

    fn value(&mut self, id: u32) -> Option<f64> {
        // SAFETY: calls of the interface.
        unsafe { Some(self.controller.normalizedParamToPlain(id, self.controller.getParamNormalized(id))) }
    }

    fn edit(&mut self, id: u32, plain: f64) {
        // SAFETY: calls of the interface.
        unsafe { self.controller.setParamNormalized(id, self.controller.plainParamToNormalized(id, plain)) };
    }

    fn text(&mut self, id: u32, plain: f64) -> Option<String> {
        let mut to: String128 = [0; 128];
        // SAFETY: calls of the interface with room for the answer.
        let result = unsafe {
            let normalised = self.controller.plainParamToNormalized(id, plain);
            self.controller.getParamStringByValue(id, normalised, &raw mut to)
        };
        (result == kResultOk).then(|| text(&to))
    }

    fn parse(&mut self, id: u32, text: &str) -> Option<f64> {
        let mut units: Vec<TChar> = text.encode_utf16().chain([0]).collect();
        let mut normalised = 0.0;
        // SAFETY: calls of the interface with a text that ends with zero and room for the answer.
        unsafe {
            let result = self.controller.getParamValueByString(id, units.as_mut_ptr(), &raw mut normalised);
            (result == kResultOk).then(|| self.controller.normalizedParamToPlain(id, normalised))
        }
    }

    fn save(&mut self) -> Vec<u8> {
        let stream = Stream::new(b"", 100);
        let interface = stream.to_com_ptr::<IBStream>().expect("has the interface");
        // SAFETY: a call of the interface.
        assert_eq!(unsafe { self.component.getState(interface.as_ptr()) }, kResultOk);
        stream.bytes.take()
    }

    fn load(&mut self, state: &[u8]) -> bool {
        let open = || Stream::new(state, 100).to_com_ptr::<IBStream>().expect("has the interface");
        // SAFETY: calls of the interface, in the order in which hosts make them.
        unsafe {
            let accepted = self.component.setState(open().as_ptr()) == kResultOk;
            self.controller.setComponentState(open().as_ptr());
            accepted
        }
    }

    fn name_track(&mut self, name: &str) {
        let listener: ComPtr<IInfoListener> = self.component.cast().expect("listens");
        let track = ComWrapper::new(Track(name.to_owned())).to_com_ptr().expect("has the interface");
        // SAFETY: a call of the interface.
        assert_eq!(unsafe { listener.setChannelContextInfos(track.as_ptr()) }, kResultOk);
    }

    fn latency_and_tail(&mut self) -> (u32, u32) {
        // SAFETY: calls of the interface.
        unsafe { (self.processor.getLatencySamples(), self.processor.getTailSamples()) }
    }

    fn restarts(&mut self) -> usize {
        self.handler.restarts.get()
    }

    fn rescans(&mut self) -> usize {
        let here = std::thread::current().id();
        assert!(self.handler.threads.borrow().iter().all(|&thread| thread == here), "told on another thread");
        self.handler.rescans.get()
    }

    fn changes(&mut self) -> usize {
        // An editor shows a value: any call on the main thread will do.
        self.text(20, 0.0);
        self.handler.dirty.get()
    }
}

impl Drop for Vst3Host {
    fn drop(&mut self) {
        self.deactivate();
        // SAFETY: calls of the interface.
        unsafe {
            self.controller.setComponentHandler(null_mut());
            self.component.terminate();
        }
    }
}

fn text(units: &[TChar]) -> String {
    let units: Vec<u16> = units.iter().copied().take_while(|&unit| unit != 0).collect();
    String::from_utf16(&units).expect("text")
}
