//! The bridge thread: finds the service, streams hops in the order in which they were pushed, brings values back.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;
use wire::control::RoundTrip;
use wire::{Header, Hex32, Kind, status};

use crate::burst::Burst;
use crate::connection::{Connection, Event};
use crate::discovery::{self, Service, Trouble};
use crate::doorbell::Doorbell;
use crate::handshake::Refusal;
use crate::link::{Sent, ZmtpLink};
use crate::member::Member;
use crate::shared::{BridgeEnds, Shared};
use crate::statistics::Statistics;

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
/// Rest while the rest of a burst is awaited: live, and in a render, where nobody waits yet and every look takes time
/// from the audio.
const BURST_REST: Duration = Duration::from_micros(50);
const RENDER_REST: Duration = Duration::from_micros(100);
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
    statistics: Statistics,
    streaming_until: Instant,
    burst: Burst,
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
            statistics: Statistics::new(now),
            streaming_until: now,
            burst: Burst::default(),
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
        self.statistics.forget();
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
                    } else {
                        // Detached before it knew under which name it would have to leave.
                        connection
                            .send(&Header { instance: joined.instance, ..Header::new(Kind::Leave) }, &[]);
                    }
                }
                Event::Params(header, values) => {
                    let member = member_of(&mut self.members, header.instance);
                    if let Some(taken) = member.and_then(|m| m.schedule(&header, &values, now)) {
                        self.statistics.answered(taken);
                    }
                }
                Event::Learning(said) => {
                    if let Some(member) = member_of(&mut self.members, said.instance) {
                        member.learning(&said.state);
                    }
                }
                Event::Plan(instance, text) => {
                    if let Some(member) = member_of(&mut self.members, instance) {
                        member.learned(&text);
                    }
                }
                Event::JoinRefused(handle, refusal) => {
                    if let Some(member) = self.members.iter_mut().find(|m| Some(m.handle) == handle) {
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
        let Some((_, connection)) = &mut self.connection else { return };
        if connection.is_open() {
            for member in &mut self.members {
                if !connection.is_joining(member.handle)
                    && let Some(join) = member.join_due(now)
                    && connection.join(join) != Sent::Yes
                {
                    member.join_again();
                }
            }
            self.burst.send(&mut self.members, connection, &waits, now);
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
        let Some((_, connection)) = &mut self.connection else { return };
        if !self.statistics.is_due(now) {
            return;
        }
        let ignored = connection.take_ignored();
        let round_trip = self.statistics.send(&self.members, connection);
        self.report_with(|report| {
            report.round_trip = round_trip;
            report.ignored += ignored;
        });
    }

    /// Waits for whatever comes first: data, the bell, or the next thing that is due.
    fn rest(&mut self) {
        let now = Instant::now();
        let streaming = now < self.streaming_until && self.members.iter().any(Member::is_joined);
        let brief = streaming && (self.burst.holds() || self.burst.renders);
        match &mut self.connection {
            // Who waits is woken by an answer: that ends a poll, which cannot be as short.
            Some((_, connection)) if brief && !self.members.iter().any(Member::is_waiting) => {
                std::thread::park_timeout(if self.burst.renders { RENDER_REST } else { BURST_REST });
                connection.link().poll(Duration::ZERO);
            }
            Some((_, connection)) => {
                connection.link().poll(if streaming { STREAMING_REST } else { IDLE_REST });
            }
            None => std::thread::park_timeout(self.next_look.saturating_duration_since(now)),
        }
    }
}

/// The member that has the identity `instance`: one that asks for the same has not got it.
fn member_of(members: &mut [Member], instance: Uuid) -> Option<&mut Member> {
    members.iter_mut().find(|member| member.is_joined() && member.instance() == instance)
}

impl Drop for Worker {
    /// However the thread ends, nobody is left waiting for it.
    fn drop(&mut self) {
        for member in &mut self.members {
            member.leave(status::NO_SERVICE);
        }
    }
}
