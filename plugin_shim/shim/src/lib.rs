//! The HybridMix shim: one format-free core and two thin shells.
//!
//! Three worlds touch an instance, and every public item says which one it belongs to:
//!
//! * **main**: the host's main thread; parameters, state, activation. May allocate, lock and wait.
//! * **audio**: the host's audio thread; [`processor`]. Never allocates, locks, or calls the system,
//!   the wait of a Sync render aside.
//! * **bridge**: one thread per process; streams hops to the service and brings values back.

#![deny(unsafe_code)]

pub mod bridge;
mod burst;
mod bypass;
mod channels;
mod clap;
pub mod connection;
pub mod discovery;
pub mod doorbell;
mod engine;
pub mod fork;
mod frozen;
pub mod handshake;
pub mod histogram;
pub mod hops;
pub mod link;
mod member;
mod outgoing;
pub mod param_values;
pub mod params;
pub mod plan;
pub mod plugin;
pub mod processor;
pub mod queue;
mod readouts;
pub mod roster;
pub mod schedule;
mod settings;
pub mod shared;
mod signals;
mod sound;
pub mod state;
mod statistics;
pub mod transport;
mod vst3;
pub mod waiting;
mod worker;

pub use clap::Entry as ClapEntry;
pub use vst3::factory::get_plugin_factory;
