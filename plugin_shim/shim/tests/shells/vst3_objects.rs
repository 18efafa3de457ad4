//! The objects that a VST3 host gives to a plugin. All calls in the tests come from one thread at a time.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::thread::ThreadId;

use vst3::Steinberg::Vst::{
    IAttributeList, IAttributeListTrait, IComponentHandler, IComponentHandler2, IComponentHandler2Trait,
    IComponentHandlerTrait, IParamValueQueue, IParamValueQueueTrait, IParameterChanges,
    IParameterChangesTrait, ParamID, ParamValue, RestartFlags_, TChar,
};
use vst3::Steinberg::{
    FIDString, IBStream, IBStreamTrait, TBool, kInvalidArgument, kNotImplemented, kResultFalse, kResultOk,
    tresult,
};
use vst3::{Class, ComPtr, ComWrapper};

pub struct Queue {
    id: Cell<ParamID>,
    points: RefCell<Vec<(i32, ParamValue)>>,
}

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

impl IParamValueQueueTrait for Queue {
    unsafe fn getParameterId(&self) -> ParamID {
        self.id.get()
    }

    unsafe fn getPointCount(&self) -> i32 {
        self.points.borrow().len() as i32
    }

    unsafe fn getPoint(&self, index: i32, offset: *mut i32, value: *mut ParamValue) -> tresult {
        let points = self.points.borrow();
        let Some(&point) = usize::try_from(index).ok().and_then(|index| points.get(index)) else {
            return kInvalidArgument;
        };
        // SAFETY: the caller gives room for both.
        unsafe { (*offset, *value) = point };
        kResultOk
    }

    unsafe fn addPoint(&self, offset: i32, value: ParamValue, index: *mut i32) -> tresult {
        let mut points = self.points.borrow_mut();
        if points.len() == points.capacity() {
            return kResultFalse;
        }
        points.push((offset, value));
        // SAFETY: the caller gives room for it.
        unsafe { *index = points.len() as i32 - 1 };
        kResultOk
    }
}

/// Room for as many queues as were asked for, made before the call in which they are used.
pub struct Changes {
    queues: Vec<(ComWrapper<Queue>, ComPtr<IParamValueQueue>)>,
    used: Cell<usize>,
}

impl Class for Changes {
    type Interfaces = (IParameterChanges,);
}

impl Changes {
    pub fn new(room: usize) -> Self {
        let queue = || {
            let queue =
                ComWrapper::new(Queue { id: Cell::new(0), points: RefCell::new(Vec::with_capacity(64)) });
            let interface = queue.to_com_ptr().expect("has the interface");
            (queue, interface)
        };
        Self { queues: (0..room).map(|_| queue()).collect(), used: Cell::new(0) }
    }

    /// Adds points in order; every point of a parameter that is not last gets a queue of its own.
    pub fn push(&self, id: ParamID, offset: i32, value: ParamValue) {
        let used = self.used.get();
        let last = used.checked_sub(1).map(|last| &self.queues[last].0);
        let queue = last.filter(|queue| queue.id.get() == id).unwrap_or_else(|| {
            self.used.set(used + 1);
            &self.queues[used].0
        });
        queue.id.set(id);
        queue.points.borrow_mut().push((offset, value));
    }

    /// Last point of every parameter.
    pub fn last_points(&self) -> Vec<(ParamID, ParamValue)> {
        let used = &self.queues[..self.used.get()];
        used.iter().filter_map(|(queue, _)| Some((queue.id.get(), queue.points.borrow().last()?.1))).collect()
    }
}

impl IParameterChangesTrait for Changes {
    unsafe fn getParameterCount(&self) -> i32 {
        self.used.get() as i32
    }

    unsafe fn getParameterData(&self, index: i32) -> *mut IParamValueQueue {
        let queue = usize::try_from(index).ok().and_then(|index| self.queues[..self.used.get()].get(index));
        queue.map_or(std::ptr::null_mut(), |(_, interface)| interface.as_ptr())
    }

    unsafe fn addParameterData(&self, id: *const ParamID, index: *mut i32) -> *mut IParamValueQueue {
        let used = self.used.get();
        let Some((queue, interface)) = self.queues.get(used) else { return std::ptr::null_mut() };
        // SAFETY: the caller gives both.
        unsafe {
            queue.id.set(*id);
            *index = used as i32;
        }
        self.used.set(used + 1);
        interface.as_ptr()
    }
}

/// Bytes in memory; reads and writes at most `part` at a time.
pub struct Stream {
    pub bytes: RefCell<Vec<u8>>,
    at: Cell<usize>,
    part: usize,
}

impl Class for Stream {
    type Interfaces = (IBStream,);
}

impl Stream {
    pub fn new(bytes: &[u8], part: usize) -> ComWrapper<Self> {
        ComWrapper::new(Self { bytes: RefCell::new(bytes.to_vec()), at: Cell::new(0), part })
    }
}

impl IBStreamTrait for Stream {
    unsafe fn read(&self, to: *mut c_void, count: i32, done: *mut i32) -> tresult {
        let bytes = self.bytes.borrow();
        let left = &bytes[self.at.get()..];
        let count = left.len().min(self.part).min(count as usize);
        // SAFETY: the caller gives room for `count` bytes, and may give it for their number.
        unsafe {
            to.cast::<u8>().copy_from_nonoverlapping(left.as_ptr(), count);
            if let Some(done) = done.as_mut() {
                *done = count as i32;
            }
        }
        self.at.set(self.at.get() + count);
        kResultOk
    }

    unsafe fn write(&self, from: *mut c_void, count: i32, done: *mut i32) -> tresult {
        let count = self.part.min(count as usize);
        // SAFETY: the caller gives `count` bytes, and may give room for their number.
        unsafe {
            self.bytes.borrow_mut().extend_from_slice(std::slice::from_raw_parts(from.cast(), count));
            if let Some(done) = done.as_mut() {
                *done = count as i32;
            }
        }
        kResultOk
    }

    unsafe fn seek(&self, _position: i64, _mode: i32, _result: *mut i64) -> tresult {
        kNotImplemented
    }

    unsafe fn tell(&self, _position: *mut i64) -> tresult {
        kNotImplemented
    }
}

/// Counts what the plugin tells its host, and on which thread.
#[derive(Default)]
pub struct Handler {
    pub rescans: Cell<usize>,
    pub restarts: Cell<usize>,
    pub dirty: Cell<usize>,
    pub threads: RefCell<Vec<ThreadId>>,
}

impl Class for Handler {
    type Interfaces = (IComponentHandler, IComponentHandler2);
}

impl Handler {
    fn note_thread(&self) {
        // What the host allocates is not the plugin's doing.
        assert_no_alloc::permit_alloc(|| self.threads.borrow_mut().push(std::thread::current().id()));
    }
}

impl IComponentHandlerTrait for Handler {
    unsafe fn beginEdit(&self, _id: ParamID) -> tresult {
        kResultOk
    }

    unsafe fn performEdit(&self, _id: ParamID, _value: ParamValue) -> tresult {
        kResultOk
    }

    unsafe fn endEdit(&self, _id: ParamID) -> tresult {
        kResultOk
    }

    unsafe fn restartComponent(&self, flags: i32) -> tresult {
        match flags {
            RestartFlags_::kParamValuesChanged => self.rescans.set(self.rescans.get() + 1),
            RestartFlags_::kLatencyChanged => self.restarts.set(self.restarts.get() + 1),
            other => panic!("nothing else ever changes: {other}"),
        }
        self.note_thread();
        kResultOk
    }
}

impl IComponentHandler2Trait for Handler {
    unsafe fn setDirty(&self, state: TBool) -> tresult {
        assert_ne!(state, 0);
        self.dirty.set(self.dirty.get() + 1);
        self.note_thread();
        kResultOk
    }

    unsafe fn requestOpenEditor(&self, _name: FIDString) -> tresult {
        kNotImplemented
    }

    unsafe fn startGroupEdit(&self) -> tresult {
        kNotImplemented
    }

    unsafe fn finishGroupEdit(&self) -> tresult {
        kNotImplemented
    }
}

/// A list that holds the name of the track.
pub struct Track(pub String);

impl Class for Track {
    type Interfaces = (IAttributeList,);
}

impl IAttributeListTrait for Track {
    unsafe fn setInt(&self, _id: FIDString, _value: i64) -> tresult {
        kNotImplemented
    }

    unsafe fn getInt(&self, _id: FIDString, _value: *mut i64) -> tresult {
        kResultFalse
    }

    unsafe fn setFloat(&self, _id: FIDString, _value: f64) -> tresult {
        kNotImplemented
    }

    unsafe fn getFloat(&self, _id: FIDString, _value: *mut f64) -> tresult {
        kResultFalse
    }

    unsafe fn setString(&self, _id: FIDString, _string: *const TChar) -> tresult {
        kNotImplemented
    }

    unsafe fn getString(&self, id: FIDString, string: *mut TChar, size: u32) -> tresult {
        // SAFETY: a key is a text.
        if unsafe { std::ffi::CStr::from_ptr(id) } != c"channel name" {
            return kResultFalse;
        }
        let room = size as usize / 2;
        // A host that fills all of the room, without a zero.
        for (at, unit) in self.0.encode_utf16().chain([0]).take(room).enumerate() {
            // SAFETY: within the room that the caller gives.
            unsafe { *string.add(at) = unit };
        }
        kResultOk
    }

    unsafe fn setBinary(&self, _id: FIDString, _data: *const c_void, _size: u32) -> tresult {
        kNotImplemented
    }

    unsafe fn getBinary(&self, _id: FIDString, _data: *mut *const c_void, _size: *mut u32) -> tresult {
        kResultFalse
    }
}
