//! Drives instances of the core against a running service, without a host, and says what they see.
//!
//! `bridge_probe [instances=N] [block=N] [rate=HZ] [channels=N] [sync=1] [seconds=S] [identity=UUID]`
//!
//! One thread processes all instances in turn: at audio cadence, or, once all are joined, as fast as Sync lets
//! it. Every 50 ms one
//! line of JSON shows each instance and the bridge. Lines on the standard input act on an instance:
//! `load I UUID`, `label I TEXT`, `activate I RATE`, `drop I`, and `quit`. The last line, printed after `quit`,
//! the end of the input or `seconds` of audio, tells how long the last detachment took.

use std::io::BufRead;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use hybridmix_shim::bridge::{self, Attachment};
use hybridmix_shim::processor::{Block, Processor};
use hybridmix_shim::shared::Shared;
use hybridmix_shim::state;
use hybridmix_shim::transport::Transport;
use serde_json::{Value, json};
use uuid::Uuid;

struct Settings {
    instances: u32,
    block: u32,
    rate: u32,
    channels: u16,
    sync: bool,
    seconds: f64,
    identity: Option<Uuid>,
}

impl Settings {
    fn from_args() -> Result<Self, String> {
        let mut settings = Self {
            instances: 1,
            block: 512,
            rate: 48_000,
            channels: 2,
            sync: false,
            seconds: f64::INFINITY,
            identity: None,
        };
        for argument in std::env::args().skip(1) {
            let wrong =
                || format!("{argument}: expected NAME=VALUE as in the first lines of bridge_probe.rs");
            let (name, value) = argument.split_once('=').ok_or_else(wrong)?;
            match name {
                "instances" => settings.instances = value.parse().map_err(|_| wrong())?,
                "block" => settings.block = value.parse().map_err(|_| wrong())?,
                "rate" => settings.rate = value.parse().map_err(|_| wrong())?,
                "channels" => settings.channels = value.parse().map_err(|_| wrong())?,
                "sync" => settings.sync = value == "1",
                "seconds" => settings.seconds = value.parse().map_err(|_| wrong())?,
                "identity" => settings.identity = Some(value.parse().map_err(|_| wrong())?),
                _ => return Err(wrong()),
            }
        }
        Ok(settings)
    }
}

/// The part of an instance that a host's main thread holds.
struct Instance {
    shared: Arc<Shared>,
    attachment: Option<Attachment>,
}

impl Instance {
    /// Activates it, or activates it anew: the attachment before is let go only after.
    fn activate(&mut self, settings: &Settings, rate: u32) -> Processor {
        let (processor, ends) =
            Processor::new(Arc::clone(&self.shared), f64::from(rate), settings.block, settings.channels);
        self.attachment = ends.map(|ends| bridge::attach(Arc::clone(&self.shared), ends));
        processor
    }
}

/// The part that its audio thread holds: a processor per instance, `None` once it was dropped.
type Rack = Arc<Mutex<Vec<Option<Processor>>>>;

fn main() -> Result<(), String> {
    let settings = Settings::from_args()?;
    let mut instances: Vec<Instance> = (0..settings.instances).map(|_| new_instance(&settings)).collect();
    let rack: Rack = Arc::default();
    for instance in &mut instances {
        let processor = instance.activate(&settings, settings.rate);
        rack.lock().expect("no thread panics").push(Some(processor));
    }
    let lines = read_lines();
    while settings.sync && !instances.iter().all(|instance| instance.shared.link.up.load(Ordering::Relaxed)) {
        thread::sleep(Duration::from_millis(5));
    }
    let done = Arc::new(AtomicBool::new(false));
    let audio = {
        let (rack, done) = (Arc::clone(&rack), Arc::clone(&done));
        let (block, channels, rate) = (settings.block, settings.channels, settings.rate);
        let (sync, seconds) = (settings.sync, settings.seconds);
        thread::spawn(move || play(&rack, &done, (block, channels, rate), sync, seconds))
    };
    while !done.load(Ordering::Relaxed) {
        match lines.recv_timeout(Duration::from_millis(50)) {
            Ok(line) if line == "quit" => break,
            Ok(line) => {
                obey(&line, &settings, &mut instances, &rack).ok_or(format!("{line}: not understood"))?
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => println!("{}", snapshot(&instances)),
        }
    }
    println!("{}", snapshot(&instances));
    done.store(true, Ordering::Relaxed);
    let played = audio.join().map_err(|_| "the audio thread panicked")?;
    rack.lock().expect("no thread panics").clear();
    let last = instances.pop();
    drop(instances);
    let begin = Instant::now();
    drop(last);
    println!(
        "{}",
        json!({"detach_ms": milliseconds(begin.elapsed()), "played": played, "threads": threads()})
    );
    Ok(())
}

fn new_instance(settings: &Settings) -> Instance {
    let shared = Arc::new(Shared::default());
    shared.identity.lock().expect("no thread panics").instance =
        settings.identity.unwrap_or_else(Uuid::new_v4);
    Instance { shared, attachment: None }
}

/// Processes until told to stop. Returns wall time and the longest block, in ms.
fn play(
    rack: &Rack,
    done: &AtomicBool,
    (block, channels, rate): (u32, u16, u32),
    sync: bool,
    seconds: f64,
) -> Value {
    let length = usize::try_from(block).unwrap_or(1);
    let mut audio = vec![vec![0.0_f32; length]; usize::from(channels)];
    let begin = Instant::now();
    let (mut position, mut longest, mut random) = (0_i64, Duration::ZERO, 1_u32);
    let end = seconds * f64::from(rate);
    let mut due = begin;
    while !done.load(Ordering::Relaxed) && millisamples(position) < end {
        let transport = Transport { playing: true, position: Some(position), ..Transport::default() };
        for processor in rack.lock().expect("no thread panics").iter_mut().flatten() {
            for sample in audio.iter_mut().flatten() {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *sample =
                    f32::from(i16::from_le_bytes([random.to_le_bytes()[2], random.to_le_bytes()[3]])) / 1e5;
            }
            let mut planes: Vec<&mut [f32]> = audio.iter_mut().map(Vec::as_mut_slice).collect();
            let started = Instant::now();
            processor.process(&Block { offline: sync, transport }, &mut planes);
            longest = longest.max(started.elapsed());
        }
        position += i64::from(block);
        if !sync {
            due += Duration::from_secs_f64(f64::from(block) / f64::from(rate));
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
    done.store(true, Ordering::Relaxed);
    json!({"wall_ms": milliseconds(begin.elapsed()), "longest_block_ms": milliseconds(longest), "samples": position})
}

/// Positions of a probe are far below 2^53.
#[allow(clippy::cast_precision_loss)]
fn millisamples(position: i64) -> f64 {
    position as f64
}

fn read_lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn obey(line: &str, settings: &Settings, instances: &mut [Instance], rack: &Rack) -> Option<()> {
    let mut words = line.splitn(3, ' ');
    let verb = words.next()?;
    let index: usize = words.next()?.parse().ok()?;
    let rest = words.next().unwrap_or_default();
    let instance = instances.get_mut(index)?;
    match verb {
        "load" => {
            let mut saved: Value = serde_json::from_slice(&state::save(&instance.shared)).ok()?;
            saved["instance"] = json!(rest);
            state::load(&instance.shared, saved.to_string().as_bytes()).ok()?;
        }
        "label" => {
            rest.clone_into(&mut instance.shared.identity.lock().ok()?.label);
            instance.shared.identity_version.fetch_add(1, Ordering::Release);
        }
        "activate" => {
            let processor = instance.activate(settings, rest.parse().ok()?);
            rack.lock().ok()?[index] = Some(processor);
        }
        "drop" => {
            rack.lock().ok()?[index] = None;
            instance.attachment = None;
        }
        _ => return None,
    }
    Some(())
}

fn snapshot(instances: &[Instance]) -> Value {
    let report = bridge::report().unwrap_or_default();
    let shown: Vec<Value> = instances.iter().map(show).collect();
    json!({
        "instances": shown,
        "bridge": {
            "status": report.status,
            "sentence": report.sentence,
            "connections": report.connections,
            "ignored": report.ignored,
            "rtt_ms": {
                "p50": report.round_trip.p50,
                "p99": report.round_trip.p99,
                "p99_9": report.round_trip.p99_9,
                "count": report.round_trip.count,
            },
        },
        "threads": threads(),
        "fds": count("/proc/self/fd"),
    })
}

fn show(instance: &Instance) -> Value {
    let shared = &instance.shared;
    let (link, readout) = (&shared.link, &shared.readout);
    let identity = shared.identity.lock().expect("no thread panics").clone();
    json!({
        "instance": identity.instance,
        "session": identity.session,
        "up": link.up.load(Ordering::Relaxed),
        "joined": link.joined.load(Ordering::Relaxed),
        "link_status": link.status.load(Ordering::Relaxed),
        "status": readout.status.load(Ordering::Relaxed),
        "late": readout.late.load(Ordering::Relaxed),
        "dropped": readout.dropped.load(Ordering::Relaxed),
        "incomplete": readout.incomplete.load(Ordering::Relaxed),
        "gain_db": f32::from_bits(readout.applied_gain.load(Ordering::Relaxed)),
        "run": readout.run.load(Ordering::Relaxed),
        "dirty": shared.host_dirty.load(Ordering::Relaxed),
    })
}

/// Threads of this process that the bridge or the probe started.
fn threads() -> usize {
    count("/proc/self/task")
}

fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
