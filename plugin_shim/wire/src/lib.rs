//! The messages between the plugin and the service, as `docs/protocol.md` specifies them.
//!
//! Two frames each: fixed little-endian headers, and samples, values or JSON; BLOCK and PARAMS may carry
//! several packets in one message. Everything that arrives is
//! checked; what [`decode`] returns holds no number outside its range. Pure: no I/O, no clock.
//!
//! ```
//! use wire::{Body, Header, Kind, Values, decode, encode};
//!
//! let payload = Values::new(&[(1, -6.0), (2, 0.0)])?.encode();
//! let mut header = Header::new(Kind::Params);
//! header.instance = uuid::Uuid::from_u128(7);
//! (header.run, header.position, header.apply_at, header.count) = (3, 2400, 4320, 2);
//! let frames = [encode(&header, &payload)?.to_vec(), payload];
//! let message = decode(&frames)?;
//! assert!(matches!(message.body, Body::Values(values) if values.as_slice()[0] == (1, -6.0)));
//! # Ok::<(), wire::WireError>(())
//! ```
#![forbid(unsafe_code)]

mod check;
pub mod control;
mod error;
mod header;
pub mod limits;
mod message;
pub mod parameters;
pub mod proof;
mod samples;
pub mod status;
mod text;
mod values;

pub use control::Control;
pub use error::WireError;
pub use header::{Header, Kind, MAGIC, flags, role};
pub use limits::HEADER_SIZE;
pub use message::{Body, Message, Packets, decode, encode};
pub use samples::{Samples, append_samples};
pub use text::{Hex32, NotHex};
pub use values::Values;
