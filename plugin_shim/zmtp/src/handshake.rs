//! From the first byte to READY: greeting, then NULL or PLAIN (RFC 37, RFC 24).

use crate::command;
use crate::error::{ProtocolError, printable};
use crate::options::Mechanism;

/// Length of a greeting.
pub(crate) const GREETING: usize = 64;
const SIGNATURE_END: usize = 9;
const VERSION: std::ops::Range<usize> = 10..12;
const MECHANISM: std::ops::Range<usize> = 12..32;

/// What the peer owes us next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its greeting.
    Greeting,
    /// PLAIN: its WELCOME.
    Welcome,
    /// Its READY.
    Ready,
    /// Nothing: messages flow.
    Done,
}

/// Our greeting: ZMTP 3.1, as a client.
pub(crate) fn greeting(mechanism: &Mechanism) -> [u8; GREETING] {
    let mut greeting = [0; GREETING];
    greeting[0] = 0xff;
    greeting[SIGNATURE_END] = 0x7f;
    greeting[VERSION].copy_from_slice(&[3, 1]);
    let name = mechanism.name().as_bytes();
    greeting[MECHANISM.start..MECHANISM.start + name.len()].copy_from_slice(name);
    greeting
}

/// Checks as much of the peer's greeting as has arrived, so that a stranger is recognised at its first byte.
pub(crate) fn check_greeting(known: &[u8], mechanism: &Mechanism) -> Result<(), ProtocolError> {
    if known.first().is_some_and(|byte| *byte != 0xff)
        || known.get(SIGNATURE_END).is_some_and(|byte| *byte != 0x7f)
    {
        return Err(ProtocolError::Signature);
    }
    if let Some(&[major, minor]) = known.get(VERSION)
        && (major, minor) < (3, 1)
    {
        return Err(ProtocolError::Version { major, minor });
    }
    if let Some(field) = known.get(MECHANISM) {
        let end = field.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let found = &field[..end];
        if found != mechanism.name().as_bytes() {
            return Err(ProtocolError::Mechanism { expected: mechanism.name(), found: printable(found) });
        }
    }
    Ok(())
}

/// The command with which we answer the peer's greeting, and the stage after it.
pub(crate) fn open(mechanism: &Mechanism, identity: &[u8]) -> (Vec<u8>, Stage) {
    match mechanism {
        Mechanism::Null => (command::build("READY", &metadata(identity)), Stage::Ready),
        Mechanism::Plain { username, password } => {
            let mut fields = Vec::new();
            command::push_short(&mut fields, username.as_bytes());
            command::push_short(&mut fields, password.as_bytes());
            (command::build("HELLO", &fields), Stage::Welcome)
        }
    }
}

/// Handles a command of the peer: the next stage, and our answer to it if one is due.
pub(crate) fn advance(
    stage: Stage,
    body: &[u8],
    identity: &[u8],
) -> Result<(Stage, Option<Vec<u8>>), ProtocolError> {
    let (name, fields) = command::split(body)?;
    let expected = if stage == Stage::Welcome { "WELCOME" } else { "READY" };
    match name {
        b"ERROR" => Err(command::refused(fields)),
        _ if name != expected.as_bytes() => {
            Err(ProtocolError::Unexpected { expected, found: printable(name) })
        }
        b"WELCOME" => Ok((Stage::Ready, Some(command::build("INITIATE", &metadata(identity))))),
        _ => check_metadata(fields).map(|()| (Stage::Done, None)),
    }
}

/// Our properties: socket type and identity.
fn metadata(identity: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in [("Socket-Type", &b"DEALER"[..]), ("Identity", identity)] {
        command::push_short(&mut out, name.as_bytes());
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(value);
    }
    out
}

/// Checks the peer's properties: whole, and of a socket type that goes with DEALER.
fn check_metadata(mut fields: &[u8]) -> Result<(), ProtocolError> {
    let malformed = |fault| ProtocolError::Malformed { command: "READY", fault };
    let mut socket_type = None;
    while !fields.is_empty() {
        let (name, rest) = command::take_short(fields)
            .filter(|(name, _)| !name.is_empty())
            .ok_or(malformed("a property's name runs past the end"))?;
        let (length, rest) = rest.split_first_chunk().ok_or(malformed("a property has no value"))?;
        let (value, rest) = usize::try_from(u32::from_be_bytes(*length))
            .ok()
            .and_then(|length| rest.split_at_checked(length))
            .ok_or(malformed("a property's value runs past the end"))?;
        if name.eq_ignore_ascii_case(b"Socket-Type") {
            socket_type = Some(value);
        }
        fields = rest;
    }
    match socket_type {
        Some(b"ROUTER" | b"DEALER" | b"REP") => Ok(()),
        Some(other) => Err(ProtocolError::SocketType { found: printable(other) }),
        None => Err(malformed("it names no socket type")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Mechanism {
        Mechanism::Plain { username: "user".into(), password: "secret".into() }
    }

    #[test]
    fn the_greeting_is_written_as_the_specification_shows() {
        let mut expected = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\x01PLAIN".to_vec();
        expected.resize(GREETING, 0);
        assert_eq!(greeting(&plain()).as_slice(), expected);
        assert_eq!(check_greeting(&expected, &plain()), Ok(()));
    }

    #[test]
    fn a_stranger_is_recognised_at_its_first_wrong_byte() {
        let good = greeting(&Mechanism::Null);
        for length in 0..=GREETING {
            assert_eq!(check_greeting(&good[..length], &Mechanism::Null), Ok(()));
        }
        let with = |at: usize, value: u8, length: usize| {
            let mut greeting = good;
            greeting[at] = value;
            check_greeting(&greeting[..length], &Mechanism::Null)
        };
        assert_eq!(with(0, b'H', 1), Err(ProtocolError::Signature));
        assert_eq!(with(9, 0x7e, 10), Err(ProtocolError::Signature));
        assert_eq!(with(10, 2, 12), Err(ProtocolError::Version { major: 2, minor: 1 }));
        assert_eq!(with(11, 0, 12), Err(ProtocolError::Version { major: 3, minor: 0 }));
        assert_eq!(with(10, 4, GREETING), Ok(()));
        assert!(matches!(with(16, b'X', 32), Err(ProtocolError::Mechanism { .. })));
        assert!(matches!(with(31, b'X', 32), Err(ProtocolError::Mechanism { .. })));
    }

    #[test]
    fn null_sends_ready_and_wants_ready() {
        let (ready, stage) = open(&Mechanism::Null, b"me");
        assert_eq!(ready, b"\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x02me");
        assert_eq!(stage, Stage::Ready);
        let answer = b"\x05READY\x0bsocket-type\0\0\0\x06ROUTER\x08Identity\0\0\0\0";
        assert_eq!(advance(stage, answer, b"me"), Ok((Stage::Done, None)));
    }

    #[test]
    fn plain_sends_hello_then_initiate() {
        let (hello, stage) = open(&plain(), b"me");
        assert_eq!(hello, b"\x05HELLO\x04user\x06secret");
        let (stage, initiate) = advance(stage, b"\x07WELCOME", b"me").unwrap();
        assert_eq!(stage, Stage::Ready);
        let expected = b"\x08INITIATE\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x02me";
        assert_eq!(initiate.unwrap(), expected);
    }

    #[test]
    fn wrong_answers_are_refused_by_name() {
        let answer = |stage, body: &[u8]| advance(stage, body, b"").unwrap_err();
        assert_eq!(
            answer(Stage::Welcome, b"\x05READY"),
            ProtocolError::Unexpected { expected: "WELCOME", found: "READY".into() }
        );
        assert_eq!(
            answer(Stage::Ready, b"\x07WELCOME"),
            ProtocolError::Unexpected { expected: "READY", found: "WELCOME".into() }
        );
        assert_eq!(
            answer(Stage::Welcome, b"\x05ERROR\x03400"),
            ProtocolError::Refused { reason: "400".into() }
        );
        let ready = |fields: &[u8]| answer(Stage::Ready, &[b"\x05READY", fields].concat());
        assert_eq!(ready(b"\x0bSocket-Type\0\0\0\x03PUB"), ProtocolError::SocketType { found: "PUB".into() });
        for fields in [
            &b""[..],
            b"\x0b",
            b"\x00",
            b"\x0bSocket-Type",
            b"\x0bSocket-Type\0\0\0",
            b"\x0bSocket-Type\xff\xff\xff\xffROUTER",
            b"\x0bSocket-Type\0\0\0\x06ROUTER\x01",
        ] {
            assert!(matches!(ready(fields), ProtocolError::Malformed { command: "READY", .. }), "{fields:?}");
        }
    }
}
