//! The bridge thread: finds the service, streams hops in the order in which they were pushed, brings values back.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wire::control::{Control, RoundTrip, Stats};
use wire::{Header, Hex32, Kind, status};

use crate::connection::{Connection, Event};
use crate::discovery::{self, Service, Trouble};
use crate::doorbell::Doorbell;
use crate::handshake::Refusal;
use crate::histogram::Histogram;
use crate::link::{Sent, ZmtpLink};
use crate::member::Member;
use crate::shared::{BridgeEnds, Shared};

/// The discovery file is read this often while there is no connection.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// After a refusal the next attempt waits this long.
const REFUSED_INTERVAL: Duration = Duration::from_secs(1);
/// Rest while hops flow, and while none do.
const STREAMING_REST: Duration = Duration::from_millis(1);
const IDLE_REST: Duration = Duration::from_millis(20);
/// Hops flow until this long after the last one.
const IDLE_AFTER: Duration = Duration::from_millis(500);
/// A service that answers no PING for so long hangs; longer where a render waits, which a loaded machine may delay.
const PATIENCE: Duration = Duration::from_secs(3);
const RENDER_PATIENCE: Duration = Duration::from_secs(10);
/// A host calls one track after the other. The bridge waits so long, so often, for those that are still to come:
/// one message for all of them is answered sooner than several.
const BURST_PAUSE: Duration = Duration::from_micros(200);
const BURST_PAUSES: usize = 2;
const STATS_INTERVAL: Duration = Duration::from_millis(200);
/// Most instances in one STATS: what its JSON has room for.
const MAX_STATS: usize = 256;
const JOIN_RETRY: Duration = Duration::from_secs(5);

/// What main asks of the thread. When nobody can ask any more, it ends.
#[derive(Debug)]
pub enum Command {
    /// An instance was activated; `ticket` names the attachment.
    Attach(u64, Arc<Shared>, BridgeEnds),
    /// The attachment is gone.
    Detach(u64),
}

/// What the bridge of this process does, for whoever wants to show it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// `status` code, 1 to 5.
    pub status: u32,
    /// The same for the user, with what to do; empty while all is well.
    pub sentence: String,
    /// Connections that were opened.
    pub connections: u64,
    /// Messages that were not understood, or not expected, and therefore ignored.
    pub ignored: u64,
    /// Hop sent to PARAMS received.
    pub round_trip: RoundTrip,
}

/// The thread's state.
pub struct Worker {
    commands: Receiver<Command>,
    bell: Arc<Doorbell>,
    report: Arc<Mutex<Report>>,
    dir: PathBuf,
    members: Vec<Member>,
    connection: Option<(Service, Connection)>,
    next_look: Instant,
    /// Token that failed: the file may just have been replaced, so once is not yet a reason to alarm anybody.
    failed: Option<Hex32>,
    status: u32,
    round_trips: Histogram,
    said: Option<Stats>,
    next_stats: Instant,
    streaming_until: Instant,
    /// Instances whose live hops came together last.
    burst: usize,
    planar: Vec<f32>,
    payload: Vec<u8>,
}

impl Worker {
    /// A worker for the service that announces itself in `dir`.
    pub fn new(
        commands: Receiver<Command>,
        bell: Arc<Doorbell>,
        report: Arc<Mutex<Report>>,
        dir: PathBuf,
    ) -> Self {
        let now = Instant::now();
        Self {
            commands,
            bell,
            report,
            dir,
            members: Vec::new(),
            connection: None,
            next_look: now,
            failed: None,
            status: status::NO_SERVICE,
            round_trips: Histogram::default(),
            said: None,
            next_stats: now,
            streaming_until: now,
            burst: 0,
            planar: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Works until nobody can send commands any more.
    pub fn run(mut self) {
        self.bell.listen();
        while self.obey() {
            let now = Instant::now();
            self.look(now);
            self.receive(now);
            self.stream(now);
            self.rest();
        }
        if let Some((_, connection)) = self.connection.take() {
            connection.close("the host closed its last instance");
        }
    }

    /// Follows commands; false when there will be no more.
    fn obey(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Attach(ticket, shared, ends)) => self.attach(ticket, shared, ends),
                Ok(Command::Detach(ticket)) => self.detach(ticket),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn attach(&mut self, ticket: u64, shared: Arc<Shared>, ends: BridgeEnds) {
        if let Some(member) = self.members.iter_mut().find(|member| Arc::ptr_eq(&member.shared, &shared)) {
            member.take_over(ticket, ends);
            return;
        }
        let handle = u32::try_from(ticket).unwrap_or(u32::MAX);
        let mut member = Member::new(handle, ticket, shared, ends);
        member.leave(self.status);
        self.members.push(member);
    }

    fn detach(&mut self, ticket: u64) {
        let Some(index) = self.members.iter().position(|member| member.ticket == ticket) else { return };
        let mut member = self.members.swap_remove(index);
        if member.is_joined()
            && let Some((_, connection)) = &mut self.connection
        {
            connection.send(&Header { instance: member.instance(), ..Header::new(Kind::Leave) }, &[]);
        }
        member.leave(status::IDLE);
    }

    /// Looks for a service while there is no connection that works.
    fn look(&mut self, now: Instant) {
        let open = self.connection.as_ref().is_some_and(|(_, connection)| connection.is_open());
        if open || now < self.next_look {
            return;
        }
        self.next_look = now + LOOK_INTERVAL;
        match discovery::look(&self.dir) {
            Ok(service) if self.connection.as_ref().is_some_and(|(used, _)| *used == service) => {}
            Ok(service) => self.open(service),
            Err(trouble) => {
                let status = match trouble {
                    Trouble::Absent => status::NO_SERVICE,
                    Trouble::OtherVersion(_) => status::VERSION_REFUSED,
                    Trouble::Untrusted { .. } => status::NOT_TRUSTED,
                };
                self.lose(status, &trouble.to_string());
            }
        }
    }

    fn open(&mut self, service: Service) {
        match ZmtpLink::open(&service) {
            Ok(link) => {
                if self.status == status::NO_SERVICE {
                    self.tell(status::CONNECTING, "");
                }
                let mut connection = Connection::new(Box::new(link), service.token);
                self.bell.connect(Some(connection.link().waker()));
                self.connection = Some((service, connection));
            }
            Err(error) => self.lose(status::CONNECTING, &format!("Cannot connect: {error}")),
        }
    }

    /// Without a connection: audio goes on by itself, and nobody waits.
    fn lose(&mut self, status: u32, sentence: &str) {
        self.bell.connect(None);
        self.connection = None;
        self.said = None;
        self.status = status;
        for member in &mut self.members {
            member.leave(status);
        }
        self.tell(status, sentence);
    }

    fn tell(&mut self, status: u32, sentence: &str) {
        self.status = status;
        for member in self.members.iter().filter(|member| !member.is_joined()) {
            member.shared.link.status.store(status, std::sync::atomic::Ordering::Relaxed);
        }
        self.report_with(|report| {
            report.status = status;
            sentence.clone_into(&mut report.sentence);
        });
    }

    fn report_with(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn receive(&mut self, now: Instant) {
        let renders = self.members.iter().any(Member::is_waiting);
        let patience = if renders { RENDER_PATIENCE } else { PATIENCE };
        while let Some((_, connection)) = &mut self.connection {
            let Some(event) = connection.next_event(now, patience) else { break };
            match event {
                Event::Opened => {
                    self.failed = None;
                    self.tell(status::WAITING, "");
                    self.report_with(|report| report.connections += 1);
                }
                Event::Joined(joined) => {
                    if let Some(member) = self.members.iter_mut().find(|m| m.handle == joined.handle) {
                        member.joined(&joined);
                    }
                }
                Event::Params(header, values) => {
                    let member = self.members.iter_mut().find(|m| m.instance() == header.instance);
                    if let Some(taken) = member.and_then(|m| m.schedule(&header, &values, now)) {
                        self.round_trips.record(taken);
                    }
                }
                Event::JoinRefused(refusal) => {
                    for member in self.members.iter_mut().filter(|member| !member.is_joined()) {
                        member.join_refused(now + JOIN_RETRY);
                    }
                    self.report_with(|report| report.sentence = refusal.sentence);
                }
                Event::Refused(refusal) => self.refused(refusal, now),
                Event::Closed => {
                    self.lose(status::CONNECTING, "The connection to the service was lost");
                    self.next_look = now;
                }
            }
        }
    }

    fn refused(&mut self, refusal: Refusal, now: Instant) {
        let token = self.connection.as_ref().map(|(service, _)| service.token);
        let again = self.failed == token;
        self.failed = token;
        if refusal.status == status::NOT_TRUSTED && !again {
            // The file may have been read just before a new service replaced it.
            self.lose(status::CONNECTING, "");
            self.next_look = now + LOOK_INTERVAL;
        } else {
            self.lose(refusal.status, &refusal.sentence);
            self.next_look = now + REFUSED_INTERVAL;
        }
    }

    /// Everything that goes out: joins, hops, waits, and the rest.
    fn stream(&mut self, now: Instant) {
        let waits: Vec<_> = self.members.iter().map(Member::wait_due).collect();
        self.drain(now);
        self.await_burst(now);
        let Some((_, connection)) = &mut self.connection else { return };
        if connection.is_open() {
            for member in &mut self.members {
                if let Some(join) = member.join_due(now)
                    && connection.say(&Control::Join(join)) != Sent::Yes
                {
                    member.join_again();
                }
            }
            self.send_hops(now);
            self.send_waits(&waits);
            self.send_stats(now);
        }
        if let Some((_, connection)) = &mut self.connection {
            connection.ping(now);
            connection.link().flush();
        }
    }

    /// Empties the rings. Two passes, so that no hop is taken before one that was pushed earlier elsewhere.
    fn drain(&mut self, now: Instant) {
        let newest = self.members.iter_mut().filter_map(|member| member.drain(u64::MAX)).max();
        if let Some(newest) = newest {
            self.streaming_until = now + IDLE_AFTER;
            for member in &mut self.members {
                member.drain(newest);
            }
        }
    }

    /// Gives the rest of a burst of live hops the time to arrive. Nobody waits meanwhile: Sync is left alone.
    fn await_burst(&mut self, now: Instant) {
        let live = |members: &[Member]| members.iter().filter(|member| member.queue.is_live()).count();
        let mut here = live(&self.members);
        for _ in 0..BURST_PAUSES {
            if here == 0 || here >= self.burst || self.members.iter().any(Member::is_waiting) {
                break;
            }
            std::thread::sleep(BURST_PAUSE);
            self.drain(now);
            here = live(&self.members);
        }
        if here > 0 {
            self.burst = here;
        }
    }

    /// Sends what credit allows, oldest first across all instances, in as few messages as the limits allow.
    fn send_hops(&mut self, now: Instant) {
        let Some((_, connection)) = &mut self.connection else { return };
        loop {
            let ready = self.members.iter_mut().filter(|m| connection.has_credit(m.handle));
            let oldest = ready.filter_map(|m| m.queue.first_stamp().map(|stamp| (stamp, m)));
            let Some((_, member)) = oldest.min_by_key(|(stamp, _)| *stamp) else { break };
            let next = member.next_block(&mut self.planar, &mut self.payload);
            let Some((header, taken)) = next else { break };
            match connection.add_block(member.handle, header, &self.payload) {
                Sent::Yes => member.note_sent(&header, now),
                Sent::Later => break,
                Sent::Never => {}
            }
            member.queue.sent(taken);
        }
        connection.send_blocks();
    }

    /// Asks for the frames that audio waits for, once everything of this process that can contribute is sent.
    fn send_waits(&mut self, waits: &[Option<Header>]) {
        let Some((_, connection)) = &mut self.connection else { return };
        let sent = connection.send_blocks() == Sent::Yes;
        if !sent || !self.members.iter().all(|member| member.queue.is_empty()) {
            return;
        }
        for (member, wait) in self.members.iter_mut().zip(waits) {
            if let Some(wait) = wait
                && connection.send(wait, &[]) == Sent::Yes
            {
                member.note_wait(wait);
            }
        }
    }

    fn send_stats(&mut self, now: Instant) {
        if now < self.next_stats {
            return;
        }
        self.next_stats = now + STATS_INTERVAL;
        let quantile = |per_thousand| self.round_trips.quantile_ms(per_thousand);
        let round_trip = RoundTrip {
            p50: quantile(500),
            p99: quantile(990),
            p99_9: quantile(999),
            count: self.round_trips.count(),
        };
        let joined = self.members.iter().filter(|member| member.is_joined()).take(MAX_STATS);
        let stats = Stats { instances: joined.map(Member::stats).collect(), rtt_ms: round_trip.clone() };
        let Some((_, connection)) = &mut self.connection else { return };
        let ignored = connection.take_ignored();
        if self.said.as_ref() != Some(&stats) && connection.say(&Control::Stats(stats.clone())) == Sent::Yes {
            self.said = Some(stats);
        }
        self.report_with(|report| {
            report.round_trip = round_trip;
            report.ignored += ignored;
        });
    }

    /// Waits for whatever comes first: data, the bell, or the next thing that is due.
    fn rest(&mut self) {
        let now = Instant::now();
        let streaming = now < self.streaming_until && self.members.iter().any(Member::is_joined);
        match &mut self.connection {
            Some((_, connection)) => {
                connection.link().poll(if streaming { STREAMING_REST } else { IDLE_REST });
            }
            None => std::thread::park_timeout(self.next_look.saturating_duration_since(now)),
        }
    }
}

impl Drop for Worker {
    /// However the thread ends, nobody is left waiting for it.
    fn drop(&mut self) {
        for member in &mut self.members {
            member.leave(status::NO_SERVICE);
        }
    }
}
