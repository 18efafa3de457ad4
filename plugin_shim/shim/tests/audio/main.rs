//! The audio side of an instance, block by block, with the test in the place of host and bridge.
//! Every block in every test is processed under the assertion that nothing is allocated.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss
)]

mod applying;
mod frozen;
mod groove;
mod hops;
mod learn;
mod loss;
mod null;
mod process;
mod realtime;
mod rig;
mod runs;
mod splits;
mod sync;

#[global_allocator]
static ALLOCATOR: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;
