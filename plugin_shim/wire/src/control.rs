//! The control messages: what their JSON payloads hold, and the ranges of every field.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::WireError;
use crate::header::{Header, Kind};
use crate::limits::{
    DELAYS_MS, HEADER_SIZE, MAX_COUNTER, MAX_CREDITS, MAX_GROUP, MAX_JSON, MAX_LABEL, MAX_MODELS,
    MAX_POSITION, MAX_STATS, MAX_TEXT, is_rate,
};
use crate::text::{self, Hex32};

/// Client to service: the first message of a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// Version that the client speaks: major, minor.
    pub protocol: [u16; 2],
    /// Program and version, for the record.
    pub client: String,
    /// Process id of the client, for the record.
    pub pid: u32,
    /// Fresh random bytes, used once.
    pub nonce: Hex32,
}

/// Service to client: answers HELLO.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Challenge {
    /// Version that the service speaks: major, minor.
    pub protocol: [u16; 2],
    /// Fresh random bytes, used once.
    pub nonce: Hex32,
    /// [`crate::proof::service`] of both nonces.
    pub proof: Hex32,
}

/// Client to service: answers CHALLENGE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Auth {
    /// [`crate::proof::client`] of both nonces.
    pub proof: Hex32,
}

/// Service to client: the connection is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// Version that the service speaks: major, minor.
    pub protocol: [u16; 2],
    /// Program and version, for the record.
    pub server: String,
    /// SHA-256 of the service's `parameters.toml`, for the record.
    pub schema: Hex32,
    /// Models in use and the SHA-256 of their files, for the record.
    pub models: BTreeMap<String, Hex32>,
    /// BLOCKs that may be in flight, per joined instance.
    pub credits: u32,
}

/// Service to client: the connection is refused and nothing more will be answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refuse {
    /// `version`, `auth`, `bad_message` or `full`; later versions may append.
    pub code: String,
    /// A sentence for the user.
    pub message: String,
}

/// Client to service: an instance appears; with a handle that is joined already, it changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Join {
    /// The client's own number of the instance.
    pub handle: u32,
    /// Identity from the plugin's state.
    pub instance: Uuid,
    /// Session from the plugin's state; `None` until one was named.
    pub session: Option<Uuid>,
    /// Group, 1 to 16.
    pub group: u16,
    /// The user's label; empty where there is none.
    pub label: String,
    /// The host's track name; empty where there is none.
    pub track_name: String,
    /// Sample rate in Hz.
    pub rate: u32,
    /// Channels, 1 or 2.
    pub channels: u16,
    /// Control delay in ms.
    pub delay_ms: u32,
}

/// Service to client: answers JOIN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Joined {
    /// From JOIN.
    pub handle: u32,
    /// Identity to use from now on; another one where that of JOIN is live elsewhere.
    pub instance: Uuid,
    /// Session that the instance now belongs to.
    pub session: Uuid,
}

/// Client to service: counters of its instances; at most every 200 ms and only when they changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// One entry per instance.
    pub instances: Vec<InstanceStats>,
    /// Hop sent to PARAMS received.
    pub rtt_ms: RoundTrip,
}

/// Counters of one instance since it was activated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceStats {
    /// The instance.
    pub instance: Uuid,
    /// Values that came after their sample.
    pub late: u64,
    /// Hops lost before they were sent.
    pub dropped: u64,
    /// Frames answered as incomplete, and Sync waits given up.
    pub incomplete: u64,
    /// Name of a state in `status.toml`.
    pub status: String,
    /// End of the last processed block, in samples.
    pub position: i64,
    /// Run that `position` belongs to.
    pub run: u32,
    /// Largest lead in the process, in samples.
    pub lead: u32,
    /// Control delay that the host's blocks need, in samples.
    pub needed_delay: u32,
}

/// Distribution of round trips, in ms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoundTrip {
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p99_9: f64,
    /// How many were measured.
    pub count: u64,
}

/// Client to service: asks for REPORT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRequest {}

/// Service to client: what becomes of a pass with Learn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learning {
    /// The instance.
    pub instance: Uuid,
    /// Name of a state in `status.toml`; later versions may append.
    pub state: String,
}

/// Either way: the sender closes and says why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bye {
    /// A few words for the log.
    pub reason: String,
}

/// Any control message.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    /// HELLO.
    Hello(Hello),
    /// CHALLENGE.
    Challenge(Challenge),
    /// AUTH.
    Auth(Auth),
    /// WELCOME.
    Welcome(Welcome),
    /// REFUSE.
    Refuse(Refuse),
    /// JOIN.
    Join(Join),
    /// JOINED.
    Joined(Joined),
    /// STATS.
    Stats(Stats),
    /// STATUS.
    Status(StatusRequest),
    /// REPORT: an object that the service documents.
    Report(Map<String, Value>),
    /// LEARNING.
    Learning(Learning),
    /// BYE; `None` where it gives no reason.
    Bye(Option<Bye>),
}

impl Control {
    /// The kind of message that carries it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Hello(_) => Kind::Hello,
            Self::Challenge(_) => Kind::Challenge,
            Self::Auth(_) => Kind::Auth,
            Self::Welcome(_) => Kind::Welcome,
            Self::Refuse(_) => Kind::Refuse,
            Self::Join(_) => Kind::Join,
            Self::Joined(_) => Kind::Joined,
            Self::Stats(_) => Kind::Stats,
            Self::Status(_) => Kind::Status,
            Self::Report(_) => Kind::Report,
            Self::Learning(_) => Kind::Learning,
            Self::Bye(_) => Kind::Bye,
        }
    }

    /// Both frames of the message.
    ///
    /// # Errors
    /// `Body` or `JsonTooLong` where a receiver would refuse it.
    pub fn encode(&self) -> Result<[Vec<u8>; 2], WireError> {
        self.check()?;
        let payload = match self {
            Self::Hello(m) => serde_json::to_vec(m),
            Self::Challenge(m) => serde_json::to_vec(m),
            Self::Auth(m) => serde_json::to_vec(m),
            Self::Welcome(m) => serde_json::to_vec(m),
            Self::Refuse(m) => serde_json::to_vec(m),
            Self::Join(m) => serde_json::to_vec(m),
            Self::Joined(m) => serde_json::to_vec(m),
            Self::Stats(m) => serde_json::to_vec(m),
            Self::Status(m) => serde_json::to_vec(m),
            Self::Report(m) => serde_json::to_vec(m),
            Self::Learning(m) => serde_json::to_vec(m),
            Self::Bye(Some(m)) => serde_json::to_vec(m),
            Self::Bye(None) => Ok(Vec::new()),
        }
        .map_err(|e| WireError::Body(e.to_string()))?;
        if payload.len() > MAX_JSON {
            return Err(WireError::JsonTooLong(payload.len()));
        }
        let header: [u8; HEADER_SIZE] = Header::new(self.kind()).to_bytes();
        Ok([header.to_vec(), payload])
    }

    /// Reads the payload of a message of that kind; `None` where the kind carries no JSON.
    pub(crate) fn decode(kind: Kind, payload: &[u8]) -> Option<Result<Self, WireError>> {
        fn read<T: DeserializeOwned + Serialize>(
            payload: &[u8],
            wrap: fn(T) -> Control,
        ) -> Result<Control, WireError> {
            let control = wrap(text::read(payload)?);
            control.check().map(|()| control)
        }
        Some(match kind {
            Kind::Hello => read(payload, Self::Hello),
            Kind::Challenge => read(payload, Self::Challenge),
            Kind::Auth => read(payload, Self::Auth),
            Kind::Welcome => read(payload, Self::Welcome),
            Kind::Refuse => read(payload, Self::Refuse),
            Kind::Join => read(payload, Self::Join),
            Kind::Joined => read(payload, Self::Joined),
            Kind::Stats => read(payload, Self::Stats),
            Kind::Status => read(payload, Self::Status),
            Kind::Report => read(payload, Self::Report),
            Kind::Learning => read(payload, Self::Learning),
            Kind::Bye if payload.is_empty() => Ok(Self::Bye(None)),
            Kind::Bye => read(payload, |bye| Self::Bye(Some(bye))),
            _ => return None,
        })
    }

    /// Checks the ranges of every field.
    fn check(&self) -> Result<(), WireError> {
        let fault = match self {
            Self::Hello(m) => (!fits(&m.client, MAX_TEXT)).then_some("client is too long"),
            Self::Welcome(m) => m.fault(),
            Self::Refuse(m) => m.fault(),
            Self::Join(m) => m.fault(),
            Self::Joined(m) => {
                (m.instance.is_nil() || m.session.is_nil()).then_some("instance or session is zero")
            }
            Self::Stats(m) => m.fault(),
            Self::Learning(m) => m.fault(),
            Self::Bye(Some(m)) => (!fits(&m.reason, MAX_TEXT)).then_some("reason is too long"),
            Self::Challenge(_) | Self::Auth(_) | Self::Status(_) | Self::Report(_) | Self::Bye(None) => None,
        };
        fault.map_or(Ok(()), |fault| Err(WireError::Body(fault.into())))
    }
}

impl Welcome {
    fn fault(&self) -> Option<&'static str> {
        if !fits(&self.server, MAX_TEXT) {
            Some("server is too long")
        } else if self.models.len() > MAX_MODELS || !self.models.keys().all(|name| fits(name, MAX_LABEL)) {
            Some("models are too many or a name is too long")
        } else {
            (!(1..=MAX_CREDITS).contains(&self.credits)).then_some("credits are out of range")
        }
    }
}

impl Refuse {
    fn fault(&self) -> Option<&'static str> {
        (!is_name(&self.code) || !fits(&self.message, MAX_TEXT)).then_some("code or message is out of range")
    }
}

impl Join {
    fn fault(&self) -> Option<&'static str> {
        if self.instance.is_nil() || self.session.is_some_and(|session| session.is_nil()) {
            Some("instance or session is zero")
        } else if !(1..=MAX_GROUP).contains(&self.group) {
            Some("group is outside 1 to 16")
        } else if !fits(&self.label, MAX_LABEL) || !fits(&self.track_name, MAX_LABEL) {
            Some("label or track_name is too long")
        } else if !is_rate(self.rate) {
            Some("rate is not supported")
        } else if !(1..=2).contains(&self.channels) {
            Some("channels are not 1 or 2")
        } else {
            (!DELAYS_MS.contains(&self.delay_ms)).then_some("delay_ms is not offered")
        }
    }
}

impl Learning {
    fn fault(&self) -> Option<&'static str> {
        (self.instance.is_nil() || !is_name(&self.state)).then_some("instance is zero or state is no name")
    }
}

impl Stats {
    fn fault(&self) -> Option<&'static str> {
        let rtt = &self.rtt_ms;
        if self.instances.len() > MAX_STATS {
            Some("instances are too many")
        } else if [rtt.p50, rtt.p99, rtt.p99_9].iter().any(|ms| !(0.0..=f64::MAX).contains(ms))
            || rtt.count > MAX_COUNTER
        {
            Some("rtt_ms is out of range")
        } else {
            self.instances.iter().find_map(InstanceStats::fault)
        }
    }
}

impl InstanceStats {
    fn fault(&self) -> Option<&'static str> {
        if self.instance.is_nil() {
            Some("instance is zero")
        } else if [self.late, self.dropped, self.incomplete].iter().any(|&n| n > MAX_COUNTER) {
            Some("a counter is out of range")
        } else if !(-MAX_POSITION..=MAX_POSITION).contains(&self.position) {
            Some("position is out of range")
        } else {
            (!is_name(&self.status)).then_some("status is no name")
        }
    }
}

fn fits(text: &str, limit: usize) -> bool {
    text.len() <= limit || text.chars().count() <= limit
}

/// One to 40 of `a` to `z` and `_`: names that later versions may append to.
fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_lowercase() || c == b'_')
}
