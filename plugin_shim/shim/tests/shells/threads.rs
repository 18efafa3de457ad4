//! Audio on one thread while the host's main thread does what it likes.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use vst3::Steinberg::Vst::{IComponentTrait as _, IEditControllerTrait as _};
use vst3::Steinberg::kResultOk;

use crate::host::{Call, bits, ready, run};
use crate::vst3_host::Vst3Host;
use crate::vst3_objects::Stream;

#[test]
fn edits_states_and_even_activations_beside_audio_do_no_harm() {
    let mut audio = ready::<Vst3Host>();
    let (component, controller) = (audio.component.clone(), audio.controller.clone());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let done = &done;
        scope.spawn(move || {
            for turn in 0..300_u32 {
                let normalised = f64::from(turn % 100) / 99.0;
                let stream =
                    Stream::new(b"", 64).to_com_ptr::<vst3::Steinberg::IBStream>().expect("a stream");
                // SAFETY: calls of the interface.
                unsafe {
                    controller.setParamNormalized(1 + turn % 8, normalised);
                    assert_eq!(component.getState(stream.as_ptr()), kResultOk);
                    if turn % 50 == 49 {
                        // Against the contract of the interface, but some hosts do it.
                        component.setActive(u8::from(turn % 100 == 99));
                    }
                }
            }
            done.store(true, SeqCst);
        });
        while !done.load(SeqCst) {
            let (input, output, answer) = run(&mut audio, &Call::default(), 128);
            assert!(answer.ok);
            assert_eq!(bits(&output), bits(&input));
        }
    });
}
