//! The controller: parameters for editors and automation. It writes the one set of values that state and
//! audio read, so that neither is ever stale.

use std::sync::atomic::Ordering::Relaxed;

use ::vst3::ComRef;
use ::vst3::Steinberg::Vst::{
    IComponentHandler, IEditControllerTrait, ParamID, ParamValue, ParameterInfo,
    ParameterInfo_::ParameterFlags_ as Flags, String128, TChar, kRootUnitId,
};
use ::vst3::Steinberg::{FIDString, IBStream, IPlugView, kInvalidArgument, kResultFalse, kResultOk, tresult};

use super::strings::{read_utf16, write_utf16};
use super::{Shell, entry, int, this_thread};
use crate::params::{self, PARAMS, Param, Scale};
use crate::plugin::lock;

/// Hosts that look values up on a grid use a thousand steps; a finer parameter is offered as continuous.
const MAX_STEPS: u32 = 1000;

fn unit(param: &Param) -> &'static str {
    match param.scale {
        Scale::Choice(_) => "",
        Scale::Number { unit, .. } => unit,
    }
}

fn flags(param: &Param) -> i32 {
    let access = if param.read_only { Flags::kIsReadOnly } else { Flags::kCanAutomate };
    let role = if param.id == params::BYPASS { Flags::kIsBypass } else { 0 };
    let kind = if matches!(param.scale, Scale::Choice(_)) && role == 0 { Flags::kIsList } else { 0 };
    int(access | kind | role)
}

/// A normalised value, which may be anything, as a plain one.
pub(super) fn to_plain(param: &Param, normalised: f64) -> f64 {
    param.from_normalised(normalised)
}

impl IEditControllerTrait for Shell {
    unsafe fn setComponentState(&self, _state: *mut IBStream) -> tresult {
        // The component is this object: it has its state already.
        kResultOk
    }

    unsafe fn setState(&self, _state: *mut IBStream) -> tresult {
        kResultOk
    }

    unsafe fn getState(&self, _state: *mut IBStream) -> tresult {
        kResultOk
    }

    unsafe fn getParameterCount(&self) -> i32 {
        i32::try_from(PARAMS.len()).unwrap_or(0)
    }

    unsafe fn getParameterInfo(&self, index: i32, info: *mut ParameterInfo) -> tresult {
        // SAFETY: null or a struct of the host that is ours during the call.
        let Some(info) = (unsafe { info.as_mut() }) else { return kInvalidArgument };
        let Some(param) = usize::try_from(index).ok().and_then(|index| PARAMS.get(index)) else {
            return kInvalidArgument;
        };
        info.id = param.id;
        write_utf16(param.title, &mut info.title);
        write_utf16(param.title, &mut info.shortTitle);
        write_utf16(unit(param), &mut info.units);
        info.stepCount = Some(param.steps())
            .filter(|&steps| steps <= MAX_STEPS)
            .and_then(|steps| i32::try_from(steps).ok())
            .unwrap_or(0);
        info.defaultNormalizedValue = param.to_normalised(param.default);
        info.unitId = kRootUnitId;
        info.flags = flags(param);
        kResultOk
    }

    unsafe fn getParamStringByValue(
        &self,
        id: ParamID,
        normalised: ParamValue,
        text: *mut String128,
    ) -> tresult {
        entry(kResultFalse, || {
            // SAFETY: null or an array of the host that is ours during the call.
            let Some(to) = (unsafe { text.as_mut() }) else { return kInvalidArgument };
            let Some(param) = params::by_id(id) else { return kInvalidArgument };
            let text = param.text(to_plain(param, normalised));
            // Hosts write the unit themselves.
            write_utf16(text.strip_suffix(unit(param)).unwrap_or(&text).trim_end(), to);
            self.notify();
            kResultOk
        })
    }

    unsafe fn getParamValueByString(
        &self,
        id: ParamID,
        text: *mut TChar,
        normalised: *mut ParamValue,
    ) -> tresult {
        entry(kResultFalse, || {
            // SAFETY: null or a value of the host that is ours during the call.
            let Some(to) = (unsafe { normalised.as_mut() }) else { return kInvalidArgument };
            let Some(param) = params::by_id(id).filter(|_| !text.is_null()) else { return kInvalidArgument };
            // SAFETY: not null, so a text that ends with zero.
            let Some(plain) = param.parse(&unsafe { read_utf16(text) }) else { return kResultFalse };
            *to = param.to_normalised(plain);
            kResultOk
        })
    }

    unsafe fn normalizedParamToPlain(&self, id: ParamID, normalised: ParamValue) -> ParamValue {
        params::by_id(id).map_or(0.0, |param| to_plain(param, normalised))
    }

    unsafe fn plainParamToNormalized(&self, id: ParamID, plain: ParamValue) -> ParamValue {
        params::by_id(id).map_or(0.0, |param| param.to_normalised(plain))
    }

    unsafe fn getParamNormalized(&self, id: ParamID) -> ParamValue {
        let value = params::by_id(id).zip(self.plugin.value(id));
        value.map_or(0.0, |(param, plain)| param.to_normalised(plain))
    }

    unsafe fn setParamNormalized(&self, id: ParamID, normalised: ParamValue) -> tresult {
        entry(kResultFalse, || {
            let Some(param) = params::by_id(id) else { return kInvalidArgument };
            if normalised.is_finite() {
                self.plugin.set(id, to_plain(param, normalised));
            }
            self.notify();
            kResultOk
        })
    }

    unsafe fn setComponentHandler(&self, handler: *mut IComponentHandler) -> tresult {
        entry(kResultFalse, || {
            // SAFETY: null or a handler of the host, which we hold a reference to from here on.
            let handler = unsafe { ComRef::from_raw(handler) }.map(|handler| handler.to_com_ptr());
            let earlier = std::mem::replace(&mut *lock(&self.handler), handler);
            self.main.store(this_thread(), Relaxed);
            // Dropped after the lock: releasing may call the host.
            drop(earlier);
            // What changed before there was anybody to tell, the host reads by itself.
            self.rescan.store(false, Relaxed);
            kResultOk
        })
    }

    unsafe fn createView(&self, _name: FIDString) -> *mut IPlugView {
        std::ptr::null_mut()
    }
}
