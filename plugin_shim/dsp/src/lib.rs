//! What the shim does to the sound: pure functions of samples, scheduled targets and position.
//!
//! Nothing here allocates after construction, knows about blocks of the host, the network or time.
//! Every control value is a function of the *position* alone, so that the same targets at the same
//! samples give the same output, bit for bit, however the host cuts its blocks.
//!
//! A section is added by writing a [`Section`] and naming it at its place in [`chain::ORDER`].
#![forbid(unsafe_code)]

pub mod chain;
pub mod denormal;
pub mod density;
pub mod dip;
pub mod fades;
pub mod gain;
pub mod groove;
pub mod high_pass;
pub mod line;
pub mod ramp;
pub mod reverb;
pub mod section;
mod value;

pub use chain::Chain;
pub use density::Density;
pub use dip::Dip;
pub use fades::Fades;
pub use gain::Gain;
pub use groove::Groove;
pub use high_pass::HighPass;
pub use line::Line;
pub use ramp::{Pace, Ramp};
pub use reverb::Reverb;
pub use section::{Declaration, Section};
