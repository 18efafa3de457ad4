//! A peer that sends without end to a caller that takes nothing, and a caller that sends without end to a peer
//! that takes nothing. One test: it counts what the whole process allocates.

use peak_alloc::PeakAlloc;
use zmtp::{Inbox, Options, Session};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const READY: &[u8] = b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06ROUTER";

fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![flags | 2];
    frame.extend((body.len() as u64).to_be_bytes());
    frame.extend(body);
    frame
}

/// Feeds `pattern` over and over until the client wants no more: the most it held.
fn flood(options: &Options, pattern: &[u8]) -> usize {
    let mut greeting = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL".to_vec();
    greeting.resize(64, 0);
    greeting.extend(READY);

    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let mut session = Session::new(options);
    let mut inbox = Inbox::new(options);
    let mut stream = greeting.iter().chain(pattern.iter().cycle());
    let mut fed = 0;
    loop {
        let space = session.space();
        if space.is_empty() || fed > 2 * options.memory_bound() {
            break;
        }
        let count = space.len();
        space.iter_mut().zip(&mut stream).for_each(|(to, from)| *to = *from);
        fed += count;
        session.receive(count, &mut inbox).unwrap();
        while session.is_ready() && session.try_send(&[pattern.get(..1000).unwrap_or(pattern)]).is_ok() {}
        session.ping();
    }
    HEAP.peak_usage() - before
}

#[test]
fn no_flood_makes_the_client_hold_more_than_it_declares() {
    let small = Options {
        max_frame: 4096,
        max_parts: 4,
        tx_limit: 10_000,
        rx_limit: 100,
        rx_bytes: 50_000,
        ..Options::default()
    };
    let large = Options {
        max_frame: 100_000,
        tx_limit: 200_000,
        rx_limit: 1024,
        rx_bytes: 500_000,
        ..Options::default()
    };
    for options in [&small, &large] {
        let largest = vec![1; options.max_frame];
        let patterns = [
            frame(0, b""),
            vec![0, 0],
            frame(0, b"tiny"),
            frame(0, &largest),
            [frame(1, &largest), frame(1, &largest), frame(1, &largest), frame(0, &largest)].concat(),
            b"\x04\x07\x04PING\0\0".to_vec(),
            frame(4, &[&b"\x07UNKNOWN"[..], &[0; 8000]].concat()),
        ];
        let held: Vec<usize> = patterns.iter().map(|pattern| flood(options, pattern)).collect();
        let bound = options.memory_bound();
        assert!(held.iter().all(|held| *held <= bound), "{held:?}, bound {bound}");
        // The floods come near enough to the bound to mean something.
        assert!(held.iter().any(|held| *held > bound / 4), "{held:?}, bound {bound}");
    }
}
