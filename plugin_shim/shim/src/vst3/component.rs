//! The component: buses, activation, state, track name.

use std::sync::atomic::Ordering::Relaxed;

use ::vst3::ComRef;
use ::vst3::Steinberg::Vst::ChannelContext::{IInfoListenerTrait, kChannelNameKey};
use ::vst3::Steinberg::Vst::{
    BusDirection, BusDirections_, BusInfo, BusInfo_::BusFlags_::kDefaultActive, BusTypes_, IAttributeList,
    IAttributeListTrait as _, IComponentTrait, IoMode, MediaType, MediaTypes_, RoutingInfo, TChar,
};
use ::vst3::Steinberg::{
    FUnknown, IBStream, IPluginBaseTrait, TBool, TUID, kInvalidArgument, kNotImplemented, kResultFalse,
    kResultOk, tresult,
};

use super::strings::{read_utf16, write_utf16};
use super::{Shell, entry, int, stream, uint};
use crate::plugin::lock;

impl IPluginBaseTrait for Shell {
    unsafe fn initialize(&self, _context: *mut FUnknown) -> tresult {
        kResultOk
    }

    unsafe fn terminate(&self) -> tresult {
        entry(kResultFalse, || {
            self.deactivate();
            self.plugin.disconnect();
            // Dropped after the lock: releasing may call the host.
            let handler = lock(&self.handler).take();
            drop(handler);
            kResultOk
        })
    }
}

/// Whether a bus of that kind exists: one audio input, one audio output.
pub(super) fn has_bus(media: MediaType, direction: BusDirection, index: i32) -> bool {
    let known = [BusDirections_::kInput, BusDirections_::kOutput].map(int).contains(&direction);
    media == int(MediaTypes_::kAudio) && known && index == 0
}

impl IComponentTrait for Shell {
    unsafe fn getControllerClassId(&self, _class: *mut TUID) -> tresult {
        // The component is its own controller.
        kNotImplemented
    }

    unsafe fn setIoMode(&self, _mode: IoMode) -> tresult {
        kResultOk
    }

    unsafe fn getBusCount(&self, media: MediaType, direction: BusDirection) -> i32 {
        i32::from(has_bus(media, direction, 0))
    }

    unsafe fn getBusInfo(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: i32,
        info: *mut BusInfo,
    ) -> tresult {
        // SAFETY: null or a struct of the host that is ours during the call.
        let Some(info) = (unsafe { info.as_mut() }) else { return kInvalidArgument };
        if !has_bus(media, direction, index) {
            return kInvalidArgument;
        }
        info.mediaType = media;
        info.direction = direction;
        info.channelCount = self.channels.load(Relaxed).into();
        let input = direction == int(BusDirections_::kInput);
        write_utf16(if input { "Input" } else { "Output" }, &mut info.name);
        info.busType = int(BusTypes_::kMain);
        info.flags = uint(kDefaultActive);
        kResultOk
    }

    unsafe fn getRoutingInfo(&self, _from: *mut RoutingInfo, _to: *mut RoutingInfo) -> tresult {
        kNotImplemented
    }

    unsafe fn activateBus(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: i32,
        _state: TBool,
    ) -> tresult {
        // An inactive bus comes without buffers; that needs no preparation.
        if has_bus(media, direction, index) { kResultOk } else { kInvalidArgument }
    }

    unsafe fn setActive(&self, state: TBool) -> tresult {
        entry(kResultFalse, || {
            self.deactivate();
            if state != 0 {
                let setup = *lock(&self.setup);
                let active = self.plugin.activate(setup.rate, setup.max_frames, self.channels.load(Relaxed));
                *lock(&self.active) = Some(active);
                self.is_active.store(true, Relaxed);
            }
            self.notify();
            kResultOk
        })
    }

    unsafe fn setState(&self, state: *mut IBStream) -> tresult {
        entry(kResultFalse, || {
            // SAFETY: null or a stream of the host that lives during the call.
            let Some(state) = (unsafe { ComRef::from_raw(state) }) else { return kInvalidArgument };
            let Some(bytes) = stream::read(state) else { return kResultFalse };
            if self.plugin.load(&bytes).is_err() {
                return kResultFalse;
            }
            self.rescan.store(true, Relaxed);
            self.notify();
            kResultOk
        })
    }

    unsafe fn getState(&self, state: *mut IBStream) -> tresult {
        entry(kResultFalse, || {
            // SAFETY: null or a stream of the host that lives during the call.
            let Some(state) = (unsafe { ComRef::from_raw(state) }) else { return kInvalidArgument };
            if stream::write(state, &self.plugin.save()) { kResultOk } else { kResultFalse }
        })
    }
}

impl IInfoListenerTrait for Shell {
    unsafe fn setChannelContextInfos(&self, list: *mut IAttributeList) -> tresult {
        entry(kResultFalse, || {
            // SAFETY: null or a list of the host that lives during the call.
            let Some(list) = (unsafe { ComRef::from_raw(list) }) else { return kInvalidArgument };
            let mut name: [TChar; 129] = [0; 129];
            // The last unit stays zero, whatever the host writes.
            let size = u32::try_from(size_of_val(&name) - size_of::<TChar>()).unwrap_or(0);
            // SAFETY: the key is a static text, and `name` has room for `size` bytes and more.
            if unsafe { list.getString(kChannelNameKey, name.as_mut_ptr(), size) } == kResultOk {
                // SAFETY: ends with zero.
                self.plugin.set_track_name(&unsafe { read_utf16(name.as_ptr()) });
            }
            self.notify();
            kResultOk
        })
    }
}
