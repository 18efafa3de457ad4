//! What only CLAP has.

use clack_extensions::audio_ports::{AudioPortFlags, AudioPortInfoBuffer, AudioPortType, PluginAudioPorts};
use clack_host::events::event_types::ParamValueEvent;
use clack_host::events::{EventFlags, Pckn};
use clack_host::prelude::*;

use crate::clap_host::{ClapHost, entry, instance};
use crate::host::{Call, Host, noise, ready};

#[test]
fn an_identifier_with_anything_behind_it_is_refused() {
    for id in [c"org.hybridmix.shim2", c"org.hybridmix.shi", c"", c"ORG.HYBRIDMIX.SHIM"] {
        assert!(instance(id).is_err(), "{id:?}");
    }
}

#[test]
fn the_descriptor_says_what_it_is() {
    let entry = entry();
    let factory = entry.get_plugin_factory().expect("a factory");
    let descriptors: Vec<_> = factory.plugin_descriptors().collect();
    assert_eq!(descriptors.len(), 1);
    let descriptor = &descriptors[0];
    assert_eq!(descriptor.id(), Some(c"org.hybridmix.shim"));
    assert_eq!((descriptor.name(), descriptor.vendor()), (Some(c"HybridMix"), Some(c"HybridMix")));
    let features: Vec<_> = descriptor.features().collect();
    assert!(features.contains(&c"audio-effect") && features.contains(&c"stereo"));
}

#[test]
fn ports_are_main_in_place_and_typed() {
    let mut host = ClapHost::new();
    for (channels, port_type) in [(2, AudioPortType::STEREO), (1, AudioPortType::MONO)] {
        assert!(host.set_channels(channels));
        let ports: PluginAudioPorts = host.extension();
        let handle = host.instance.plugin_handle();
        for is_input in [true, false] {
            assert_eq!(ports.count(&handle, is_input), 1);
            let mut buffer = AudioPortInfoBuffer::new();
            let port = ports.get(&handle, 0, is_input, &mut buffer).expect("there is one");
            assert_eq!(port.channel_count, u32::from(channels));
            assert_eq!(port.flags, AudioPortFlags::IS_MAIN);
            assert_eq!(port.port_type, Some(port_type));
            assert_eq!(port.in_place_pair, Some(port.id));
            assert!(ports.get(&handle, 1, is_input, &mut AudioPortInfoBuffer::new()).is_none());
        }
    }
}

#[test]
fn an_active_instance_keeps_its_layout() {
    let mut host = ready::<ClapHost>();
    assert!(!host.set_channels(1));
}

#[test]
fn events_of_another_namespace_are_none_of_ours() {
    let mut host = ready::<ClapHost>();
    let mut event = ParamValueEvent::new(0, ClapId::new(2), Pckn::match_all(), 10.0);
    let mut foreign = [event.as_unknown().as_bytes().to_vec()];
    assert_eq!(foreign[0][8..10], [0, 0], "the namespace");
    foreign[0][8..10].copy_from_slice(&0xb33f_u16.to_le_bytes());
    let input = noise(1, 2, 64);
    let mut output = vec![vec![0.0; 64]; 2];
    // SAFETY: the bytes of an event, as long as its header says.
    let unknown = unsafe { UnknownEvent::from_bytes_unchecked(&foreign[0]) };
    let events = [unknown];
    assert!(
        host.process_events(&Call::default(), &InputEvents::from_buffer(&events), &input, &mut output).ok
    );
    assert_eq!(host.value(2), Some(100.0));
    event.set_flags(EventFlags::IS_LIVE);
    assert!(
        host.process_events(&Call::default(), &InputEvents::from_buffer(&[event]), &input, &mut output).ok
    );
    assert_eq!(host.value(2), Some(10.0));
}
