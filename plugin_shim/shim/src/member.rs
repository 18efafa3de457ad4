//! One attached instance as the bridge sees it: its rings, its queue, and its place at the service.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use uuid::Uuid;
use wire::control::{InstanceStats, Join, Joined};
use wire::limits::{MAX_COUNTER, MAX_LABEL};
use wire::parameters::PARAMETERS;
use wire::{Header, Kind, Values, append_samples, flags, status};

use crate::plan::Plan;
use crate::queue::Queue;
use crate::roster;
use crate::shared::{BridgeEnds, Hop, MAX_VALUES, Scheduled, Shared};

/// F2 frames per second: an answer comes for each.
const FRAMES_PER_SECOND: u32 = 20;
/// Frames whose answer is awaited for the round-trip time.
const MAX_AWAITED: usize = 64;

/// What the service knows of the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing.
    Out,
    /// JOIN was sent.
    Joining,
    /// JOINED came.
    In,
}

/// An attached instance.
#[derive(Debug)]
pub struct Member {
    /// Its number in this process.
    pub handle: u32,
    /// The attachment that holds it now.
    pub ticket: u64,
    /// What it shares with audio and main.
    pub shared: Arc<Shared>,
    /// Hops to be sent.
    pub queue: Queue,
    ends: BridgeEnds,
    stage: Stage,
    /// Identity in the last JOIN, and the version of it that was sent.
    instance: Uuid,
    session: Option<Uuid>,
    version: Option<u32>,
    retry_at: Option<Instant>,
    /// Hops of the runs before are of no use to the service.
    await_begin: bool,
    /// Run and frame end of the last WAIT.
    waited: Option<(u32, i64)>,
    /// End of the last hop sent, in samples.
    sent_to: i64,
    /// Run, end and send time of frames without answer.
    awaited: VecDeque<(u32, i64, Instant)>,
}

impl Member {
    /// A new instance, not joined.
    pub fn new(handle: u32, ticket: u64, shared: Arc<Shared>, ends: BridgeEnds) -> Self {
        Self {
            handle,
            ticket,
            shared,
            queue: Queue::default(),
            ends,
            stage: Stage::Out,
            instance: Uuid::nil(),
            session: None,
            version: None,
            retry_at: None,
            await_begin: true,
            waited: None,
            sent_to: i64::MIN,
            awaited: VecDeque::new(),
        }
    }

    /// The same instance was activated anew, perhaps with another rate: it stays joined.
    pub fn take_over(&mut self, ticket: u64, ends: BridgeEnds) {
        (self.ticket, self.ends) = (ticket, ends);
        self.version = None;
        self.begin_anew();
    }

    /// Whether the service knows it.
    pub fn is_joined(&self) -> bool {
        self.stage == Stage::In
    }

    /// Its identity at the service.
    pub fn instance(&self) -> Uuid {
        self.instance
    }

    /// The JOIN that is due: at first, and whenever label, identity or activation changed.
    pub fn join_due(&mut self, now: Instant) -> Option<Join> {
        let version = self.shared.identity_version.load(Ordering::Acquire);
        if self.version == Some(version) && self.retry_at.is_none_or(|at| now < at) {
            return None;
        }
        let identity = self.shared.identity().clone();
        if (identity.instance, identity.session) != (self.instance, self.session) {
            // For the service this is another member.
            self.leave(status::CONNECTING);
        }
        if self.stage == Stage::Out {
            self.stage = Stage::Joining;
        }
        (self.instance, self.session) = (identity.instance, identity.session);
        (self.version, self.retry_at) = (Some(version), None);
        let short = |text: &str| text.chars().take(MAX_LABEL).collect();
        Some(Join {
            handle: self.handle,
            instance: identity.instance,
            session: identity.session,
            group: self.shared.params.group(),
            label: short(&identity.label),
            track_name: short(&identity.track_name),
            rate: self.ends.rate,
            channels: self.ends.channels,
            delay_ms: self.shared.params.delay_ms(),
        })
    }

    /// The JOIN could not be sent now.
    pub fn join_again(&mut self) {
        self.version = None;
    }

    /// The JOIN was refused: it is sent again at `at`.
    pub fn join_refused(&mut self, at: Instant) {
        self.retry_at = Some(at);
    }

    /// Takes the identity that the service gave, and opens the way for hops.
    pub fn joined(&mut self, joined: &Joined) {
        let mut identity = self.shared.identity();
        if (identity.instance, identity.session) != (self.instance, self.session) {
            // Changed meanwhile, by a state that was loaded: the next JOIN is due already.
            return;
        }
        let adopted = (joined.instance, Some(joined.session));
        if adopted != (identity.instance, identity.session) {
            (identity.instance, identity.session) = adopted;
            self.shared.host_dirty.store(true, Ordering::Release);
        }
        drop(identity);
        (self.instance, self.session) = adopted;
        if self.stage != Stage::In {
            self.stage = Stage::In;
            self.begin_anew();
            // A service that registers an instance is not silent: renders wait again.
            roster::PROCESS.gave_up.store(false, Ordering::Relaxed);
            let link = &self.shared.link;
            link.status.store(status::WAITING, Ordering::Relaxed);
            link.joined.fetch_add(1, Ordering::Release);
            link.up.store(true, Ordering::SeqCst);
        }
    }

    /// The service knows it no more: audio stops streaming, and stops waiting.
    pub fn leave(&mut self, status: u32) {
        self.stage = Stage::Out;
        (self.version, self.retry_at) = (None, None);
        self.begin_anew();
        self.shared.link.status.store(status, Ordering::Relaxed);
        self.shared.link.up.store(false, Ordering::SeqCst);
        // A pass is over with the service that listened to it; what came of it before stays.
        let learning = &self.shared.link.learning;
        if [status::LEARNING, status::PLANNING].contains(&learning.load(Ordering::Relaxed)) {
            learning.store(0, Ordering::Relaxed);
        }
        self.shared.gate.open();
    }

    fn begin_anew(&mut self) {
        self.queue.clear();
        self.awaited.clear();
        self.await_begin = true;
        self.waited = None;
        self.sent_to = i64::MIN;
    }

    /// Moves hops with a stamp up to `limit` from the rings to the queue. Returns the newest stamp.
    pub fn drain(&mut self, limit: u64) -> Option<u64> {
        let mut newest = None;
        while self.ends.hops.peek().is_ok_and(|hop| hop.stamp <= limit) {
            let Ok(hop) = self.ends.hops.pop() else { break };
            newest = Some(hop.stamp);
            self.keep(hop);
        }
        newest
    }

    fn keep(&mut self, hop: Hop) {
        let count = usize::try_from(hop.frames).unwrap_or(0) * usize::from(self.ends.channels);
        self.await_begin &= hop.flags & flags::RUN_BEGIN == 0;
        let unheard = self.await_begin || !self.is_joined();
        let Ok(chunk) = self.ends.samples.read_chunk(count) else { return };
        let dropped = if unheard { 0 } else { self.queue.push(hop, chunk.as_slices()) };
        chunk.commit_all();
        if dropped > 0 {
            self.shared.readout.dropped.fetch_add(dropped, Ordering::Relaxed);
        }
    }

    /// Lays out the next BLOCK, up to position `until`, with its payload; `planar` is room for samples.
    /// `queue.sent` takes what is returned last.
    pub fn next_block(
        &self,
        until: i64,
        planar: &mut Vec<f32>,
        payload: &mut Vec<u8>,
    ) -> Option<(Header, usize)> {
        let (hop, taken) = self.queue.next(self.ends.channels, until, planar)?;
        payload.clear();
        append_samples(payload, planar);
        let given = PARAMETERS.iter().zip(hop.start).filter_map(|(one, value)| Some((one.id, value?)));
        let start = Values::new(&given.collect::<Vec<_>>()).unwrap_or_default();
        payload.extend(start.encode());
        let header = Header {
            group: hop.group,
            flags: hop.flags,
            instance: self.instance,
            run: hop.run,
            rate: self.ends.rate,
            position: hop.position,
            beat: hop.beat,
            tempo: hop.tempo,
            frames: hop.frames,
            channels: self.ends.channels,
            role: hop.role,
            delay: hop.delay,
            lead: hop.lead,
            amount: hop.amount,
            offset_db: hop.offset_db,
            dip_amount: hop.dip_amount,
            dip_budget_lu: hop.dip_budget_lu,
            breath_amount: hop.breath_amount,
            breath_depth_db: hop.breath_depth_db,
            staging_amount: hop.staging_amount,
            staging_level_db: hop.staging_level_db,
            density_amount: hop.density_amount,
            high_pass_amount: hop.high_pass_amount,
            groove_amount: hop.groove_amount,
            groove_limit_ms: hop.groove_limit_ms,
            groove_constant_ms: hop.groove_constant_ms,
            room_amount: hop.room_amount,
            count: u32::try_from(start.as_slice().len()).unwrap_or_default(),
            ..Header::new(Kind::Block)
        };
        Some((header, taken))
    }

    /// End of the last hop that was sent in samples; the least number before the first.
    pub fn sent_to(&self) -> i64 {
        self.sent_to
    }

    /// Remembers when the frames that end in this BLOCK were sent.
    pub fn note_sent(&mut self, block: &Header, now: Instant) {
        let frame = i64::from(self.ends.rate / FRAMES_PER_SECOND);
        let end = block.position + i64::from(block.frames);
        self.sent_to = end;
        let mut frame_end = (block.position.div_euclid(frame) + 1) * frame;
        while frame_end <= end {
            if self.awaited.len() == MAX_AWAITED {
                self.awaited.pop_front();
            }
            self.awaited.push_back((block.run, frame_end, now));
            frame_end += frame;
        }
    }

    /// The WAIT that is due, if audio waits for a frame that was not asked for yet.
    pub fn wait_due(&self) -> Option<Header> {
        let gate = &self.shared.gate;
        if !self.is_joined() || !gate.waiting.load(Ordering::SeqCst) {
            return None;
        }
        let need = (gate.need_run.load(Ordering::SeqCst), gate.need_end.load(Ordering::SeqCst));
        (self.waited != Some(need)).then(|| Header {
            instance: self.instance,
            run: need.0,
            position: need.1,
            ..Header::new(Kind::Wait)
        })
    }

    /// The WAIT was sent.
    pub fn note_wait(&mut self, wait: &Header) {
        self.waited = Some((wait.run, wait.position));
    }

    /// Whether audio waits now.
    pub fn is_waiting(&self) -> bool {
        self.shared.gate.waiting.load(Ordering::Relaxed)
    }

    /// Hands values to audio. Returns the time since the frame was sent, where that is known.
    pub fn schedule(&mut self, params: &Header, values: &Values, now: Instant) -> Option<Duration> {
        let mut slots = [(0, 0.0); MAX_VALUES];
        let given = values.as_slice();
        slots[..given.len()].copy_from_slice(given);
        // A full ring means that nobody processes, and then nobody needs the values either.
        let _ = self.ends.values.push(Scheduled {
            run: params.run,
            frame_end: params.position,
            apply_at: params.apply_at,
            flags: params.flags,
            count: given.len(),
            values: slots,
        });
        self.shared.gate.open();
        let answered = |(run, end, _): &(u32, i64, Instant)| (*run, *end) == (params.run, params.position);
        let index = self.awaited.iter().position(answered)?;
        self.awaited.drain(..=index).next_back().map(|(_, _, sent)| now.duration_since(sent))
    }

    /// Shows what becomes of a pass with Learn.
    pub fn learning(&self, state: &str) {
        let code = status::by_name(state).map_or(0, |status| status.code);
        self.shared.link.learning.store(code, Ordering::Relaxed);
    }

    /// Takes over the plan that a pass with Learn came to.
    pub fn learned(&self, text: &[u8]) {
        let code = match Plan::read(text) {
            Ok(plan) => {
                self.shared.plan.replace(Some(plan));
                self.shared.host_dirty.store(true, Ordering::Release);
                status::PLAN_READY
            }
            Err(_) => status::PLAN_FAILED,
        };
        self.shared.link.learning.store(code, Ordering::Relaxed);
    }

    /// Counters for STATS.
    pub fn stats(&self) -> InstanceStats {
        let readout = &self.shared.readout;
        let code = readout.status.load(Ordering::Relaxed);
        InstanceStats {
            instance: self.instance,
            late: readout.late.load(Ordering::Relaxed).min(MAX_COUNTER),
            dropped: readout.dropped.load(Ordering::Relaxed).min(MAX_COUNTER),
            incomplete: readout.incomplete.load(Ordering::Relaxed).min(MAX_COUNTER),
            status: status::by_code(code).map_or("idle", |status| status.name).to_owned(),
            position: readout.position.load(Ordering::Relaxed),
            run: readout.run.load(Ordering::Relaxed),
            lead: readout.lead.load(Ordering::Relaxed),
            needed_delay: readout.needed_delay.load(Ordering::Relaxed),
        }
    }
}
