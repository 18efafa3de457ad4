//! The client on real sockets, against a peer that the test scripts by hand.
#![cfg(unix)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use zmtp::{Dealer, Endpoint, Error, MAX_LINGER, Options, SendError};

const READY: &[u8] = b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06ROUTER";
const MS: fn(u64) -> Duration = Duration::from_millis;

fn greeting() -> [u8; 64] {
    let mut greeting = [0; 64];
    greeting[..16].copy_from_slice(b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL");
    greeting
}

/// A folder of its own for every test, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("zmtp-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("s")
    }

    fn dealer(&self, options: Options) -> Dealer {
        Dealer::new(Endpoint::ipc(self.socket()).unwrap(), options).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Accepts one connection and completes the handshake.
fn accept(listener: &UnixListener) -> UnixStream {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(MS(5000))).unwrap();
    stream.write_all(&greeting()).unwrap();
    stream.write_all(READY).unwrap();
    let mut heard = vec![0; 64 + 43];
    stream.read_exact(&mut heard).unwrap();
    assert!(heard.ends_with(b"\x08Identity\0\0\0\0"));
    stream
}

fn poll_until(dealer: &mut Dealer, what: &str, mut done: impl FnMut(&mut Dealer) -> bool) -> Duration {
    let start = Instant::now();
    while !done(dealer) {
        assert!(start.elapsed() < MS(8000), "{what}: not within 8 s, last error {:?}", dealer.last_error());
        dealer.poll(MS(50)).unwrap();
    }
    start.elapsed()
}

#[test]
fn messages_go_both_ways() {
    let folder = Folder::new("both-ways");
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let peer = thread::spawn(move || {
        let mut stream = accept(&listener);
        let mut heard = [0; 8];
        stream.read_exact(&mut heard).unwrap();
        assert_eq!(heard, *b"\x01\x02hi\x00\x02yo");
        stream.write_all(b"\x01\x01a\x00\x01b\x00\x00").unwrap();
        stream
    });
    let mut dealer = folder.dealer(Options::default());
    assert_eq!(dealer.try_send(&[b"x"]), Err(SendError::NotReady));
    poll_until(&mut dealer, "ready", |dealer| dealer.is_ready());
    assert_eq!(dealer.generation(), 1);
    dealer.try_send(&[b"hi", b"yo"]).unwrap();
    dealer.flush();
    let mut messages = Vec::new();
    poll_until(&mut dealer, "two messages", |dealer| {
        messages.extend(std::iter::from_fn(|| dealer.recv()));
        messages.len() == 2
    });
    assert_eq!(messages, [vec![b"a".to_vec(), b"b".to_vec()], vec![vec![]]]);
    drop(peer.join().unwrap());
}

#[test]
fn poll_waits_its_time_and_no_longer() {
    let folder = Folder::new("no-peer");
    let mut dealer = folder.dealer(Options::default());
    let start = Instant::now();
    dealer.poll(MS(60)).unwrap();
    let took = start.elapsed();
    assert!(took >= MS(60) && took < MS(500), "{took:?}");
    assert!(matches!(dealer.last_error(), Some(Error::Connect(_))));
}

#[test]
fn a_waker_ends_a_poll_from_another_thread() {
    let folder = Folder::new("waker");
    let mut dealer = folder.dealer(Options::default());
    let waker = dealer.waker();
    let other = thread::spawn(move || {
        thread::sleep(MS(30));
        waker.clone().wake();
    });
    let start = Instant::now();
    dealer.poll(MS(10_000)).unwrap();
    assert!(start.elapsed() < MS(5000));
    other.join().unwrap();
    dealer.waker().wake();
    dealer.poll(MS(10_000)).unwrap();
    assert!(start.elapsed() < MS(5000), "a waker that rang before the poll counts");
}

#[test]
fn a_new_connection_is_a_new_generation_and_replays_nothing() {
    let folder = Folder::new("generation");
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let peer = thread::spawn(move || {
        let mut first = accept(&listener);
        // Half of a message is on its way when the connection ends.
        let mut heard = [0; 100_000];
        first.read_exact(&mut heard).unwrap();
        drop(first);
        let mut second = accept(&listener);
        let mut heard = [0; 5];
        second.read_exact(&mut heard).unwrap();
        assert_eq!(heard, *b"\x00\x03new");
    });
    let mut dealer = folder.dealer(Options::default());
    poll_until(&mut dealer, "ready", |dealer| dealer.is_ready());
    dealer.try_send(&[&vec![1; 1_000_000]]).unwrap();
    dealer.flush();
    poll_until(&mut dealer, "lost", |dealer| !dealer.is_ready());
    assert!(dealer.last_error().is_some());
    poll_until(&mut dealer, "ready again", |dealer| dealer.is_ready());
    assert_eq!(dealer.generation(), 2);
    assert!(dealer.last_error().is_none());
    dealer.try_send(&[b"new"]).unwrap();
    dealer.flush();
    peer.join().unwrap();
}

#[test]
fn the_last_words_of_a_peer_are_heard() {
    let folder = Folder::new("last-words");
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let peer = thread::spawn(move || accept(&listener).write_all(b"\x00\x03bye").unwrap());
    let mut dealer = folder.dealer(Options::default());
    let mut said = None;
    poll_until(&mut dealer, "a message", |dealer| {
        said = said.take().or_else(|| dealer.recv());
        said.is_some()
    });
    assert_eq!(said, Some(vec![b"bye".to_vec()]));
    poll_until(&mut dealer, "lost", |dealer| !dealer.is_ready());
    peer.join().unwrap();
}

#[test]
fn a_silent_peer_is_asked_and_then_given_up() {
    let folder = Folder::new("silent");
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let peer = thread::spawn(move || {
        let mut stream = accept(&listener);
        let mut heard = [0; 9];
        stream.read_exact(&mut heard).unwrap();
        assert_eq!(heard, *b"\x04\x07\x04PING\0\0");
        stream.write_all(b"\x04\x05\x04PONG").unwrap();
        stream.read_exact(&mut heard).unwrap();
        assert_eq!(heard, *b"\x04\x07\x04PING\0\0");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty(), "one question per silence");
    });
    let options = Options { heartbeat_interval: MS(60), heartbeat_timeout: MS(200), ..Options::default() };
    let mut dealer = folder.dealer(options);
    poll_until(&mut dealer, "ready", |dealer| dealer.is_ready());
    let lasted = poll_until(&mut dealer, "lost", |dealer| !dealer.is_ready());
    assert!(lasted >= MS(200), "{lasted:?}");
    assert!(matches!(dealer.last_error(), Some(Error::Silent(_))), "{:?}", dealer.last_error());
    drop(dealer);
    peer.join().unwrap();
}

#[test]
fn a_peer_that_accepts_and_says_nothing_is_left() {
    let folder = Folder::new("mute");
    let _listener = UnixListener::bind(folder.socket()).unwrap();
    let mut dealer = folder.dealer(Options { handshake_timeout: MS(80), ..Options::default() });
    poll_until(&mut dealer, "an error", |dealer| dealer.last_error().is_some());
    assert_eq!(
        dealer.last_error().unwrap().to_string(),
        "the peer did not complete the handshake within 80 ms"
    );
}

#[test]
fn a_peer_that_stops_reading_costs_bounded_memory_and_no_time() {
    let folder = Folder::new("stopped");
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let peer = thread::spawn(move || accept(&listener));
    let mut dealer = folder.dealer(Options { heartbeat_timeout: MS(60_000), ..Options::default() });
    poll_until(&mut dealer, "ready", |dealer| dealer.is_ready());
    let stream = peer.join().unwrap();
    let block = vec![0; 4096];
    let mut sent = 0;
    let mut longest = Duration::ZERO;
    loop {
        let start = Instant::now();
        let result = dealer.try_send(&[&block]);
        dealer.flush();
        longest = longest.max(start.elapsed());
        match result {
            Ok(()) => sent += 1,
            Err(error) => break assert_eq!(error, SendError::Full),
        }
    }
    assert!(sent > 400 && sent < 2000, "{sent} blocks");
    assert!(longest < MS(500), "{longest:?}");
    // When the peer reads again, poll says that there is room.
    let reader = thread::spawn(move || {
        let mut stream = stream;
        let mut heard = vec![0; sent * (4096 + 9)];
        stream.read_exact(&mut heard).unwrap();
        stream
    });
    let start = Instant::now();
    dealer.poll(MS(5000)).unwrap();
    assert!(start.elapsed() < MS(4000));
    dealer.try_send(&[&block]).unwrap();
    poll_until(&mut dealer, "all read", |_| reader.is_finished());
    reader.join().unwrap();
}

#[test]
fn close_writes_what_is_queued_and_takes_at_most_its_time() {
    let folder = Folder::new("close");
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let peer = thread::spawn(move || accept(&listener));
    let mut dealer = folder.dealer(Options::default());
    poll_until(&mut dealer, "ready", |dealer| dealer.is_ready());
    let mut stream = peer.join().unwrap();
    dealer.try_send(&[b"bye"]).unwrap();
    dealer.close(MS(1000));
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"\x00\x03bye");
    assert!(!dealer.is_ready());
    dealer.poll(MS(1)).unwrap();
    assert_eq!(dealer.generation(), 1, "a closed dealer stays closed");

    let listener = UnixListener::bind(folder.0.join("t")).unwrap();
    let mut dealer = Dealer::new(Endpoint::ipc(folder.0.join("t")).unwrap(), Options::default()).unwrap();
    let peer = thread::spawn(move || accept(&listener));
    poll_until(&mut dealer, "ready", |dealer| dealer.is_ready());
    let _reads_nothing = peer.join().unwrap();
    while dealer.try_send(&[&[0; 65_536]]).is_ok() {
        dealer.flush();
    }
    let start = Instant::now();
    dealer.close(MS(1000));
    let took = start.elapsed();
    assert!(took >= MAX_LINGER && took < MAX_LINGER + MS(200), "{took:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_socket_of_another_user_gets_not_a_byte() {
    let folder = Folder::new("uid");
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let us = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&folder.0).unwrap());
    let mut dealer = folder.dealer(Options { expected_uid: Some(us + 1), ..Options::default() });
    poll_until(&mut dealer, "an error", |dealer| dealer.last_error().is_some());
    let message = format!("the endpoint is served by user {us}, expected user {}", us + 1);
    assert_eq!(dealer.last_error().unwrap().to_string(), message);
    let (mut stream, _) = listener.accept().unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).unwrap();
    assert!(heard.is_empty());

    let mut dealer = folder.dealer(Options { expected_uid: Some(us), ..Options::default() });
    let peer = thread::spawn(move || {
        loop {
            // The first client may have left more attempts behind.
            if let (Ok((mut stream, _)), mut heard) = (listener.accept(), [0; 64])
                && stream.read_exact(&mut heard).is_ok()
            {
                stream.write_all(&[&greeting(), READY].concat()).unwrap();
                return stream;
            }
        }
    });
    poll_until(&mut dealer, "ready", |dealer| dealer.is_ready());
    drop(peer.join().unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn every_descriptor_is_closed_on_exec() {
    // What a child inherits, but for the pipes that tell us; this process may itself have inherited some.
    let inherited = || {
        let script = "for f in /proc/self/fd/*; do readlink $f; done";
        let output = std::process::Command::new("sh").args(["-c", script]).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        assert!(lines.contains("pipe:"), "the list is not empty: {lines}");
        let mut kept: Vec<String> = lines.lines().map(str::to_owned).collect();
        kept.retain(|name| ["socket:", "anon_inode:"].iter().any(|kind| name.starts_with(kind)));
        kept
    };
    let before = inherited();
    let folder = Folder::new("cloexec");
    let listener = UnixListener::bind(folder.socket()).unwrap();
    let peer = thread::spawn(move || accept(&listener));
    let mut dealer = folder.dealer(Options::default());
    poll_until(&mut dealer, "ready", |dealer| dealer.is_ready());
    assert_eq!(inherited(), before);
    drop(peer.join().unwrap());
}

#[test]
fn tcp_connects_and_notices_that_nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::Tcp(listener.local_addr().unwrap());
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&[&greeting(), READY, b"\x00\x01a"].concat()).unwrap();
        stream
    });
    let mut dealer = Dealer::new(endpoint, Options::default()).unwrap();
    poll_until(&mut dealer, "a message", |dealer| dealer.recv().is_some());
    drop(peer.join().unwrap());
    poll_until(&mut dealer, "refused", |dealer| matches!(dealer.last_error(), Some(Error::Connect(_))));
    assert!(!dealer.is_ready());
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let refused = |options: Options| {
        let error = Dealer::new("tcp://127.0.0.1:1".parse().unwrap(), options).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        error.to_string()
    };
    let default = Options::default;
    assert!(refused(Options { identity: vec![1; 256], ..default() }).contains("identity"));
    assert!(refused(Options { identity: vec![0, 1], ..default() }).contains("identity"));
    assert!(refused(Options { backoff: (MS(20), MS(251)), ..default() }).contains("backoff"));
    assert!(refused(Options { heartbeat_timeout: MS(300), ..default() }).contains("heartbeat"));
    assert!(refused(Options { heartbeat_timeout: Duration::MAX, ..default() }).contains("time-outs"));
    assert!(refused(Options { max_parts: 0, ..default() }).contains("limits"));
    assert!(refused(Options { tx_limit: usize::MAX, ..default() }).contains("limits"));
    let mechanism = zmtp::Mechanism::Plain { username: "u".into(), password: "p".repeat(256) };
    assert!(refused(Options { mechanism, ..default() }).contains("PLAIN"));
}
