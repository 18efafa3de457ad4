//! Two frames to one checked message, and back.

use crate::control::Control;
use crate::error::WireError;
use crate::header::{Header, Kind};
use crate::limits::{HEADER_SIZE, MAX_HEADER, MAX_PACKETS, MAX_PAYLOAD};
use crate::samples::Samples;
use crate::values::Values;

/// A message that passed every check; fields that its kind does not use are zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    /// The fixed fields of the first packet.
    pub header: Header,
    /// Its payload, read.
    pub body: Body<'a>,
    /// The packets after it: only BLOCK and PARAMS have any.
    pub more: Packets<'a>,
}

/// Packets that were checked already, read one by one.
#[derive(Clone, Debug, PartialEq)]
pub struct Packets<'a> {
    heads: &'a [u8],
    payload: &'a [u8],
    stride: usize,
}

impl<'a> Iterator for Packets<'a> {
    type Item = (Header, Body<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.read().and_then(Result::ok)
    }
}

impl<'a> Packets<'a> {
    /// Reads the next packet; `None` after the last.
    fn read(&mut self) -> Option<Result<(Header, Body<'a>), WireError>> {
        let (head, rest) = self.heads.split_at_checked(self.stride)?;
        self.heads = rest;
        Some(Header::fields(head).and_then(|header| {
            let header = header.used();
            let (body, left) = read(&header, self.payload, rest.is_empty())?;
            self.payload = left;
            Ok((header, body))
        }))
    }

    /// Checks what is left, which follows a packet of `kind`.
    fn check(mut self, kind: Kind) -> Result<(), WireError> {
        while let Some((head, _)) = self.heads.split_at_checked(self.stride) {
            let declared = Header::declared_size(head)?;
            if usize::from(declared) != self.stride {
                return Err(WireError::HeaderSize { declared, actual: self.stride });
            }
            if Header::kind_code(head) != Some(kind.code()) {
                return Err(WireError::Packets(self.heads.len() / self.stride));
            }
            self.read().transpose()?;
        }
        Ok(())
    }
}

/// What the payload holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Body<'a> {
    /// Nothing: LEAVE, WAIT, CREDIT, PING, PONG.
    Empty,
    /// BLOCK: `frames` times `channels` samples, planar, and start values, none without START.
    Samples(Samples<'a>, Values),
    /// PARAMS.
    Values(Values),
    /// PLAN: not looked at here.
    Plan(&'a [u8]),
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
    let stride = Header::size(header)?;
    let first = Header::fields(header.get(..stride).unwrap_or(header))?.used();
    let count = header.len() / stride;
    if count > 1 && (count > MAX_PACKETS || !first.kind.is_repeatable()) {
        return Err(WireError::Packets(count));
    }
    let (body, payload) = read(&first, payload, count == 1)?;
    let more = Packets { heads: header.get(stride..).unwrap_or_default(), payload, stride };
    more.clone().check(first.kind)?;
    Ok(Message { header: first, body, more })
}

/// The header of a packet without JSON, for the payload that will follow it; [`Control::encode`] makes the
/// others. Fields that the kind does not use are written as zero. A message of several packets is their
/// headers and their payloads, each in a row.
///
/// # Errors
/// Whatever a receiver would refuse.
pub fn encode(header: &Header, payload: &[u8]) -> Result<[u8; HEADER_SIZE], WireError> {
    let header = header.used();
    read(&header, payload, true)?;
    Ok(header.to_bytes())
}

/// Checks a packet and reads its part of `payload`; the last one must use it up. Returns what is left.
fn read<'a>(header: &Header, payload: &'a [u8], last: bool) -> Result<(Body<'a>, &'a [u8]), WireError> {
    header.check()?;
    let expected = header.payload_length().unwrap_or(payload.len());
    let (own, rest) = payload
        .split_at_checked(expected)
        .filter(|(_, rest)| !last || rest.is_empty())
        .ok_or(WireError::PayloadLength { expected, actual: payload.len() })?;
    let body = match header.kind {
        Kind::Block => {
            let (samples, values) = own.split_at(header.samples_length());
            Body::Samples(Samples::decode(samples)?, Values::decode(values, header.count)?)
        }
        Kind::Params => Body::Values(Values::decode(own, header.count)?),
        Kind::Plan => Body::Plan(own),
        kind => Control::decode(kind, own).transpose()?.map_or(Body::Empty, Body::Control),
    };
    Ok((body, rest))
}
