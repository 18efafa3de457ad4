//! Frames: flags, length, body (RFC 37, "framing").

use std::collections::VecDeque;

use crate::error::ProtocolError;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// Longest frame header: flags and an 8-byte length.
const MAX_HEADER: usize = 9;

/// Longest command body accepted; the largest that a peer needs is READY with its metadata.
pub(crate) const MAX_COMMAND: usize = 8 * 1024;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    Message { more: bool },
    Command,
}

/// One whole frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: FrameKind,
    pub(crate) body: Vec<u8>,
}

/// Bytes that a body of `length` bytes takes on the wire.
pub(crate) fn frame_size(length: usize) -> usize {
    length.saturating_add(if length < 256 { 2 } else { MAX_HEADER })
}

/// Appends one frame to `out`.
pub(crate) fn encode(out: &mut VecDeque<u8>, kind: FrameKind, body: &[u8]) {
    let flags = match kind {
        FrameKind::Message { more } => u8::from(more) * MORE,
        FrameKind::Command => COMMAND,
    };
    match u8::try_from(body.len()) {
        Ok(length) => out.extend(&[flags, length]),
        Err(_) => {
            out.push_back(flags | LONG);
            out.extend(&(body.len() as u64).to_be_bytes());
        }
    }
    out.extend(body);
}

/// Cuts a byte stream into frames, whatever pieces it comes in.
///
/// Memory grows with the bytes that arrive: the announced length is checked against the limit and otherwise
/// only caps the growth.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// Largest body of a message frame.
    max_frame: usize,
    /// Until the handshake is complete only commands are legal.
    commands_only: bool,
    header: [u8; MAX_HEADER],
    header_length: usize,
    body: Option<Body>,
}

#[derive(Debug)]
struct Body {
    kind: FrameKind,
    bytes: Vec<u8>,
    length: usize,
}

impl Decoder {
    pub(crate) fn new(max_frame: usize) -> Self {
        Self { max_frame, commands_only: true, header: [0; MAX_HEADER], header_length: 0, body: None }
    }

    /// From here on messages are legal too.
    pub(crate) fn allow_messages(&mut self) {
        self.commands_only = false;
    }

    /// Takes bytes off the front of `input` until a frame is whole (`Some`) or the input is used up (`None`).
    pub(crate) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, ProtocolError> {
        if self.body.is_none() {
            self.body = self.read_header(input)?;
        }
        let Some(body) = &mut self.body else { return Ok(None) };
        let missing = body.length - body.bytes.len();
        let (taken, rest) = input.split_at(missing.min(input.len()));
        *input = rest;
        grow(&mut body.bytes, taken.len(), body.length);
        body.bytes.extend_from_slice(taken);
        if body.bytes.len() < body.length {
            return Ok(None);
        }
        Ok(self.body.take().map(|body| Frame { kind: body.kind, body: body.bytes }))
    }

    fn read_header(&mut self, input: &mut &[u8]) -> Result<Option<Body>, ProtocolError> {
        loop {
            let known = &self.header[..self.header_length];
            if let Some(&flags) = known.first() {
                let long = flags & LONG != 0;
                if self.header_length == if long { MAX_HEADER } else { 2 } {
                    // Both forms end with their length, most significant byte first.
                    let length = known[1..].iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
                    self.header_length = 0;
                    return self.begin_body(flags, length).map(Some);
                }
            }
            let Some((&byte, rest)) = input.split_first() else { return Ok(None) };
            if self.header_length == 0 {
                self.check_flags(byte)?;
            }
            self.header[self.header_length] = byte;
            self.header_length += 1;
            *input = rest;
        }
    }

    fn check_flags(&self, flags: u8) -> Result<(), ProtocolError> {
        let command = flags & COMMAND != 0;
        if flags & !(MORE | LONG | COMMAND) != 0 || command && flags & MORE != 0 {
            Err(ProtocolError::Flags { flags })
        } else if self.commands_only && !command {
            Err(ProtocolError::Early)
        } else {
            Ok(())
        }
    }

    fn begin_body(&self, flags: u8, length: u64) -> Result<Body, ProtocolError> {
        let (kind, limit) = if flags & COMMAND != 0 {
            (FrameKind::Command, MAX_COMMAND)
        } else {
            (FrameKind::Message { more: flags & MORE != 0 }, self.max_frame)
        };
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= limit)
            .ok_or(ProtocolError::FrameTooLarge { length, limit })?;
        Ok(Body { kind, bytes: Vec::new(), length })
    }
}

/// Makes room for `more` bytes: twice what is there, or what is needed, but never more than `cap`.
fn grow(bytes: &mut Vec<u8>, more: usize, cap: usize) {
    let needed = bytes.len() + more;
    if needed > bytes.capacity() {
        let capacity = needed.max(bytes.capacity() * 2).min(cap);
        bytes.reserve_exact(capacity - bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn open(max_frame: usize) -> Decoder {
        let mut decoder = Decoder::new(max_frame);
        decoder.allow_messages();
        decoder
    }

    fn encoded(kind: FrameKind, body: &[u8]) -> Vec<u8> {
        let mut out = VecDeque::new();
        encode(&mut out, kind, body);
        assert_eq!(out.len(), frame_size(body.len()));
        out.into()
    }

    #[test]
    fn frames_are_written_as_the_specification_shows() {
        assert_eq!(encoded(FrameKind::Message { more: false }, b""), [0, 0]);
        assert_eq!(encoded(FrameKind::Message { more: true }, b"ab"), [1, 2, b'a', b'b']);
        assert_eq!(encoded(FrameKind::Command, b"x"), [4, 1, b'x']);
        assert_eq!(encoded(FrameKind::Message { more: false }, &[7; 255])[..2], [0, 255]);
        assert_eq!(
            encoded(FrameKind::Message { more: true }, &[7; 256])[..10],
            [3, 0, 0, 0, 0, 0, 0, 1, 0, 7]
        );
        assert_eq!(encoded(FrameKind::Command, &[7; 300])[..9], [6, 0, 0, 0, 0, 0, 0, 1, 44]);
    }

    #[test]
    fn a_long_header_with_a_short_length_is_understood() {
        let mut input: &[u8] = &[2, 0, 0, 0, 0, 0, 0, 0, 1, 9];
        let frame = open(8).next(&mut input).unwrap().unwrap();
        assert_eq!(frame, Frame { kind: FrameKind::Message { more: false }, body: vec![9] });
    }

    #[test]
    fn illegal_flags_are_refused_at_their_byte() {
        for flags in [8, 16, 32, 64, 128, 255, 5, 7] {
            let result = open(8).next(&mut [flags].as_slice());
            assert_eq!(result, Err(ProtocolError::Flags { flags }));
        }
    }

    #[test]
    fn messages_are_refused_during_the_handshake() {
        assert_eq!(Decoder::new(8).next(&mut [0].as_slice()), Err(ProtocolError::Early));
        assert_eq!(Decoder::new(8).next(&mut [4].as_slice()), Ok(None));
    }

    #[test]
    fn too_large_a_frame_is_refused_before_its_body() {
        let huge = [2, 255, 255, 255, 255, 255, 255, 255, 255];
        let expected = ProtocolError::FrameTooLarge { length: u64::MAX, limit: 8 };
        assert_eq!(open(8).next(&mut huge.as_slice()), Err(expected));
        assert_eq!(open(8).next(&mut [0, 8].as_slice()), Ok(None));
        let expected = ProtocolError::FrameTooLarge { length: 9, limit: 8 };
        assert_eq!(open(8).next(&mut [0, 9].as_slice()), Err(expected));
        let mut command = vec![6];
        command.extend((MAX_COMMAND as u64 + 1).to_be_bytes());
        assert!(matches!(open(8).next(&mut command.as_slice()), Err(ProtocolError::FrameTooLarge { .. })));
    }

    #[test]
    fn an_announced_length_allocates_nothing_by_itself() {
        let mut decoder = open(1 << 20);
        let mut stream = vec![2, 0, 0, 0, 0, 0, 16, 0, 0];
        stream.extend([1; 100]);
        assert_eq!(decoder.next(&mut stream.as_slice()), Ok(None));
        assert!(decoder.body.unwrap().bytes.capacity() <= 200);
    }

    proptest! {
        #[test]
        fn frames_survive_any_split(
            frames in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..600), any::<bool>(), any::<bool>()), 0..12),
            cuts in prop::collection::vec(1_usize..97, 1..40),
        ) {
            let frames: Vec<Frame> = frames
                .into_iter()
                .map(|(body, more, command)| Frame {
                    kind: if command { FrameKind::Command } else { FrameKind::Message { more } },
                    body,
                })
                .collect();
            let mut stream = VecDeque::new();
            for frame in &frames {
                encode(&mut stream, frame.kind, &frame.body);
            }
            let stream = stream.make_contiguous();
            let mut decoder = open(600);
            let mut decoded = Vec::new();
            let mut rest: &[u8] = stream;
            let mut cut = cuts.iter().cycle();
            while !rest.is_empty() {
                let (mut piece, later) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
                rest = later;
                while let Some(frame) = decoder.next(&mut piece).unwrap() {
                    decoded.push(frame);
                }
            }
            prop_assert_eq!(decoded, frames);
        }

        #[test]
        fn capacity_never_exceeds_twice_what_arrived(length in 0_u64..5000, arrived in 0_usize..5000, piece in 1_usize..200) {
            let mut decoder = open(4096);
            let mut header = vec![2];
            header.extend(length.to_be_bytes());
            if decoder.next(&mut header.as_slice()).is_ok() {
                let bytes = vec![0; arrived.min(usize::try_from(length).unwrap().saturating_sub(1))];
                for mut piece in bytes.chunks(piece) {
                    decoder.next(&mut piece).unwrap();
                }
                if let Some(body) = &decoder.body {
                    prop_assert!(body.bytes.capacity() <= 2 * bytes.len());
                }
            } else {
                prop_assert!(length > 4096);
            }
        }
    }
}
