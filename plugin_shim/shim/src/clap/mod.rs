//! The CLAP shell: translates between clack and [`crate::plugin`], and nothing else.

mod audio;
mod ports;
mod process;

use std::ffi::CStr;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering::Relaxed};

use clack_extensions::audio_ports::PluginAudioPorts;
use clack_extensions::audio_ports_config::{PluginAudioPortsConfig, PluginAudioPortsConfigInfo};
use clack_extensions::latency::{HostLatency, PluginLatency, PluginLatencyImpl};
use clack_extensions::params::{
    HostParams, ParamDisplayWriter, ParamInfo, ParamInfoFlags, ParamInfoWriter, ParamRescanFlags,
    PluginMainThreadParams, PluginParams,
};
use clack_extensions::render::{PluginRender, PluginRenderImpl, RenderMode};
use clack_extensions::state::{HostState, PluginState, PluginStateImpl};
use clack_extensions::tail::PluginTail;
use clack_extensions::track_info::{HostTrackInfo, PluginTrackInfo, PluginTrackInfoImpl, TrackInfoBuffer};
use clack_plugin::plugin::features::{AUDIO_EFFECT, MIXING, MONO, STEREO};
use clack_plugin::prelude::*;
use clack_plugin::stream::{InputStream, OutputStream};
use clack_plugin::utils::Cookie;

use crate::params::{self, PARAMS, Scale};
use crate::plugin;
use crate::state::MAX_STATE;

/// What the host finds in the library.
pub type Entry = SinglePluginEntry<Shim>;
clack_plugin::clack_export_entry!(Entry);

/// The plugin type.
pub struct Shim;

/// What the threads of an instance share.
pub struct Shared {
    plugin: plugin::Plugin,
    /// The host renders offline.
    offline: AtomicBool,
    channels: AtomicU16,
}

/// The main-thread side.
pub struct MainThread<'a> {
    host: HostMainThreadHandle<'a>,
    shared: &'a Shared,
}

impl PluginShared<'_> for Shared {}

impl<'a> PluginMainThread<'a, Shared> for MainThread<'a> {
    fn on_main_thread(&self) {
        if self.shared.plugin.take_host_dirty()
            && let Some(state) = self.host.get_extension::<HostState>()
        {
            state.mark_dirty(&self.host);
        }
    }
}

impl clack_plugin::plugin::Plugin for Shim {
    type AudioProcessor<'a> = process::AudioProcessor<'a>;
    type Shared<'a> = Shared;
    type MainThread<'a> = MainThread<'a>;

    fn declare_extensions(builder: &mut PluginExtensions<Self>, _shared: Option<&Shared>) {
        builder
            .register::<PluginAudioPorts>()
            .register::<PluginAudioPortsConfig>()
            .register::<PluginAudioPortsConfigInfo>()
            .register::<PluginLatency>()
            .register::<PluginParams>()
            .register::<PluginRender>()
            .register::<PluginState>()
            .register::<PluginTail>()
            .register::<PluginTrackInfo>();
    }
}

impl DefaultPluginFactory for Shim {
    fn get_descriptor() -> PluginDescriptor {
        PluginDescriptor::new(plugin::CLAP_ID, plugin::NAME)
            .with_vendor(plugin::VENDOR)
            .with_version(plugin::VERSION)
            .with_description("Makes AI-generated stems and live recordings sit in one mix")
            .with_features([AUDIO_EFFECT, MIXING, MONO, STEREO])
    }

    fn new_shared(_host: HostSharedHandle<'_>) -> Result<Shared, PluginError> {
        Ok(Shared {
            plugin: plugin::Plugin::new(),
            offline: AtomicBool::new(false),
            channels: AtomicU16::new(2),
        })
    }

    fn new_main_thread<'a>(
        host: HostMainThreadHandle<'a>,
        shared: &'a Shared,
    ) -> Result<MainThread<'a>, PluginError> {
        let main_thread = MainThread { host, shared };
        main_thread.changed();
        Ok(main_thread)
    }
}

impl MainThread<'_> {
    /// The latency is another than in the activation before: said while activating, when it may change.
    fn tell_latency(&self) {
        if let Some(latency) = self.host.get_extension::<HostLatency>() {
            latency.changed(&self.host);
        }
    }
}

impl PluginLatencyImpl for MainThread<'_> {
    fn get(&self) -> u32 {
        self.shared.plugin.latency()
    }
}

impl PluginRenderImpl for MainThread<'_> {
    fn has_hard_realtime_requirement(&self) -> bool {
        false
    }

    fn set(&self, mode: RenderMode) -> Result<(), PluginError> {
        self.shared.offline.store(mode == RenderMode::Offline, Relaxed);
        Ok(())
    }
}

impl PluginTrackInfoImpl for MainThread<'_> {
    fn changed(&self) {
        let mut host = self.host;
        let mut buffer = TrackInfoBuffer::new();
        if let Some(info) = host.get_extension::<HostTrackInfo>()
            && let Some(info) = info.get(&mut host, &mut buffer)
            && let Some(name) = info.name()
        {
            self.shared.plugin.set_track_name(&String::from_utf8_lossy(name));
        }
    }
}

impl PluginStateImpl for MainThread<'_> {
    fn save(&self, output: &mut OutputStream) -> Result<(), PluginError> {
        Ok(output.write_all(&self.shared.plugin.save())?)
    }

    fn load(&self, input: &mut InputStream) -> Result<(), PluginError> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(MAX_STATE).unwrap_or(u64::MAX);
        input.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() > MAX_STATE {
            return Err(PluginError::Message(
                "saved state is longer than 8 MiB and so no HybridMix state; load another preset",
            ));
        }
        self.shared.plugin.load(&bytes).map_err(|error| PluginError::Error(Box::new(error)))?;
        if let Some(params) = self.host.get_extension::<HostParams>() {
            params.rescan(&self.host, ParamRescanFlags::VALUES);
        }
        Ok(())
    }
}

impl PluginMainThreadParams for MainThread<'_> {
    fn count(&self) -> u32 {
        u32::try_from(PARAMS.len()).unwrap_or(0)
    }

    fn get_info(&self, index: u32, writer: &mut ParamInfoWriter) {
        let Some(param) = usize::try_from(index).ok().and_then(|index| PARAMS.get(index)) else { return };
        let kind = match param.scale {
            Scale::Choice(_) => ParamInfoFlags::IS_STEPPED | ParamInfoFlags::IS_ENUM,
            // Stepped means whole numbers here.
            Scale::Number { step: 1.0, .. } => ParamInfoFlags::IS_STEPPED,
            Scale::Number { .. } => ParamInfoFlags::empty(),
        };
        let access =
            if param.read_only { ParamInfoFlags::IS_READONLY } else { ParamInfoFlags::IS_AUTOMATABLE };
        let role =
            if param.id == params::BYPASS { ParamInfoFlags::IS_BYPASS } else { ParamInfoFlags::empty() };
        writer.set(&ParamInfo {
            id: ClapId::new(param.id),
            flags: kind | access | role,
            cookie: Cookie::empty(),
            name: param.title.as_bytes(),
            module: b"",
            min_value: param.min,
            max_value: param.max,
            default_value: param.default,
        });
    }

    fn get_value(&self, id: ClapId) -> Option<f64> {
        self.shared.plugin.value(id.get())
    }

    fn value_to_text(&self, id: ClapId, value: f64, writer: &mut ParamDisplayWriter) -> std::fmt::Result {
        let param = params::by_id(id.get()).ok_or(std::fmt::Error)?;
        writer.write_str(&param.text(value))
    }

    fn text_to_value(&self, id: ClapId, text: &CStr) -> Option<f64> {
        params::by_id(id.get())?.parse(text.to_str().ok()?)
    }

    fn flush(&self, input: &InputEvents, _output: &mut OutputEvents) {
        process::for_each_change(input, |id, value| self.shared.plugin.set(id, value));
    }
}
