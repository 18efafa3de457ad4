//! The audio side of an instance, block by block, with the test in the place of host and bridge.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_precision_loss)]

mod null;
mod rig;
