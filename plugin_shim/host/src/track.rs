//! One instance of the plugin on one track: the main-thread side and what the audio thread takes.

use std::sync::atomic::{AtomicBool, Ordering};

use clack_extensions::params::PluginParams;
use clack_extensions::state::PluginState;
use clack_host::prelude::*;
use clack_host::process::{StartedPluginAudioProcessor, StoppedPluginAudioProcessor};

use crate::Settings;
use crate::signal::Square;

/// Numeric ids of the read-only parameters.
const STATUS: ClapId = ClapId::new(20);
const LATE: ClapId = ClapId::new(22);

/// Host callbacks.
#[derive(Default)]
pub struct Shared {
    callback: AtomicBool,
}

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {
        self.callback.store(true, Ordering::Relaxed);
    }
}

/// The host's types.
pub struct Host;

impl HostHandlers for Host {
    type Shared<'a> = Shared;
    type MainThread<'a> = ();
    type AudioProcessor<'a> = ();
}

/// The main-thread side.
pub struct Track {
    instance: PluginInstance<Host>,
    params: PluginParams,
    audio: Option<AudioSide>,
}

/// The audio-thread side.
pub struct AudioSide {
    /// The plugin's processor.
    pub plugin: StartedPluginAudioProcessor<Host>,
    /// What the track plays.
    pub signal: Square,
}

impl Track {
    /// Loads, activates and starts an instance.
    pub fn new(
        entry: &PluginEntry,
        info: &HostInfo,
        settings: &Settings,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        static INDEX: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let index = INDEX.fetch_add(1, Ordering::Relaxed);
        let mut instance =
            PluginInstance::<Host>::new(|_| Shared::default(), |_| (), entry, c"org.hybridmix.shim", info)?;
        let params = instance.plugin_handle().get_extension().ok_or("the plugin has no parameters")?;
        if let Some(path) = settings.states.iter().cycle().nth(index) {
            let state: PluginState =
                instance.plugin_handle().get_extension().ok_or("the plugin has no state")?;
            let bytes = std::fs::read(path)?;
            state.load(&instance.plugin_handle(), &mut bytes.as_slice())?;
        }
        let configuration = PluginAudioConfiguration {
            sample_rate: f64::from(settings.rate),
            min_frames_count: 1,
            max_frames_count: settings.block,
        };
        let plugin = instance
            .activate(|_, _| (), configuration)?
            .start_processing()
            .map_err(|_| "the plugin did not start processing")?;
        let signal = Square::new(settings.rate, index);
        Ok(Self { instance, params, audio: Some(AudioSide { plugin, signal }) })
    }

    /// Hands the audio side to the audio thread.
    ///
    /// # Panics
    /// When it was taken before.
    pub fn take_audio(&mut self) -> AudioSide {
        self.audio.take().expect("the audio side is taken once")
    }

    /// Runs what the plugin asked the main thread for.
    pub fn run_callbacks(&mut self) {
        if self.instance.access_shared_handler(|shared| shared.callback.swap(false, Ordering::Relaxed)) {
            self.instance.call_on_main_thread_callback();
        }
    }

    fn value(&mut self, id: ClapId) -> f64 {
        self.params.get_value(&self.instance.plugin_handle(), id).unwrap_or(0.0)
    }

    /// Code of the plugin's status.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small code")]
    pub fn status(&mut self) -> u32 {
        self.value(STATUS) as u32
    }

    /// Values that came too late, so far.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter")]
    pub fn late(&mut self) -> u64 {
        self.value(LATE) as u64
    }

    /// Takes the audio side back and deactivates.
    pub fn deactivate(&mut self, audio: StoppedPluginAudioProcessor<Host>) {
        self.instance.deactivate(audio);
    }
}
