//! The protocol without sockets: a ROUTER's side of it is played from bytes.

use proptest::prelude::*;
use zmtp::{Inbox, Mechanism, Message, Options, ProtocolError, SendError, Session};

const READY: &[u8] = b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06ROUTER";

fn greeting(mechanism: &[u8]) -> Vec<u8> {
    let mut greeting = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01".to_vec();
    greeting.extend(mechanism);
    greeting.resize(64, 0);
    greeting
}

fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![flags | 2];
    frame.extend((body.len() as u64).to_be_bytes());
    frame.extend(body);
    frame
}

struct Client {
    session: Session,
    inbox: Inbox,
}

impl Client {
    fn new(options: &Options) -> Self {
        Self { session: Session::new(options), inbox: Inbox::new(options) }
    }

    fn ready(options: &Options) -> Self {
        let mut client = Self::new(options);
        client.hear(&greeting(b"NULL")).unwrap();
        client.hear(READY).unwrap();
        assert!(client.session.is_ready());
        client.said();
        client
    }

    /// Feeds `bytes`; messages are left in the inbox.
    fn hear(&mut self, mut bytes: &[u8]) -> Result<(), ProtocolError> {
        self.session.receive(0, &mut self.inbox)?;
        while !bytes.is_empty() {
            let space = self.session.space();
            let count = space.len().min(bytes.len());
            if count == 0 {
                return Ok(());
            }
            space[..count].copy_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            self.session.receive(count, &mut self.inbox)?;
        }
        Ok(())
    }

    /// Takes everything that is to be sent.
    fn said(&mut self) -> Vec<u8> {
        let mut said = Vec::new();
        loop {
            let bytes = self.session.to_send();
            if bytes.is_empty() {
                return said;
            }
            said.extend_from_slice(bytes);
            let count = bytes.len();
            self.session.sent(count);
        }
    }

    fn messages(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.inbox.pop()).collect()
    }
}

fn plain() -> Options {
    let mechanism = Mechanism::Plain { username: "u".into(), password: "p".into() };
    Options { mechanism, identity: b"me".to_vec(), ..Options::default() }
}

#[test]
fn the_null_handshake_sends_greeting_then_ready() {
    let mut client = Client::new(&Options { identity: b"me".to_vec(), ..Options::default() });
    assert_eq!(client.said().len(), 64);
    client.hear(&greeting(b"NULL")[..63]).unwrap();
    assert!(client.said().is_empty(), "nothing is said to a peer that is not known yet");
    client.hear(&[0]).unwrap();
    let expected = b"\x04\x2b\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x02me";
    assert_eq!(client.said(), expected);
    assert!(!client.session.is_ready());
    client.hear(READY).unwrap();
    assert!(client.session.is_ready());
}

#[test]
fn the_plain_handshake_sends_hello_then_initiate() {
    let mut client = Client::new(&plain());
    client.said();
    client.hear(&greeting(b"PLAIN")).unwrap();
    assert_eq!(client.said(), b"\x04\x0a\x05HELLO\x01u\x01p");
    client.hear(b"\x04\x08\x07WELCOME").unwrap();
    assert!(client.said().starts_with(b"\x04\x2e\x08INITIATE"));
    client.hear(READY).unwrap();
    assert!(client.session.is_ready());
}

#[test]
fn the_password_is_not_said_to_a_peer_of_another_mechanism() {
    let mut client = Client::new(&plain());
    client.said();
    let error = client.hear(&greeting(b"NULL")).unwrap_err();
    assert_eq!(error.to_string(), "the peer uses the mechanism NULL, expected PLAIN");
    assert!(client.said().is_empty());
}

#[test]
fn messages_go_through_whole_with_their_parts() {
    let mut client = Client::ready(&Options::default());
    let big = vec![7; 70_000];
    client.hear(&[frame(1, b"a"), frame(1, b""), frame(0, &big), frame(0, b"z")].concat()).unwrap();
    assert_eq!(client.messages(), [vec![b"a".to_vec(), vec![], big], vec![b"z".to_vec()]]);
}

#[test]
fn a_ping_is_answered_with_its_context_also_between_two_parts() {
    let mut client = Client::ready(&Options::default());
    client.hear(&frame(1, b"a")).unwrap();
    client.hear(b"\x04\x0a\x04PING\0\x0axyz").unwrap();
    client.hear(&frame(0, b"b")).unwrap();
    assert_eq!(client.said(), b"\x04\x08\x04PONGxyz");
    assert_eq!(client.messages(), [vec![b"a".to_vec(), b"b".to_vec()]]);
}

#[test]
fn unknown_commands_are_ignored_and_error_ends_the_connection() {
    let mut client = Client::ready(&Options::default());
    client.hear(b"\x04\x06\x05HELLO\x04\x05\x04PONG").unwrap();
    assert!(client.said().is_empty());
    let error = client.hear(b"\x04\x09\x05ERROR\x02no").unwrap_err();
    assert_eq!(error.to_string(), "the peer refused the connection: no");
}

#[test]
fn pings_are_not_answered_without_bound_to_a_peer_that_does_not_read() {
    let options = Options { tx_limit: 1000, ..Options::default() };
    let mut client = Client::ready(&options);
    for _ in 0..10_000 {
        client.hear(b"\x04\x07\x04PING\0\0").unwrap();
    }
    assert!(client.said().len() < 1000 + 1024);
}

#[test]
fn nothing_is_sent_before_ready_and_nothing_beyond_the_limit() {
    let options = Options { tx_limit: 100, max_frame: 90, ..Options::default() };
    let mut client = Client::new(&options);
    assert_eq!(client.session.try_send(&[b"x"]), Err(SendError::NotReady));
    let mut client = Client::ready(&options);
    assert_eq!(client.session.try_send(&[&[1; 58]]), Ok(()));
    assert_eq!(client.session.try_send(&[&[2; 39]]), Err(SendError::Full));
    assert_eq!(client.session.try_send(&[&[3; 18], &[4; 18]]), Ok(()), "exactly full");
    assert_eq!(client.said().len(), 100, "refused messages leave no trace");
    assert_eq!(client.session.try_send(&[&[2; 39]]), Ok(()));
}

#[test]
fn messages_that_can_never_be_sent_are_refused_as_such() {
    let options = Options { tx_limit: 100, max_frame: 90, max_parts: 2, ..Options::default() };
    let mut client = Client::ready(&options);
    for parts in [&[][..], &[&[0; 91][..]], &[b"", b"", b""], &[&[0; 80], &[0; 80]]] {
        assert_eq!(client.session.try_send(parts), Err(SendError::Invalid));
    }
    assert_eq!(client.session.try_send(&[b"", b""]), Ok(()));
}

#[test]
fn a_full_inbox_stops_the_parser_and_loses_nothing() {
    let mut client = Client::ready(&Options { rx_limit: 3, ..Options::default() });
    let stream: Vec<u8> = (0..100).flat_map(|n| frame(0, &[n])).collect();
    client.hear(&stream).unwrap();
    let mut taken = Vec::new();
    loop {
        let messages = client.messages();
        assert!(messages.len() <= 3);
        if messages.is_empty() {
            break;
        }
        taken.extend(messages);
        client.hear(&[]).unwrap();
    }
    assert_eq!(taken, (0..100).map(|n| vec![vec![n]]).collect::<Vec<_>>());
}

#[test]
fn what_the_limits_forbid_ends_the_connection() {
    let options = Options { max_frame: 100, max_parts: 2, ..Options::default() };
    let error = Client::ready(&options).hear(&[2, 0, 0, 0, 0, 0, 0, 0, 101]).unwrap_err();
    assert_eq!(error.to_string(), "the peer announced a frame of 101 bytes, at most 100 are allowed");
    let error = Client::ready(&options).hear(&[1, 0, 1, 0, 1, 0]).unwrap_err();
    assert_eq!(error, ProtocolError::TooManyParts { limit: 2 });
    let error = Client::new(&options).hear(&[greeting(b"NULL"), frame(0, b"x")].concat()).unwrap_err();
    assert_eq!(error, ProtocolError::Early);
}

proptest! {
    #[test]
    fn a_conversation_survives_any_split(
        messages in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 1..5), 0..8),
        cuts in prop::collection::vec(1_usize..300, 1..30),
    ) {
        // One client's sending is the other's receiving, behind a peer's handshake.
        let mut sender = Client::ready(&Options::default());
        for message in &messages {
            let parts: Vec<&[u8]> = message.iter().map(Vec::as_slice).collect();
            sender.session.try_send(&parts).unwrap();
            sender.session.ping();
        }
        let stream = [greeting(b"NULL"), READY.to_vec(), sender.said()].concat();
        let mut receiver = Client::new(&Options::default());
        let mut rest = stream.as_slice();
        let mut cut = cuts.iter().cycle();
        while !rest.is_empty() {
            let (piece, later) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
            receiver.hear(piece).unwrap();
            rest = later;
        }
        prop_assert_eq!(receiver.messages(), messages);
    }

    #[test]
    fn the_outcome_of_any_bytes_does_not_depend_on_how_they_are_split(
        tail in prop::collection::vec(any::<u8>(), 0..300),
        prefix in 0_usize..3,
        cut in 1_usize..20,
    ) {
        let stream = match prefix {
            0 => tail,
            1 => [greeting(b"NULL"), tail].concat(),
            _ => [greeting(b"NULL"), READY.to_vec(), tail].concat(),
        };
        let mut whole = Client::new(&Options::default());
        let at_once = whole.hear(&stream);
        let mut pieces = Client::new(&Options::default());
        let piecewise = stream.chunks(cut).try_for_each(|piece| pieces.hear(piece));
        prop_assert_eq!(&at_once, &piecewise);
        prop_assert_eq!(whole.messages(), pieces.messages());
        if at_once.is_ok() {
            prop_assert_eq!(whole.said(), pieces.said());
        }
    }
}
