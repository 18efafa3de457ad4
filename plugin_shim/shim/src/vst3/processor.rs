//! The processor: layouts, set-up, and the audio thread.

use std::sync::TryLockError;
use std::sync::atomic::Ordering::Relaxed;

use ::vst3::ComRef;
use ::vst3::Steinberg::Vst::ProcessContext_::StatesAndFlags_ as State;
use ::vst3::Steinberg::Vst::{
    BusDirection, IAudioProcessorTrait, IParamValueQueueTrait as _, IParameterChanges,
    IParameterChangesTrait as _, IProcessContextRequirements_::Flags_ as Needs,
    IProcessContextRequirementsTrait, MediaTypes_, ParamID, ProcessContext, ProcessData, ProcessModes_,
    ProcessSetup, SpeakerArr, SpeakerArrangement, SymbolicSampleSizes_,
};
use ::vst3::Steinberg::{TBool, kInvalidArgument, kResultFalse, kResultOk, kResultTrue, tresult};

use super::buffers::Buffers;
use super::component::has_bus;
use super::controller::to_plain;
use super::{Setup, Shell, entry, int, uint};
use crate::params;
use crate::plugin::{Active, lock};
use crate::processor::{Block, Transport};

fn channels(arrangement: SpeakerArrangement) -> Option<u16> {
    match arrangement {
        SpeakerArr::kMono => Some(1),
        SpeakerArr::kStereo => Some(2),
        _ => None,
    }
}

impl IAudioProcessorTrait for Shell {
    unsafe fn setBusArrangements(
        &self,
        inputs: *mut SpeakerArrangement,
        input_count: i32,
        outputs: *mut SpeakerArrangement,
        output_count: i32,
    ) -> tresult {
        if (input_count, output_count) != (1, 1) || self.is_active.load(Relaxed) {
            return kResultFalse;
        }
        // SAFETY: null or one arrangement each.
        let (Some(&input), Some(&output)) = (unsafe { inputs.as_ref() }, unsafe { outputs.as_ref() }) else {
            return kInvalidArgument;
        };
        match channels(input) {
            Some(count) if input == output => {
                self.channels.store(count, Relaxed);
                kResultTrue
            }
            _ => kResultFalse,
        }
    }

    unsafe fn getBusArrangement(
        &self,
        direction: BusDirection,
        index: i32,
        arrangement: *mut SpeakerArrangement,
    ) -> tresult {
        // SAFETY: null or a value of the host that is ours during the call.
        let Some(arrangement) = (unsafe { arrangement.as_mut() }) else { return kInvalidArgument };
        if !has_bus(int(MediaTypes_::kAudio), direction, index) {
            return kInvalidArgument;
        }
        *arrangement = if self.channels.load(Relaxed) == 1 { SpeakerArr::kMono } else { SpeakerArr::kStereo };
        kResultOk
    }

    unsafe fn canProcessSampleSize(&self, size: i32) -> tresult {
        if size == int(SymbolicSampleSizes_::kSample32) { kResultOk } else { kResultFalse }
    }

    unsafe fn getLatencySamples(&self) -> u32 {
        self.plugin.latency()
    }

    unsafe fn setupProcessing(&self, setup: *mut ProcessSetup) -> tresult {
        // SAFETY: null or a struct of the host that stays during the call.
        let Some(setup) = (unsafe { setup.as_ref() }) else { return kInvalidArgument };
        let Ok(max_frames) = u32::try_from(setup.maxSamplesPerBlock) else { return kInvalidArgument };
        if !(setup.sampleRate.is_finite() && setup.sampleRate > 0.0) {
            return kInvalidArgument;
        }
        if setup.symbolicSampleSize != int(SymbolicSampleSizes_::kSample32) {
            return kResultFalse;
        }
        // The process mode is left alone: some hosts set it here and mean something else block by block.
        *lock(&self.setup) = Setup { rate: setup.sampleRate, max_frames };
        if !self.is_active.load(Relaxed) {
            self.plugin.expect(setup.sampleRate);
        }
        kResultOk
    }

    unsafe fn setProcessing(&self, state: TBool) -> tresult {
        entry(kResultFalse, || {
            if state != 0
                && let Some(active) = try_active(self).as_deref_mut()
                && let Some(active) = active
            {
                active.reset();
            }
            kResultOk
        })
    }

    unsafe fn process(&self, data: *mut ProcessData) -> tresult {
        entry(kResultFalse, || {
            // SAFETY: null or a struct of the host that stays during the call.
            let Some(data) = (unsafe { data.as_ref() }) else { return kInvalidArgument };
            if data.symbolicSampleSize != int(SymbolicSampleSizes_::kSample32) {
                return kInvalidArgument;
            }
            // SAFETY: null or the host's list, which lives during the call.
            if let Some(changes) = unsafe { ComRef::from_raw(data.inputParameterChanges) } {
                self.apply(changes);
            }
            // SAFETY: the host's buffers are ours during the call, which is what `Buffers` asks for.
            let mut buffers = unsafe { Buffers::new(data) };
            buffers.copy_through();
            let mut guard = try_active(self);
            let mut changed = false;
            if let Some(Some(active)) = guard.as_deref_mut() {
                // SAFETY: null or the host's context, which stays during the call.
                let transport = unsafe { data.processContext.as_ref() }.map(transport).unwrap_or_default();
                let offline = data.processMode == int(ProcessModes_::kOffline);
                buffers.process(active, &Block { offline, transport });
                // SAFETY: null or the host's list, which lives during the call.
                changed = report(active, unsafe { ComRef::from_raw(data.outputParameterChanges) });
            }
            drop(guard);
            buffers.flag_silence();
            if changed && data.processMode == int(ProcessModes_::kOffline) {
                // Some hosts that render on their main thread look at no output of parameters.
                self.rescan.store(true, Relaxed);
                self.notify();
            }
            kResultOk
        })
    }

    unsafe fn getTailSamples(&self) -> u32 {
        self.plugin.tail()
    }
}

impl IProcessContextRequirementsTrait for Shell {
    unsafe fn getProcessContextRequirements(&self) -> u32 {
        uint(
            Needs::kNeedTransportState
                | Needs::kNeedContinousTimeSamples
                | Needs::kNeedProjectTimeMusic
                | Needs::kNeedTempo,
        )
    }
}

/// The audio side, unless another thread is just activating or deactivating.
fn try_active(shell: &Shell) -> Option<std::sync::MutexGuard<'_, Option<Active>>> {
    match shell.active.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl Shell {
    /// Every point of every parameter in order, so that the last one of the block stands.
    fn apply(&self, changes: ComRef<IParameterChanges>) {
        // SAFETY: the host's list and queues live during the call; indices are within the counts it gives,
        // and the two values are ours.
        unsafe {
            for index in 0..changes.getParameterCount() {
                let Some(queue) = ComRef::from_raw(changes.getParameterData(index)) else { continue };
                let Some(param) = params::by_id(queue.getParameterId()) else { continue };
                for point in 0..queue.getPointCount() {
                    let (mut offset, mut normalised) = (0, 0.0);
                    let found = queue.getPoint(point, &raw mut offset, &raw mut normalised) == kResultOk;
                    if found && f64::is_finite(normalised) {
                        self.plugin.set(param.id, to_plain(param, normalised));
                    }
                }
            }
        }
    }
}

/// Returns whether there was anything to report.
fn report(active: &mut Active, changes: Option<ComRef<IParameterChanges>>) -> bool {
    let mut any = false;
    active.report_changes(|param, plain| {
        any = true;
        let Some(changes) = changes else { return };
        let id: ParamID = param.id;
        let mut index = 0;
        // SAFETY: the host's list and its queue live during the call, the identifier and the index are ours.
        unsafe {
            if let Some(queue) = ComRef::from_raw(changes.addParameterData(&raw const id, &raw mut index)) {
                queue.addPoint(0, param.to_normalised(plain), &raw mut index);
            }
        }
    });
    any
}

fn transport(context: &ProcessContext) -> Transport {
    let has = |flag| context.state & flag != 0;
    let playing = has(uint(State::kPlaying));
    Transport {
        playing,
        position: playing.then_some(context.projectTimeSamples),
        steady: has(uint(State::kContTimeValid)).then_some(context.continousTimeSamples),
        beat: has(uint(State::kProjectTimeMusicValid))
            .then_some(context.projectTimeMusic)
            .filter(|beat| beat.is_finite()),
        tempo: has(uint(State::kTempoValid)).then_some(context.tempo).filter(|tempo| tempo.is_finite()),
    }
}
