//! A client to be driven over standard input and output, for conformance tests against other implementations.
//!
//! `zmtp_peer ENDPOINT [--identity TEXT] [--plain USER PASSWORD] [--uid N] [--heartbeat MS MS] [--rx-limit N]`
//!
//! Commands, one a line: `send HEX…` (`-` is an empty part), `echo` (return every message from now on),
//! `pause`/`resume` (taking messages), `flood SIZE MS` (a message every millisecond), `stats`, `close`.
//! Events, one a line: `ready GENERATION`, `lost ERROR`, `failed ERROR`, `message HEX…`, `sent`,
//! `refused ERROR`, `paused`, `flooded …`, `stats …`, `closed MICROSECONDS`.

use std::io::{self, BufRead, Write};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use zmtp::{Dealer, Endpoint, Mechanism, Message, Options};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let (endpoint, options) = arguments()?;
    let dealer = Dealer::new(endpoint, options)?;
    let waker = dealer.waker();
    let (sender, commands) = mpsc::channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
            waker.wake();
        }
        drop(sender);
        waker.wake();
    });
    let mut peer =
        Peer { dealer, ready: None, shown: String::new(), echo: false, paused: false, flood: None };
    peer.run(&commands)
}

fn arguments() -> Result<(Endpoint, Options), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or_else(|| format!("expected {what}"));
    let endpoint = next("an endpoint")?.parse()?;
    let mut options = Options::default();
    let millis = |text: String| text.parse().map(Duration::from_millis);
    while let Ok(name) = next("an option") {
        match name.as_str() {
            "--identity" => options.identity = next("text")?.into_bytes(),
            "--plain" => {
                options.mechanism =
                    Mechanism::Plain { username: next("a user")?, password: next("a password")? };
            }
            "--uid" => options.expected_uid = Some(next("a user id")?.parse()?),
            "--heartbeat" => {
                options.heartbeat_interval = millis(next("milliseconds")?)?;
                options.heartbeat_timeout = millis(next("milliseconds")?)?;
            }
            "--rx-limit" => options.rx_limit = next("a number")?.parse()?,
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    Ok((endpoint, options))
}

struct Peer {
    dealer: Dealer,
    /// Generation of the connection that is ready.
    ready: Option<u64>,
    /// The failure shown last: repeated attempts show it once.
    shown: String,
    echo: bool,
    paused: bool,
    flood: Option<Flood>,
}

struct Flood {
    block: Vec<u8>,
    next: Instant,
    end: Instant,
    sent: u64,
    refused: u64,
    longest: Duration,
    rss: u64,
}

impl Peer {
    fn run(&mut self, commands: &Receiver<String>) -> Result<(), Failure> {
        loop {
            let wait = if self.flood.is_some() { 1 } else { 50 };
            if self.paused {
                // A message that waits ends every poll at once.
                std::thread::sleep(Duration::from_millis(5));
            }
            self.dealer.poll(Duration::from_millis(wait))?;
            self.show_state();
            while !self.paused
                && let Some(message) = self.dealer.recv()
            {
                self.take(&message);
            }
            loop {
                match commands.try_recv() {
                    Ok(line) if line == "close" => {
                        let begin = Instant::now();
                        self.dealer.close(Duration::from_millis(50));
                        say(&format!("closed {}", begin.elapsed().as_micros()));
                        return Ok(());
                    }
                    Ok(line) => self.obey(&line)?,
                    Err(mpsc::TryRecvError::Empty) => break,
                    Err(mpsc::TryRecvError::Disconnected) => return Ok(()),
                }
            }
            self.flood_on();
            self.dealer.flush();
        }
    }

    fn show_state(&mut self) {
        let ready = self.dealer.is_ready().then(|| self.dealer.generation());
        let error = self.dealer.last_error().map(ToString::to_string).unwrap_or_default();
        if self.ready != ready && self.ready.is_some() {
            say(&format!("lost {error}"));
        } else if ready.is_none() && error != self.shown {
            say(&format!("failed {error}"));
        }
        if self.ready != ready
            && let Some(generation) = ready
        {
            say(&format!("ready {generation}"));
        }
        self.ready = ready;
        self.shown = error;
    }

    fn take(&mut self, message: &Message) {
        if self.echo {
            let parts: Vec<&[u8]> = message.iter().map(Vec::as_slice).collect();
            if let Err(error) = self.dealer.try_send(&parts) {
                say(&format!("refused {error}"));
            }
        } else {
            let parts: Vec<String> = message.iter().map(|part| to_hex(part)).collect();
            say(&format!("message {}", parts.join(" ")));
        }
    }

    fn obey(&mut self, line: &str) -> Result<(), Failure> {
        let mut words = line.split(' ');
        match words.next() {
            Some("send") => {
                let parts = words.map(from_hex).collect::<Result<Message, _>>()?;
                let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                match self.dealer.try_send(&parts) {
                    Ok(()) => say("sent"),
                    Err(error) => say(&format!("refused {error}")),
                }
            }
            Some("echo") => self.echo = true,
            Some("pause") => {
                self.paused = true;
                say("paused");
            }
            Some("resume") => self.paused = false,
            Some("flood") => {
                let mut number = || words.next().unwrap_or_default().parse::<u32>();
                let now = Instant::now();
                self.flood = Some(Flood {
                    block: vec![0; usize::try_from(number()?)?],
                    next: now,
                    end: now + Duration::from_millis(number()?.into()),
                    sent: 0,
                    refused: 0,
                    longest: Duration::ZERO,
                    rss: 0,
                });
            }
            Some("stats") => say(&format!("stats rss_kb={} {}", rss_kb(), counts())),
            _ => return Err(format!("unknown command {line}").into()),
        }
        Ok(())
    }

    fn flood_on(&mut self) {
        let Some(flood) = &mut self.flood else { return };
        let now = Instant::now();
        while flood.next <= now {
            flood.next += Duration::from_millis(1);
            let begin = Instant::now();
            let result = self.dealer.try_send(&[b"flood", &flood.block]);
            self.dealer.flush();
            flood.longest = flood.longest.max(begin.elapsed());
            if result.is_ok() { flood.sent += 1 } else { flood.refused += 1 }
        }
        flood.rss = flood.rss.max(rss_kb());
        if now >= flood.end {
            let Flood { sent, refused, longest, rss, .. } = flood;
            let longest = longest.as_micros();
            say(&format!("flooded sent={sent} refused={refused} longest_us={longest} rss_kb={rss}"));
            self.flood = None;
        }
    }
}

fn say(line: &str) {
    // A reader that is gone ends the test; there is nobody left to tell.
    let _ = writeln!(io::stdout(), "{line}");
}

fn to_hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "-".to_owned();
    }
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn from_hex(text: &str) -> Result<Vec<u8>, Failure> {
    if text == "-" {
        return Ok(Vec::new());
    }
    let digit = |letter: u8| char::from(letter).to_digit(16).ok_or("not hexadecimal");
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            let [high, low] = *pair else { return Err("half a byte".into()) };
            Ok(u8::try_from(digit(high)? << 4 | digit(low)?)?)
        })
        .collect()
}

/// Memory of this process in kB, where the system tells (Linux).
fn rss_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Threads and open descriptors of this process, where the system tells.
fn counts() -> String {
    let entries = |path: &str| std::fs::read_dir(path).map_or(0, Iterator::count);
    format!("threads={} fds={}", entries("/proc/self/task"), entries("/proc/self/fd"))
}
