//! What happens to a block, in order: settings, run, hops, values, sound, read-outs.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use rtrb::{Consumer, RingBuffer};

use crate::channels::{length, part, signed, unsigned};
use crate::fork;
use crate::frozen::{Course, Frozen};
use crate::hops::Cutter;
use crate::readouts::{Flow, Played, Situation, needed_delay};
use crate::roster::{Lane, Member, Roster};
use crate::schedule::Schedule;
use crate::settings::Settings;
use crate::shared::{BridgeEnds, Scheduled, Shared};
use crate::sound::Sound;
use crate::transport::{Begin, Block, Step, Tracker, Transport};
use crate::waiting::{self, Ended};
use wire::{flags, status};

/// Answers under way at a time: a second of frames and a burst.
const ANSWERS: usize = 128;

/// Input below this is silence: -90 dBFS.
const SILENCE: f32 = 3.162_277_6e-5;

/// The working parts of an activated instance.
#[derive(Debug)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
    rate: u32,
    channels: usize,
    longest: usize,
    member: Member,
    tracker: Tracker,
    cutter: Cutter,
    schedule: Schedule,
    values: Consumer<Scheduled>,
    sound: Sound,
    flow: Flow,
    frozen: Frozen,
    /// How far the positions that sections see are from those of the clock: a plan counts from the start of a song.
    shift: i64,
    /// Those of the last block; `None` before the first.
    settings: Option<Settings>,
    run: u32,
    /// Nothing was processed since activation or reset.
    fresh: bool,
    /// Samples of silence up to now.
    quiet: i64,
    /// Length of the host's block, and of the longest in this run.
    block: u32,
    burst: u32,
    /// Of the process that made it: a forked copy has no bridge.
    generation: u32,
}

impl Engine {
    pub(crate) fn new(
        roster: &'static Roster,
        shared: Arc<Shared>,
        rate: u32,
        longest: u32,
        channels: u16,
    ) -> (Engine, BridgeEnds) {
        let longest = usize::try_from(longest).unwrap_or(1);
        let planes = usize::from(channels);
        let (cutter, (hops, samples)) = Cutter::new(rate, planes, longest, roster);
        let (values_in, values) = RingBuffer::new(ANSWERS);
        let readout = &shared.readout;
        readout.rate.store(rate, Relaxed);
        let sound = Sound::new(rate, planes, longest, shared.grooves());
        let latency = sound.latency();
        readout.latency.store(u32::try_from(latency).unwrap_or(0), Relaxed);
        readout.restart_asked.store(false, Relaxed);
        let run = readout.run.load(Relaxed);
        let engine = Engine {
            rate,
            channels: planes,
            longest,
            member: roster.join(),
            tracker: Tracker::new(rate),
            cutter,
            schedule: Schedule::new(rate),
            values,
            sound,
            flow: Flow::new(rate),
            frozen: Frozen::new(rate, latency),
            shift: 0,
            settings: None,
            run,
            fresh: true,
            quiet: 0,
            block: 0,
            burst: 0,
            generation: fork::generation(),
            shared,
        };
        (engine, BridgeEnds { hops, samples, values: values_in, rate, channels })
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    pub(crate) fn reset(&mut self) {
        self.tracker.reset();
        self.member.rest();
        self.cutter.forget();
        self.fresh = true;
        self.quiet = 0;
    }

    /// Any number of frames; those beyond the longest stretch are taken stretch by stretch.
    pub(crate) fn process(&mut self, block: &Block, channels: &mut [&mut [f32]]) {
        let frames = length(channels);
        self.block = u32::try_from(frames).unwrap_or(u32::MAX);
        let mut done = 0;
        while done < frames {
            let count = self.longest.min(frames - done);
            let transport = block.transport.after(signed(done), self.rate);
            part(channels, (done, done + count), |part| self.stretch(block.offline, &transport, part));
            done += count;
        }
    }

    fn stretch(&mut self, offline: bool, transport: &Transport, channels: &mut [&mut [f32]]) {
        let frames = signed(length(channels));
        let mut settings = Settings::read(&self.shared, self.rate, offline);
        let (member, rate) = (&self.member, self.rate);
        let step = self.tracker.follow(transport, frames, || member.process_clock(rate));
        self.frozen.refresh(&self.shared.plan);
        // Until the host has restarted the track as late as its plan is, it plays live.
        let wanted = settings.frozen && (self.sound.latency() > 0) == self.shared.plan.grooves();
        let course = self.frozen.course(wanted, offline, &step);
        if course == Course::Live {
            settings.frozen = false;
        } else {
            // The service neither hears a frozen track nor is it waited for.
            (settings.up, settings.sync) = (false, false);
        }
        let end = step.position.saturating_add(frames);
        let lane = Lane::new(step.clock, self.rate, settings.group);
        let begins = self.begins(&step, &settings);
        let at = self.move_to(&step, course);
        if let Some(begin) = begins {
            self.begin(begin, course, at);
        }
        if let Some(begin) = step.begins {
            self.frozen.place(course, begin, &mut self.sound.chain);
        }
        self.burst = self.burst.max(self.block);
        let lead = if settings.frozen {
            // Nobody waits for it, so it is neither ahead nor behind.
            self.member.rest();
            0
        } else {
            self.member.begin(lane, step.position, begins.is_some(), i64::from(self.rate));
            self.member.lead(lane)
        };
        self.listen(channels);
        self.stream(transport, &step, &settings, lead, channels);
        self.member.finish(end);
        self.drain();
        if settings.sync {
            self.wait_for(end.saturating_sub(i64::from(settings.delay)), settings.joined);
        }
        self.sound.bypass.set(settings.bypass, at, self.fresh);
        if course == Course::Live {
            self.render(&settings, at, end, channels);
        } else {
            self.frozen.play(course, at, channels, &mut self.sound.chain, &mut self.sound.bypass);
        }
        self.frozen.processed(frames);
        self.fresh = false;
        self.settings = Some(settings);
        self.show(&settings, wanted, end, lead);
    }

    /// Whether a run begins: the transport says so, or what the service knows of the instance changed.
    fn begins(&self, step: &Step, now: &Settings) -> Option<Begin> {
        let divided = self.settings.is_some_and(|last| now.divide(&last));
        step.begins.or(divided.then_some(Begin::Jump))
    }

    /// Follows the clock, or the song of a plan; returns where sections see the block begin.
    fn move_to(&mut self, step: &Step, course: Course) -> i64 {
        let at = if let Course::Planned(at) = course { at } else { step.position };
        let shift = at.saturating_sub(step.position);
        let moved = step.moved.saturating_add(shift).saturating_sub(self.shift);
        if moved != 0 {
            self.sound.rebase(moved);
        }
        self.shift = shift;
        at
    }

    fn begin(&mut self, begin: Begin, course: Course, at: i64) {
        self.run = self.run.wrapping_add(1);
        // At once: should this block fail, the next activation must not use the number again.
        self.shared.readout.run.store(self.run, Relaxed);
        self.sound.begin_run(self.fresh);
        let start = (begin == Begin::Start).then(|| self.shared.start_values());
        self.cutter.begin(self.run, start);
        self.schedule.begin(self.run);
        self.flow.begin_run();
        self.burst = 0;
        if let Some(start) = start {
            self.flow.start_over();
            if !self.shared.params.learns() {
                self.shared.link.learning.store(0, Relaxed);
            }
            let silent = self.fresh || self.quiet >= i64::from(self.rate / 100) + self.sound.latency();
            if course == Course::Live {
                self.sound.start_from(start, at, silent);
            }
        }
    }

    /// Counts silence at the end of the input. NaN is no silence.
    fn listen(&mut self, channels: &[&mut [f32]]) {
        let frames = length(channels);
        let loud = |sample: &f32| sample.abs() >= SILENCE || sample.is_nan();
        let last = channels.iter().filter_map(|channel| channel.iter().rposition(loud)).max();
        self.quiet = match last {
            Some(last) => signed(frames - 1 - last),
            None => self.quiet.saturating_add(signed(frames)),
        };
    }

    fn stream(
        &mut self,
        transport: &Transport,
        step: &Step,
        settings: &Settings,
        lead: u32,
        channels: &[&mut [f32]],
    ) {
        if !settings.up || self.forked() {
            self.cutter.forget();
            return;
        }
        let context = settings.context(transport, lead, (step.position, self.rate));
        let schedule = &mut self.schedule;
        let lost = self.cutter.push(step.position, channels, &context, |end| schedule.sent(end));
        if lost > 0 {
            self.shared.readout.dropped.fetch_add(lost, Relaxed);
        }
    }

    /// Whether hops reach anybody.
    fn linked(&self) -> bool {
        self.shared.link.up.load(Acquire) && !self.forked()
    }

    fn forked(&self) -> bool {
        fork::generation() != self.generation
    }

    /// Takes what the bridge brought.
    fn drain(&mut self) {
        while self.schedule.has_room() {
            let Ok(answer) = self.values.pop() else { break };
            // Of whatever run: a render without waits is over before its own answers come.
            self.member.roster().gave_up.store(false, Relaxed);
            if self.schedule.accept(answer) {
                let incomplete = answer.flags & flags::INCOMPLETE != 0;
                self.flow.answered(incomplete);
                if incomplete {
                    self.shared.readout.incomplete.fetch_add(1, Relaxed);
                }
            }
        }
    }

    /// Waits for the answers to all frames sent in this run that end before `limit`.
    fn wait_for(&mut self, limit: i64, joined: u32) {
        let Some(end) = self.schedule.missing(limit) else { return };
        let roster = self.member.roster();
        if !self.linked() || roster.gave_up.load(Relaxed) {
            self.give_up();
            return;
        }
        let (shared, run) = (Arc::clone(&self.shared), self.run);
        match waiting::wait(&shared, run, end, joined, waiting::BACKSTOP, || self.arrived(limit)) {
            Ended::Arrived => {}
            Ended::Closed => self.give_up(),
            Ended::Silent => {
                roster.gave_up.store(true, Relaxed);
                self.give_up();
            }
        }
    }

    fn arrived(&mut self, limit: i64) -> bool {
        self.drain();
        self.schedule.missing(limit).is_none()
    }

    /// A Sync block goes on without its values.
    fn give_up(&mut self) {
        self.flow.gave_up();
        self.shared.readout.incomplete.fetch_add(1, Relaxed);
    }

    /// Makes the sound, cut where values begin to apply.
    fn render(&mut self, settings: &Settings, position: i64, end: i64, channels: &mut [&mut [f32]]) {
        let mut at = position;
        while at < end {
            self.sound.apply(&mut self.schedule, &self.shared, at, settings.locked);
            if settings.falls_back && self.flow.falls_back(at - position) {
                self.sound.start_from(self.shared.start_values(), at, false);
            }
            let loss = position.saturating_add(self.flow.left());
            let cuts = [self.schedule.next().unwrap_or(end), self.sound.next().unwrap_or(end), loss];
            let stop = cuts.into_iter().filter(|&cut| cut > at).fold(end, i64::min);
            let range = (unsigned(at - position), unsigned(stop - position));
            let sound = &mut self.sound;
            part(channels, range, |part| sound.process(at, part));
            at = stop;
        }
        self.flow.processed(end - position);
    }

    fn show(&mut self, settings: &Settings, wanted: bool, end: i64, lead: u32) {
        let readout = &self.shared.readout;
        let (needed, too_short) = if settings.frozen {
            (0, false)
        } else {
            needed_delay(settings.sync, self.rate, self.burst, lead, settings.delay)
        };
        let situation = Situation {
            forked: self.forked(),
            bypassed: settings.bypass,
            plan: match () {
                () if !wanted => Played::Unasked,
                () if settings.frozen => Played::Yes,
                () if self.frozen.planned() => Played::Unfit,
                () => Played::Missing,
            },
            linked: self.linked(),
            bridge: self.shared.link.status.load(Relaxed),
            too_short,
            learning: match self.shared.link.learning.load(Relaxed) {
                0 => settings.learns.then_some(status::LEARN_READY),
                said => Some(said),
            },
        };
        readout.status.store(self.flow.status(situation), Relaxed);
        let gain = single(self.sound.level_change(end.saturating_add(self.shift)));
        readout.applied_gain.store(gain.to_bits(), Relaxed);
        readout.lead.store(lead, Relaxed);
        readout.needed_delay.store(needed, Relaxed);
        readout.position.store(end, Relaxed);
    }
}

#[allow(clippy::cast_possible_truncation)]
fn single(value: f64) -> f32 {
    value as f32
}
