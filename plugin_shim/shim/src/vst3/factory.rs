//! What the library exports, and the class list.

use std::ffi::c_void;

use ::vst3::Steinberg::{
    FIDString, FUnknown, IPluginFactory, IPluginFactory2, IPluginFactory2Trait, IPluginFactoryTrait,
    PClassInfo, PClassInfo_::ClassCardinality_::kManyInstances, PClassInfo2, PFactoryInfo,
    PFactoryInfo_::FactoryFlags_::kUnicode, TUID, kInvalidArgument, kNoInterface, kResultOk, tresult,
};
use ::vst3::{Class, ComWrapper, uid};

use super::strings::write_ascii;
use super::{Shell, entry, int};
use crate::plugin::{NAME, VENDOR, VERSION, VST3_ID};

const CLASS_ID: TUID = uid(VST3_ID[0], VST3_ID[1], VST3_ID[2], VST3_ID[3]);
const CATEGORY: &str = "Audio Module Class";
const SUB_CATEGORIES: &str = "Fx|Tools";
const SDK: &str = "VST 3.8.0";

struct Factory;

impl Class for Factory {
    type Interfaces = (IPluginFactory2,);
}

impl IPluginFactoryTrait for Factory {
    unsafe fn getFactoryInfo(&self, info: *mut PFactoryInfo) -> tresult {
        // SAFETY: null or a struct of the host that is ours during the call.
        let Some(info) = (unsafe { info.as_mut() }) else { return kInvalidArgument };
        write_ascii(VENDOR, &mut info.vendor);
        write_ascii("", &mut info.url);
        write_ascii("", &mut info.email);
        info.flags = int(kUnicode);
        kResultOk
    }

    unsafe fn countClasses(&self) -> i32 {
        1
    }

    unsafe fn getClassInfo(&self, index: i32, info: *mut PClassInfo) -> tresult {
        // SAFETY: null or a struct of the host that is ours during the call.
        let (Some(info), 0) = (unsafe { info.as_mut() }, index) else { return kInvalidArgument };
        info.cid = CLASS_ID;
        info.cardinality = int(kManyInstances);
        write_ascii(CATEGORY, &mut info.category);
        write_ascii(NAME, &mut info.name);
        kResultOk
    }

    unsafe fn createInstance(&self, cid: FIDString, iid: FIDString, object: *mut *mut c_void) -> tresult {
        if cid.is_null() || iid.is_null() || object.is_null() {
            return kInvalidArgument;
        }
        entry(kInvalidArgument, || {
            // SAFETY: not null, so a class identifier of the host; it need not be aligned.
            if unsafe { cid.cast::<TUID>().read_unaligned() } != CLASS_ID {
                // SAFETY: not null, so room for a pointer.
                unsafe { object.write(std::ptr::null_mut()) };
                return kNoInterface;
            }
            let Some(shell) = ComWrapper::new(Shell::new()).to_com_ptr::<FUnknown>() else {
                return kNoInterface;
            };
            let shell = shell.as_ptr();
            // SAFETY: `shell` lives until the end of this block, the other pointers are not null; the call
            // takes its own reference for the host.
            unsafe { ((*(*shell).vtbl).queryInterface)(shell, iid.cast(), object) }
        })
    }
}

impl IPluginFactory2Trait for Factory {
    unsafe fn getClassInfo2(&self, index: i32, info: *mut PClassInfo2) -> tresult {
        // SAFETY: null or a struct of the host that is ours during the call.
        let (Some(info), 0) = (unsafe { info.as_mut() }, index) else { return kInvalidArgument };
        info.cid = CLASS_ID;
        info.cardinality = int(kManyInstances);
        write_ascii(CATEGORY, &mut info.category);
        write_ascii(NAME, &mut info.name);
        info.classFlags = 0;
        write_ascii(SUB_CATEGORIES, &mut info.subCategories);
        write_ascii(VENDOR, &mut info.vendor);
        write_ascii(VERSION, &mut info.version);
        write_ascii(SDK, &mut info.sdkVersion);
        kResultOk
    }
}

/// A new reference to the class list, an `IPluginFactory`; null if there is none.
// SAFETY: no other symbol of the library has the name, which the VST3 contract fixes.
#[unsafe(export_name = "GetPluginFactory")]
pub extern "system" fn get_plugin_factory() -> *mut c_void {
    entry(std::ptr::null_mut(), || {
        ComWrapper::new(Factory)
            .to_com_ptr::<IPluginFactory>()
            .map_or(std::ptr::null_mut(), |factory| factory.into_raw().cast())
    })
}

/// The names under which each system calls the library when it is loaded and before it is unloaded.
/// Nothing is to be done then: threads belong to activations.
macro_rules! module_calls {
    ($enter:ident ($($argument:ty)?), $leave:ident) => {
        // SAFETY: no other symbol of the library has the name, which the VST3 contract fixes.
        #[allow(non_snake_case)]
        #[unsafe(no_mangle)]
        extern "system" fn $enter($(_: $argument)?) -> bool {
            true
        }

        // SAFETY: as above.
        #[allow(non_snake_case)]
        #[unsafe(no_mangle)]
        extern "system" fn $leave() -> bool {
            true
        }
    };
}

#[cfg(target_os = "macos")]
module_calls!(bundleEntry(*mut c_void), bundleExit);
#[cfg(target_os = "windows")]
module_calls!(InitDll(), ExitDll);
#[cfg(not(any(target_os = "macos", target_os = "windows")))]
module_calls!(ModuleEntry(*mut c_void), ModuleExit);
