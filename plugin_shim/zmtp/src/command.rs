//! Command bodies: a name, then fields (RFC 37, "commands").

use crate::error::{ProtocolError, printable};

/// Longest context of a PING, which PONG must return.
pub(crate) const MAX_CONTEXT: usize = 16;

/// A command of ours that carries nothing but its name and `fields`.
pub(crate) fn build(name: &str, fields: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(1 + name.len() + fields.len());
    push_short(&mut body, name.as_bytes());
    body.extend_from_slice(fields);
    body
}

/// Our PING: no time to live (the peer has limits of its own) and no context.
pub(crate) fn ping() -> Vec<u8> {
    build("PING", &[0, 0])
}

/// The answer to a PING with these `fields`.
pub(crate) fn pong(fields: &[u8]) -> Result<Vec<u8>, ProtocolError> {
    let malformed = |fault| ProtocolError::Malformed { command: "PING", fault };
    let context = fields.get(2..).ok_or(malformed("it has no time to live"))?;
    if context.len() > MAX_CONTEXT {
        return Err(malformed("its context is longer than 16 bytes"));
    }
    Ok(build("PONG", context))
}

/// The ERROR of libzmq's PLAIN server (4.3.5): its source says `"\x5ERROR"`, where C reads the digits `5E`.
const MISSPELT_ERROR: &[u8] = b"^RROR";

/// Splits a command body into its name and fields.
pub(crate) fn split(body: &[u8]) -> Result<(&[u8], &[u8]), ProtocolError> {
    if let Some(fields) = body.strip_prefix(MISSPELT_ERROR) {
        return Ok((b"ERROR", fields));
    }
    let fault = "its name runs past the end";
    take_short(body)
        .filter(|(name, _)| !name.is_empty())
        .ok_or(ProtocolError::Malformed { command: "command", fault })
}

/// The error that an ERROR command with these `fields` stands for.
pub(crate) fn refused(fields: &[u8]) -> ProtocolError {
    match take_short(fields) {
        Some((reason, _)) => ProtocolError::Refused { reason: printable(reason) },
        None => ProtocolError::Malformed { command: "ERROR", fault: "its reason runs past the end" },
    }
}

/// Appends `bytes` after a one-byte length; longer bytes are cut to 255 (callers check theirs before).
pub(crate) fn push_short(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    out.push(length);
    out.extend_from_slice(&bytes[..usize::from(length)]);
}

/// Takes bytes with a one-byte length off the front: the bytes and the rest.
pub(crate) fn take_short(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = input.split_first()?;
    rest.split_at_checked(usize::from(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ping_and_pong_are_written_as_the_specification_shows() {
        assert_eq!(ping(), b"\x04PING\0\0");
        assert_eq!(pong(b"\0\x0aabc").unwrap(), b"\x04PONGabc");
        assert_eq!(pong(b"\0\x0a").unwrap(), b"\x04PONG");
    }

    #[test]
    fn malformed_commands_are_refused_by_name() {
        for body in [&b""[..], b"\0", b"\x05PING"] {
            assert!(
                matches!(split(body), Err(ProtocolError::Malformed { command: "command", .. })),
                "{body:?}"
            );
        }
        for fields in [&b""[..], b"\0", &[0; 19]] {
            assert!(
                matches!(pong(fields), Err(ProtocolError::Malformed { command: "PING", .. })),
                "{fields:?}"
            );
        }
        assert!(matches!(refused(b"\x05abc"), ProtocolError::Malformed { command: "ERROR", .. }));
    }

    #[test]
    fn the_misspelt_error_of_libzmq_is_understood() {
        assert_eq!(split(b"^RROR\x03400"), Ok((&b"ERROR"[..], &b"\x03400"[..])));
    }

    #[test]
    fn reasons_are_made_printable() {
        let ProtocolError::Refused { reason } = refused(b"\x04a\n\x1b\xff") else { panic!() };
        assert_eq!(reason, "a\\n\\x1b\\xff");
    }
}
