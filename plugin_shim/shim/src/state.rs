//! What a project saves of an instance, and presets: JSON with sorted keys, versioned, refused where it is not ours.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use wire::limits::MAX_LABEL;
use wire::parameters::{PARAMETERS, Parameter, index_of_name};

use crate::params::{PARAMS, by_name};
use crate::plan::{Plan, SavedPlan};
use crate::shared::Shared;

const FORMAT: &str = "hybridmix-state";
/// A preset: some settings, and nothing of who the instance is.
const PRESET: &str = "hybridmix-preset";
const VERSION: u64 = 1;
/// A saved state is smaller than this, in bytes; what is larger is refused unread. An hour's plan takes about 1 MiB.
pub const MAX_STATE: usize = 1 << 23;

/// Why a state was refused. The instance is then as it was before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Empty, not JSON, or JSON of another shape.
    #[error("saved state of {length} bytes is no HybridMix state: {reason}")]
    NotOurs {
        /// Its length.
        length: usize,
        /// What was found.
        reason: String,
    },
    /// Saved by a later release.
    #[error("saved state has version {0}, this plugin reads up to {VERSION}; install the newer plugin")]
    Newer(u64),
}

/// What tells a state of any version apart.
#[derive(Deserialize)]
struct Envelope {
    format: String,
    version: u64,
}

/// Fields in alphabetical order: the text is the same for the same state.
#[derive(Serialize, Deserialize)]
struct Saved {
    format: String,
    instance: Option<Uuid>,
    label: String,
    params: BTreeMap<String, f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<SavedPlan>,
    session: Option<Uuid>,
    start: BTreeMap<String, f32>,
    version: u64,
}

#[derive(Deserialize)]
struct Preset {
    params: BTreeMap<String, f64>,
}

/// What `load` finds in bytes.
enum Found {
    State(Box<(Saved, Option<Plan>)>),
    Preset(Preset),
}

/// The state of an instance as bytes. Main.
#[must_use]
pub fn save(shared: &Shared) -> Vec<u8> {
    // Not through `Shared::identity`: who never joined has none to save.
    let identity = shared.identity.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let settable = PARAMS.iter().filter(|param| !param.read_only);
    let saved = Saved {
        format: FORMAT.to_owned(),
        instance: Some(identity.instance).filter(|instance| !instance.is_nil()),
        label: identity.label,
        params: settable.map(|param| (param.name.to_owned(), shared.params.get(param.id))).collect(),
        plan: shared.plan.saved(),
        session: identity.session,
        start: PARAMETERS.iter().zip(shared.start_values()).filter_map(named).collect(),
        version: VERSION,
    };
    serde_json::to_vec(&saved).unwrap_or_default()
}

/// Takes over a saved state or a preset: all of it, or nothing. Main.
///
/// Values outside their range are taken at its end; names that this release does not know are left out.
/// Settings that a state does not name get their default; those that a preset does not name stay, and so does
/// who the instance is.
///
/// # Errors
/// Whatever is neither of this plugin, or was saved by a later version of the format.
pub fn load(shared: &Shared, bytes: &[u8]) -> Result<(), StateError> {
    let (saved, plan) = match read(bytes)? {
        Found::State(found) => *found,
        Found::Preset(preset) => {
            for (name, value) in preset.params {
                if let Some(param) = by_name(&name).filter(|param| !param.read_only) {
                    shared.params.set(param.id, value);
                }
            }
            return Ok(());
        }
    };
    for param in PARAMS.iter().filter(|param| !param.read_only) {
        shared.params.set(param.id, saved.params.get(param.name).copied().unwrap_or(param.default));
    }
    for (slot, parameter) in shared.start_values.iter().zip(&PARAMETERS) {
        slot.set(saved.start.get(parameter.name).copied());
    }
    shared.plan.replace(plan);
    let mut identity = shared.identity.lock().unwrap_or_else(PoisonError::into_inner);
    identity.instance = saved.instance.unwrap_or_default();
    identity.session = saved.session;
    identity.label = saved.label;
    shared.identity_version.fetch_add(1, Ordering::Release);
    Ok(())
}

fn read(bytes: &[u8]) -> Result<Found, StateError> {
    let refuse = |reason: String| StateError::NotOurs { length: bytes.len(), reason };
    if bytes.len() > MAX_STATE {
        return Err(refuse(format!("longer than {MAX_STATE} bytes")));
    }
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
    if ![FORMAT, PRESET].contains(&envelope.format.as_str()) {
        return Err(refuse(format!("its format is {:?}", envelope.format)));
    }
    if envelope.version == 0 || envelope.version > VERSION {
        return Err(StateError::Newer(envelope.version));
    }
    if envelope.format == PRESET {
        let preset = serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
        return Ok(Found::Preset(preset));
    }
    let mut saved: Saved = serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
    if [saved.instance, saved.session].contains(&Some(Uuid::nil())) {
        return Err(refuse("its instance or session is zero".to_owned()));
    }
    if saved.label.chars().count() > MAX_LABEL {
        return Err(refuse(format!("its label is longer than {MAX_LABEL} characters")));
    }
    if saved.start.values().any(|value| !value.is_finite()) {
        return Err(refuse("a start value is not finite".to_owned()));
    }
    saved.params.retain(|name, _| by_name(name).is_some_and(|param| !param.read_only));
    saved.start = saved.start.into_iter().filter_map(clamped).collect();
    let plan = saved.plan.take().map(Plan::unpack).transpose().map_err(refuse)?;
    Ok(Found::State(Box::new((saved, plan))))
}

fn named((parameter, value): (&Parameter, Option<f32>)) -> Option<(String, f32)> {
    Some((parameter.name.to_owned(), value?))
}

fn clamped((name, value): (String, f32)) -> Option<(String, f32)> {
    let parameter = &PARAMETERS[index_of_name(&name)?];
    Some((name, value.clamp(parameter.min, parameter.max)))
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
