//! What only VST3 has.

use std::ffi::c_void;
use std::ptr::null_mut;

use vst3::ComPtr;
use vst3::Steinberg::Vst::{
    BusInfo, IAudioProcessorTrait as _, IComponent, IComponent_iid, IComponentTrait as _,
    IEditControllerTrait as _, IProcessContextRequirements, IProcessContextRequirementsTrait as _,
    ParameterInfo, ParameterInfo_::ParameterFlags_ as Flags, ProcessData, ProcessSetup, SpeakerArr,
};
use vst3::Steinberg::{
    IPluginFactory2, IPluginFactory2Trait as _, IPluginFactoryTrait as _, PClassInfo2, kInvalidArgument,
    kNotImplemented, kResultFalse, kResultOk,
};

use crate::host::{Call, Host, bits, noise, ready};
use crate::vst3_host::{Vst3Host, factory, zeroed};

#[test]
fn the_factory_knows_one_class_and_refuses_others() {
    let factory: ComPtr<IPluginFactory2> = factory().cast().expect("the second version");
    let mut class: PClassInfo2 = zeroed();
    // SAFETY: calls of the interface with arguments as it asks for them, or null.
    unsafe {
        assert_eq!(factory.countClasses(), 1);
        assert_eq!(factory.getClassInfo2(0, &raw mut class), kResultOk);
        assert_eq!(factory.getClassInfo2(1, &raw mut class), kInvalidArgument);
        assert_eq!(factory.getClassInfo2(-1, &raw mut class), kInvalidArgument);
        assert_eq!(factory.getClassInfo2(0, null_mut()), kInvalidArgument);
        let mut object: *mut c_void = null_mut();
        let iid = IComponent_iid.as_ptr();
        for byte in 0..16 {
            let mut other = class.cid;
            other[byte] ^= 1;
            assert_ne!(factory.createInstance(other.as_ptr(), iid, &raw mut object), kResultOk);
            assert!(object.is_null());
        }
        let unknown = [1; 16];
        assert_ne!(factory.createInstance(class.cid.as_ptr(), unknown.as_ptr(), &raw mut object), kResultOk);
        assert!(object.is_null());
        for arguments in [(null_mut(), iid), (class.cid.as_mut_ptr(), std::ptr::null())] {
            assert_ne!(factory.createInstance(arguments.0, arguments.1, &raw mut object), kResultOk);
        }
        assert_ne!(factory.createInstance(class.cid.as_ptr(), iid, null_mut()), kResultOk);
    }
}

#[test]
fn buses_are_one_in_and_one_out() {
    let host = Vst3Host::new();
    let mut info: BusInfo = zeroed();
    // SAFETY: calls of the interface with room for the answer, or null.
    unsafe {
        for direction in [0, 1] {
            assert_eq!(host.component.getBusCount(0, direction), 1);
            assert_eq!(host.component.getBusCount(1, direction), 0, "no events");
            assert_eq!(host.component.getBusInfo(0, direction, 0, &raw mut info), kResultOk);
            assert_eq!((info.channelCount, info.busType, info.flags), (2, 0, 1));
            assert_eq!(host.component.getBusInfo(0, direction, 1, &raw mut info), kInvalidArgument);
            assert_eq!(host.component.activateBus(0, direction, 0, 0), kResultOk);
            assert_eq!(host.component.activateBus(0, direction, 0, 1), kResultOk);
            assert_eq!(host.component.activateBus(1, direction, 0, 1), kInvalidArgument);
        }
        assert_eq!(host.component.getBusInfo(0, 2, 0, &raw mut info), kInvalidArgument);
        assert_eq!(host.component.getBusInfo(0, 0, 0, null_mut()), kInvalidArgument);
        assert_eq!(host.component.getControllerClassId(null_mut()), kNotImplemented);
    }
}

#[test]
fn only_equal_mono_or_stereo_arrangements_are_taken() {
    let mut host = Vst3Host::new();
    let (mut mono, mut stereo, mut wide) = (SpeakerArr::kMono, SpeakerArr::kStereo, SpeakerArr::k51);
    let mut now = 0;
    // SAFETY: calls of the interface with as many arrangements as the counts say.
    unsafe {
        let processor = host.processor.clone();
        assert_eq!(processor.setBusArrangements(&raw mut mono, 1, &raw mut stereo, 1), kResultFalse);
        assert_eq!(processor.setBusArrangements(&raw mut wide, 1, &raw mut wide, 1), kResultFalse);
        assert_eq!(processor.setBusArrangements(null_mut(), 0, &raw mut stereo, 1), kResultFalse);
        assert_eq!(processor.getBusArrangement(0, 0, &raw mut now), kResultOk);
        assert_eq!(now, SpeakerArr::kStereo);
        assert_eq!(processor.setBusArrangements(&raw mut mono, 1, &raw mut mono, 1), kResultOk);
        assert_eq!(processor.getBusArrangement(1, 0, &raw mut now), kResultOk);
        assert_eq!(now, SpeakerArr::kMono);
        assert_eq!(processor.getBusArrangement(1, 1, &raw mut now), kInvalidArgument);
        host.activate(48_000.0, 64);
        assert_eq!(
            processor.setBusArrangements(&raw mut stereo, 1, &raw mut stereo, 1),
            kResultFalse,
            "active"
        );
    }
}

#[test]
fn set_up_takes_what_makes_sense() {
    let host = Vst3Host::new();
    let set_up = |rate: f64, frames: i32, size: i32| {
        let mut setup = ProcessSetup {
            processMode: 2,
            symbolicSampleSize: size,
            maxSamplesPerBlock: frames,
            sampleRate: rate,
        };
        // SAFETY: a call of the interface.
        unsafe { host.processor.setupProcessing(&raw mut setup) }
    };
    assert_eq!(set_up(48_000.0, 64, 0), kResultOk);
    for (rate, frames, size) in
        [(f64::NAN, 64, 0), (-1.0, 64, 0), (0.0, 64, 0), (48_000.0, -1, 0), (48_000.0, 64, 1)]
    {
        assert_ne!(set_up(rate, frames, size), kResultOk);
    }
    // SAFETY: calls of the interface.
    unsafe {
        assert_eq!(host.processor.canProcessSampleSize(0), kResultOk);
        assert_eq!(host.processor.canProcessSampleSize(1), kResultFalse);
    }
}

#[test]
fn parameter_flags_are_those_of_the_interface() {
    let host = Vst3Host::new();
    for index in 0..31 {
        let mut info: ParameterInfo = zeroed();
        // SAFETY: a call of the interface with room for the answer.
        assert_eq!(unsafe { host.controller.getParameterInfo(index, &raw mut info) }, kResultOk);
        assert!((0.0..=1.0).contains(&info.defaultNormalizedValue));
        assert!((0..=1000).contains(&info.stepCount));
        let automated = info.flags & Flags::kCanAutomate != 0;
        assert_ne!(automated, info.flags & Flags::kIsReadOnly != 0);
        if info.flags & Flags::kIsBypass != 0 {
            assert_eq!(info.stepCount, 1);
        }
        // Hosts that look values up on a grid of a thousand steps find each one.
        for step in 0..=info.stepCount {
            let normalised = f64::from(step) / f64::from(info.stepCount.max(1));
            // SAFETY: calls of the interface.
            let again = unsafe {
                let plain = host.controller.normalizedParamToPlain(info.id, normalised);
                host.controller.plainParamToNormalized(info.id, plain)
            };
            assert!((again - normalised).abs() < 1e-12 || info.stepCount == 0);
        }
    }
    let mut info: ParameterInfo = zeroed();
    // SAFETY: as above.
    unsafe {
        assert_eq!(host.controller.getParameterInfo(34, &raw mut info), kInvalidArgument);
        assert_eq!(host.controller.getParameterInfo(-1, &raw mut info), kInvalidArgument);
        assert_ne!(host.controller.setParamNormalized(99, 0.5), kResultOk);
    }
}

#[test]
fn the_context_that_is_needed_is_asked_for() {
    let host = Vst3Host::new();
    let requirements: ComPtr<IProcessContextRequirements> = host.component.cast().expect("asks");
    // SAFETY: a call of the interface. Continuous time, musical time, tempo, transport.
    assert_eq!(unsafe { requirements.getProcessContextRequirements() }, 1 << 1 | 1 << 2 | 1 << 6 | 1 << 10);
}

#[test]
fn null_and_misshapen_process_calls_are_answered() {
    let mut host = ready::<Vst3Host>();
    let mut data: ProcessData = zeroed();
    let processor = host.processor.clone();
    // SAFETY: calls of the interface with null where it may be.
    unsafe {
        assert_eq!(processor.process(null_mut()), kInvalidArgument);
        assert_eq!(processor.process(&raw mut data), kResultOk);
        data.numSamples = -5;
        assert_eq!(processor.process(&raw mut data), kResultOk);
        (data.numSamples, data.numInputs, data.numOutputs) = (64, 1, 1);
        assert_eq!(processor.process(&raw mut data), kResultOk, "counts without buses");
        data.symbolicSampleSize = 1;
        assert_eq!(processor.process(&raw mut data), kInvalidArgument);
    }
    // One channel where two were agreed, and three: the audio passes.
    for channels in [1, 3] {
        let input = noise(2, channels, 64);
        let mut output = vec![vec![9.0; 64]; channels];
        assert!(host.process(&Call::default(), &input, &mut output).ok);
        assert_eq!(bits(&output[..channels.min(2)]), bits(&input[..channels.min(2)]));
        assert!(output[channels.min(2)..].iter().flatten().all(|&sample| sample == 0.0));
    }
}

#[test]
fn an_instance_may_be_dropped_without_terminate() {
    let factory = factory();
    let mut class: PClassInfo2 = zeroed();
    let mut object: *mut c_void = null_mut();
    // SAFETY: calls of the interface with arguments as it asks for them.
    unsafe {
        let second: ComPtr<IPluginFactory2> = factory.cast().expect("the second version");
        assert_eq!(second.getClassInfo2(0, &raw mut class), kResultOk);
        assert_eq!(
            factory.createInstance(class.cid.as_ptr(), IComponent_iid.as_ptr(), &raw mut object),
            kResultOk
        );
        let component = ComPtr::<IComponent>::from_raw(object.cast()).expect("an instance");
        component.setActive(1);
        drop(component);
    }
}
