//! One input and one output, both mono or both stereo.

use std::sync::atomic::Ordering::Relaxed;

use clack_extensions::audio_ports::{
    AudioPortFlags, AudioPortInfo, AudioPortInfoWriter, AudioPortType, PluginAudioPortsImpl,
};
use clack_extensions::audio_ports_config::{
    AudioPortConfigWriter, AudioPortsConfiguration, MainPortInfo, PluginAudioPortsConfigImpl,
    PluginAudioPortsConfigInfoImpl,
};
use clack_plugin::prelude::*;

use super::MainThread;

/// The input's and the output's number; each processes in the other's buffer if the host likes.
const PORT: ClapId = ClapId::new(0);

/// The layouts on offer; the number of one is its count of channels.
const LAYOUTS: [(u16, &str); 2] = [(1, "Mono"), (2, "Stereo")];

fn layout(id: ClapId) -> Option<u16> {
    LAYOUTS.iter().map(|&(channels, _)| channels).find(|&channels| u32::from(channels) == id.get())
}

fn describe(channels: u16, index: u32, is_input: bool, writer: &mut AudioPortInfoWriter) {
    if index == 0 {
        writer.set(&AudioPortInfo {
            id: PORT,
            name: if is_input { b"Input" } else { b"Output" },
            channel_count: channels.into(),
            flags: AudioPortFlags::IS_MAIN,
            port_type: AudioPortType::from_channel_count(channels.into()),
            in_place_pair: Some(PORT),
        });
    }
}

impl PluginAudioPortsImpl for MainThread<'_> {
    fn count(&self, _is_input: bool) -> u32 {
        1
    }

    fn get(&self, index: u32, is_input: bool, writer: &mut AudioPortInfoWriter) {
        describe(self.shared.channels.load(Relaxed), index, is_input, writer);
    }
}

impl PluginAudioPortsConfigImpl for MainThread<'_> {
    fn count(&self) -> u32 {
        u32::try_from(LAYOUTS.len()).unwrap_or(0)
    }

    fn get(&self, index: u32, writer: &mut AudioPortConfigWriter) {
        let Some(&(channels, name)) = usize::try_from(index).ok().and_then(|index| LAYOUTS.get(index)) else {
            return;
        };
        let main = Some(MainPortInfo {
            channel_count: channels.into(),
            port_type: AudioPortType::from_channel_count(channels.into()),
        });
        writer.write(&AudioPortsConfiguration {
            id: ClapId::new(channels.into()),
            name: name.as_bytes(),
            input_port_count: 1,
            output_port_count: 1,
            main_input: main,
            main_output: main,
        });
    }

    fn select(&self, config_id: ClapId) -> Result<(), PluginError> {
        let channels = layout(config_id).ok_or(PluginError::Message("no layout with this number"))?;
        self.shared.channels.store(channels, Relaxed);
        Ok(())
    }
}

impl PluginAudioPortsConfigInfoImpl for MainThread<'_> {
    fn current_config(&self) -> Option<ClapId> {
        Some(ClapId::new(self.shared.channels.load(Relaxed).into()))
    }

    fn get(&self, config_id: ClapId, index: u32, is_input: bool, writer: &mut AudioPortInfoWriter) {
        if let Some(channels) = layout(config_id) {
            describe(channels, index, is_input, writer);
        }
    }
}
