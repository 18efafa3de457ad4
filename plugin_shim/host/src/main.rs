//! Hosts the built plugin as a DAW would: N tracks in one process, one audio thread at cadence, in real time.
//!
//! ```text
//! hybridmix-host --plugin build/plugin/HybridMix.clap --tracks 8 --seconds 30 --block 512
//! ```
//!
//! With `--state FILE`, given once or more, tracks load these states or presets in turn before they start.
//!
//! Prints JSON lines on stdout: `ready`, one `status` line per change of a track's status, and at the end
//! `result`. Stops after `--seconds`, or when standard input ends. Times are those of the monotonic clock.

mod cadence;
mod signal;
mod timer;
mod track;

use std::collections::HashSet;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clack_host::prelude::{HostInfo, PluginEntry};
use serde_json::json;

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct Settings {
    plugin: String,
    tracks: usize,
    seconds: f64,
    rate: u32,
    block: u32,
    /// States that tracks load before they start, in turn: each as the plugin saves them, or a preset.
    states: Vec<PathBuf>,
}

fn settings() -> Result<Settings, lexopt::Error> {
    use lexopt::prelude::*;
    let mut settings = Settings {
        plugin: String::new(),
        tracks: 1,
        seconds: 10.0,
        rate: 48_000,
        block: 512,
        states: Vec::new(),
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("plugin") => settings.plugin = parser.value()?.string()?,
            Long("tracks") => settings.tracks = parser.value()?.parse()?,
            Long("seconds") => settings.seconds = parser.value()?.parse()?,
            Long("rate") => settings.rate = parser.value()?.parse()?,
            Long("block") => settings.block = parser.value()?.parse()?,
            Long("state") => settings.states.push(parser.value()?.into()),
            other => return Err(other.unexpected()),
        }
    }
    if settings.plugin.is_empty() || settings.tracks == 0 || settings.block == 0 || settings.rate == 0 {
        return Err("--plugin FILE is needed; --tracks, --block and --rate are at least 1".into());
    }
    Ok(settings)
}

/// Seconds of the system's monotonic clock: the same clock in every process.
pub fn monotonic() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
        .as_secs_f64()
}

/// Prints one line and flushes; a reader that went away is no reason to stop the audio.
fn say(line: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = settings()?;
    let info = HostInfo::new("hybridmix-host", "HybridMix", "", env!("CARGO_PKG_VERSION"))?;
    // SAFETY: the file is our own plugin, which keeps to the CLAP specification.
    let entry = unsafe { PluginEntry::load(&settings.plugin) }?;
    let mut tracks = (0..settings.tracks)
        .map(|_| track::Track::new(&entry, &info, &settings))
        .collect::<Result<Vec<_>, _>>()?;

    let stop = Arc::new(AtomicBool::new(false));
    let on_input_end = Arc::clone(&stop);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        on_input_end.store(true, Ordering::Relaxed);
    });
    let timer = timer::ControlTimer::start();
    let audio = cadence::start(
        tracks.iter_mut().map(track::Track::take_audio).collect(),
        &settings,
        Arc::clone(&stop),
    );
    say(&json!({"event": "ready", "t": monotonic()}));

    let mut late = timer::LateLog::default();
    let mut seen = vec![u32::MAX; tracks.len()];
    while !audio.is_finished() {
        for (index, track) in tracks.iter_mut().enumerate() {
            track.run_callbacks();
            let status = track.status();
            if status != std::mem::replace(&mut seen[index], status) {
                say(&json!({"event": "status", "t": monotonic(), "track": index, "status": status}));
            }
        }
        late.observe(tracks.iter_mut().map(|track| track.late()).sum());
        std::thread::sleep(Duration::from_millis(2));
    }
    let outcome = audio.join().map_err(|_| "the audio thread panicked")?;
    let stalls = timer.stop();
    let statuses: HashSet<u32> = seen.into_iter().collect();

    let unload = std::time::Instant::now();
    for (track, audio) in tracks.iter_mut().zip(outcome.audio) {
        track.deactivate(audio);
    }
    drop(tracks);
    drop(entry);
    say(&json!({
        "event": "result",
        "unload_ms": unload.elapsed().as_secs_f64() * 1e3,
        "statuses": statuses,
        "late": late.controlled(&stalls),
        "late_uncontrolled": late.total(),
        "timer_stalls": stalls.len(),
        "timer_stall_ms_max": stalls.iter().map(|stall| stall.length() * 1e3).fold(0.0, f64::max),
        "audio": outcome.result,
    }));
    Ok(())
}
