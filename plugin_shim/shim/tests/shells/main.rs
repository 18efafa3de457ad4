//! What both shells must do, asked through a small host in each format: one set of behaviours, run twice.
//!
//! The rules that the public validators of the two formats check are among them.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_precision_loss)]
#![allow(clippy::cast_sign_loss, clippy::float_cmp)]

#[macro_use]
mod host;
mod audio;
mod clap_host;
mod clap_only;
mod faults;
mod frozen;
mod lifecycle;
mod params;
mod state;
mod threads;
mod vst3_host;
mod vst3_objects;
mod vst3_only;

/// Counts allocations inside [`host::guarded`].
#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;
