//! Two frames to one checked message, and back.

use crate::control::Control;
use crate::error::WireError;
use crate::header::{Header, Kind};
use crate::limits::{HEADER_SIZE, MAX_HEADER, MAX_PAYLOAD};
use crate::samples::Samples;
use crate::values::Values;

/// A message that passed every check; fields that its kind does not use are zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    /// The fixed fields.
    pub header: Header,
    /// The payload, read.
    pub body: Body<'a>,
}

/// What the payload holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Body<'a> {
    /// Nothing: LEAVE, WAIT, CREDIT, PING, PONG.
    Empty,
    /// BLOCK: `frames` times `channels` samples, planar.
    Samples(Samples<'a>),
    /// PARAMS.
    Values(Values),
    /// The kinds that carry JSON.
    Control(Control),
}

/// Reads a message from its frames.
///
/// # Errors
/// The first check that fails, in the order of the protocol. `UnknownKind` is to be counted and ignored.
pub fn decode<F: AsRef<[u8]>>(frames: &[F]) -> Result<Message<'_>, WireError> {
    let [header, payload] = frames else { return Err(WireError::FrameCount(frames.len())) };
    let (header, payload) = (header.as_ref(), payload.as_ref());
    if header.len() > MAX_HEADER {
        return Err(WireError::HeaderTooLong(header.len()));
    }
    if payload.len() > MAX_PAYLOAD {
        return Err(WireError::PayloadTooLong(payload.len()));
    }
    let header = Header::from_bytes(header)?.used();
    check(&header, payload)?;
    let body = match header.kind {
        Kind::Block => Body::Samples(Samples::decode(payload)?),
        Kind::Params => Body::Values(Values::decode(payload, header.count)?),
        kind => Control::decode(kind, payload).transpose()?.map_or(Body::Empty, Body::Control),
    };
    Ok(Message { header, body })
}

/// The header frame of a message without JSON, for the payload that will follow it; [`Control::encode`]
/// makes the others. Fields that the kind does not use are written as zero.
///
/// # Errors
/// Whatever a receiver would refuse.
pub fn encode(header: &Header, payload: &[u8]) -> Result<[u8; HEADER_SIZE], WireError> {
    let header = header.used();
    check(&header, payload)?;
    match header.kind {
        Kind::Block => Samples::decode(payload).map(drop)?,
        Kind::Params => Values::decode(payload, header.count).map(drop)?,
        kind => Control::decode(kind, payload).transpose().map(drop)?,
    }
    Ok(header.to_bytes())
}

fn check(header: &Header, payload: &[u8]) -> Result<(), WireError> {
    header.check()?;
    match header.payload_length() {
        Some(expected) if expected != payload.len() => {
            Err(WireError::PayloadLength { expected, actual: payload.len() })
        }
        _ => Ok(()),
    }
}
