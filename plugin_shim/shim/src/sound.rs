//! What makes the sound: the chain, the bypass around it, and values that take effect at their samples.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

use dsp::{Chain, Declaration, Pace};

use crate::bypass::Bypass;
use crate::channels::unsigned;
use crate::schedule::Schedule;
use crate::shared::{Scheduled, Shared, StartValues};
use wire::{
    flags,
    parameters::{PARAMETERS, Parameter, index_of},
};

/// Answers that wait for the sound that the look-ahead holds: more than a second of frames.
const FOLLOWING: usize = 32;

/// What Lock holds: the gain, and the trim that it is told without.
const LOCKED: [&str; 2] = ["gain_db", "staging_db"];

/// The sections of an activated instance.
#[derive(Debug)]
pub(crate) struct Sound {
    pub(crate) chain: Chain,
    pub(crate) bypass: Bypass,
    /// By how many samples the chain is late; 0 while groove is off.
    latency: i64,
    /// What is due where the sound goes in, and waits for what comes out to be there.
    following: VecDeque<Scheduled>,
}

impl Sound {
    /// At neutral values; with groove, and late, only where it is `grooving`. Allocates.
    pub(crate) fn new(rate: u32, channels: usize, longest: usize, grooving: bool) -> Sound {
        let chain = Chain::new(rate, &declarations(grooving));
        let latency = chain.latency();
        Sound {
            chain,
            bypass: Bypass::new(rate, channels, longest, unsigned(latency)),
            latency,
            following: VecDeque::with_capacity(FOLLOWING),
        }
    }

    pub(crate) fn latency(&self) -> i64 {
        self.latency
    }

    /// A run begins: no value of the last one takes effect any more; where it is `fresh`, no sound of it is left either.
    pub(crate) fn begin_run(&mut self, fresh: bool) {
        self.following.clear();
        if fresh {
            self.chain.forget();
            self.bypass.forget();
        }
    }

    /// The timeline jumped by `moved` samples.
    pub(crate) fn rebase(&mut self, moved: i64) {
        self.chain.rebase(moved);
        self.bypass.rebase(moved);
    }

    /// To the start values of the project, neutral where there are none: at once, or moving from `position` on.
    pub(crate) fn start_from(&mut self, start: StartValues, position: i64, at_once: bool) {
        for (parameter, value) in PARAMETERS.iter().zip(start) {
            let value = value.unwrap_or(parameter.neutral);
            if at_once {
                self.chain.snap(parameter.id, f64::from(value));
            } else {
                // What a section behind groove works on is late.
                let behind = if dsp::chain::comes_in(parameter.section) { 0 } else { self.latency };
                self.chain.set(parameter.id, f64::from(value), position - behind);
            }
        }
    }

    /// Applies everything of `schedule` that is due at sample `at`: up to groove where sound comes in, behind it where it
    /// comes out.
    pub(crate) fn apply(&mut self, schedule: &mut Schedule, shared: &Shared, at: i64, locked: bool) {
        while let Some(due) = schedule.due(at) {
            if due.flags & flags::NONE != 0 {
                continue;
            }
            if due.apply_at < at {
                shared.readout.late.fetch_add(1, Relaxed);
            }
            if self.latency == 0 {
                self.set(&due, shared, at, locked, |_| true);
                continue;
            }
            self.set(&due, shared, at, locked, dsp::chain::comes_in);
            if self.following.len() == FOLLOWING {
                self.following.pop_front();
            }
            self.following.push_back(due);
        }
        let out = at.saturating_sub(self.latency);
        while self.following.front().is_some_and(|due| due.apply_at <= out) {
            if let Some(due) = self.following.pop_front() {
                self.set(&due, shared, out, locked, |section| !dsp::chain::comes_in(section));
            }
        }
    }

    /// Where the next value takes effect of those that wait for the sound.
    pub(crate) fn next(&self) -> Option<i64> {
        self.following.front().map(|due| due.apply_at.saturating_add(self.latency))
    }

    /// Makes the sound of `channels`, which begin at sample `at`.
    pub(crate) fn process(&mut self, at: i64, channels: &mut [&mut [f32]]) {
        self.bypass.process(&mut self.chain, at, channels);
    }

    /// By how many dB it changes the level at sample `at`.
    pub(crate) fn level_change(&self, at: i64) -> f64 {
        self.bypass.level_change(&self.chain, at)
    }

    /// Sets the values of `due` whose section is `meant`. A `locked` gain is what the next start begins with.
    fn set(&mut self, due: &Scheduled, shared: &Shared, at: i64, locked: bool, meant: impl Fn(&str) -> bool) {
        for &(id, value) in &due.values[..due.count] {
            let Some(index) = index_of(id) else { continue };
            let declared = &PARAMETERS[index];
            // Comparing refuses NaN too.
            if meant(declared.section) && (declared.min..=declared.max).contains(&value) {
                self.chain.set(id, f64::from(value), at);
                if locked && LOCKED.contains(&declared.name) {
                    shared.start_values[index].set(Some(value));
                }
            }
        }
    }
}

/// What the sections need to know; those of groove only where it is `grooving`: it is what makes the chain late.
fn declarations(grooving: bool) -> Vec<Declaration> {
    let declare = |parameter: &Parameter| Declaration {
        id: parameter.id,
        name: parameter.name,
        section: parameter.section,
        neutral: f64::from(parameter.neutral),
        pace: Pace { ramp_ms: f64::from(parameter.ramp_ms), slew_per_s: f64::from(parameter.slew_per_s) },
    };
    let there = |parameter: &&Parameter| grooving || parameter.section != dsp::groove::NAME;
    PARAMETERS.iter().filter(there).map(declare).collect()
}
