//! The plan: what a track is told over a whole song, as its project carries it (docs/plan.md).
//!
//! A table of values per frame of 50 ms for every parameter in use, and the level that the input had when
//! the plan was made. Frames count from position 0, so the sample rate does not matter.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use wire::parameters::{PARAMETERS, Parameter, index_of_name};

/// Version of the format that this release writes.
const VERSION: u64 = 1;
/// Longest plan: two hours.
const MAX_FRAMES: u32 = 2 * 60 * 60 * FRAMES_PER_SECOND;
const FRAMES_PER_SECOND: u32 = 20;
/// First frames lie within what positions can be.
const FARTHEST_FRAME: i64 = 1 << 40;
/// Parameters of groove: what it shifts by, and when the slot begins.
const GROOVE: [&str; 2] = ["groove_ms", "groove_slot_ms"];
/// Values are whole numbers of this size at most.
const MAX_VALUE: i64 = 1 << 24;

/// One table, packed; see docs/plan.md.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Differences as variable-length integers, in base64.
    data: String,
    /// Whole numbers per unit.
    per: u32,
}

/// A plan as text. Fields in alphabetical order: the text is the same for the same plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedPlan {
    begin: i64,
    frames: u32,
    level: Series,
    values: BTreeMap<String, Series>,
    version: u64,
}

/// A plan that can be played.
#[derive(Debug)]
pub struct Plan {
    saved: SavedPlan,
    /// Frame that the tables begin with.
    pub begin: i64,
    /// Of the parameters that this release knows, but for those of groove.
    pub columns: Vec<Column>,
    /// Groove, where the plan shifts anything: how late, and how long after its frame begins the slot does.
    pub groove: Option<[Column; 2]>,
    /// Parameters that it has no table for, their neutral values, and whether those are for what comes in.
    pub neutral: Vec<(u16, f64, bool)>,
    /// Level of the input in half dB, 0 dBFS being 0.
    pub levels: Vec<i32>,
}

/// The values of one parameter: targets, each of which is reached before the next one.
#[derive(Debug)]
pub struct Column {
    /// Its permanent number.
    pub id: u16,
    /// It is for the sound that comes in; else for what comes out of groove, which is late.
    pub comes_in: bool,
    /// Two changes are at least so many frames apart.
    pub apart: usize,
    per: f64,
    targets: Vec<i32>,
}

impl Column {
    /// What the parameter moves to from the start of frame `index` on.
    #[must_use]
    pub fn target(&self, index: usize) -> f64 {
        f64::from(self.targets[index]) / self.per
    }

    /// Whether a move begins with frame `index`, at least 1.
    #[must_use]
    pub fn moves(&self, index: usize) -> bool {
        self.targets[index] != self.targets[index - 1]
    }

    /// Takes `wanted` as far as the parameter can follow. A plan then means the same at every sample whatever was
    /// played before: no move is under way when the next one begins.
    fn new(parameter: &Parameter, per: u32, wanted: &[i32]) -> Column {
        // A little slower than allowed, so that no rounding makes a move one sample longer.
        let per_frame = f64::from(parameter.slew_per_s) / f64::from(FRAMES_PER_SECOND) * (1.0 - 1e-6);
        let frames = f64::from(parameter.ramp_ms) * f64::from(FRAMES_PER_SECOND) / 1000.0;
        let apart = frames.max(1.0 / (per_frame * f64::from(per))).ceil();
        let step = whole(per_frame * apart * f64::from(per));
        let apart = usize::try_from(whole(apart)).unwrap_or(1).max(1);
        let low = whole((f64::from(parameter.min) * f64::from(per)).ceil());
        let high = whole((f64::from(parameter.max) * f64::from(per)).floor()).max(low);
        let mut targets = Vec::with_capacity(wanted.len());
        let mut now = wanted[0].clamp(low, high);
        let mut still = apart;
        for &wanted in wanted {
            let next = now + (wanted.clamp(low, high) - now).clamp(-step, step);
            if next != now && still >= apart {
                (now, still) = (next, 0);
            }
            still += 1;
            targets.push(now);
        }
        let comes_in = dsp::chain::comes_in(parameter.section);
        Column { id: parameter.id, comes_in, apart, per: f64::from(per), targets }
    }
}

impl Plan {
    /// Frames that it has values for.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.levels.len()
    }

    /// Reads a plan from its text.
    ///
    /// # Errors
    /// A sentence that names what is wrong.
    pub fn read(text: &[u8]) -> Result<Plan, String> {
        serde_json::from_slice(text).map_err(|error| error.to_string()).and_then(Plan::unpack)
    }

    /// Unpacks a plan. Values outside their range are taken at its end; parameters that this release does not
    /// know are left out, and kept for those who save.
    ///
    /// # Errors
    /// A sentence that names what is wrong.
    pub fn unpack(saved: SavedPlan) -> Result<Plan, String> {
        if saved.version == 0 || saved.version > VERSION {
            let version = saved.version;
            return Err(format!("its plan has version {version}, this plugin reads up to {VERSION}"));
        }
        if saved.frames == 0 || saved.frames > MAX_FRAMES {
            return Err(format!("its plan has {} frames; expected 1 to {MAX_FRAMES}", saved.frames));
        }
        if saved.begin.abs() > FARTHEST_FRAME {
            return Err(format!("its plan begins at frame {}, beyond every position", saved.begin));
        }
        let table = |name: &str, series: &Series| {
            unpacked(series, saved.frames).map_err(|what| format!("its plan's {name} {what}"))
        };
        let levels = table("level", &saved.level)?;
        let (mut columns, mut groove) = (Vec::new(), [None, None]);
        for (name, series) in &saved.values {
            let targets = table(name, series)?;
            if let Some(index) = index_of_name(name) {
                let column = Column::new(&PARAMETERS[index], series.per, &targets);
                match GROOVE.iter().position(|own| own == name) {
                    Some(place) => groove[place] = Some(column),
                    None => columns.push(column),
                }
            }
        }
        let groove = match groove {
            [Some(shift), Some(slot)] if shift.targets.iter().any(|&target| target != 0) => {
                Some([shift, slot])
            }
            _ => None,
        };
        let others = PARAMETERS.iter().filter(|parameter| {
            parameter.section != dsp::groove::NAME && !saved.values.contains_key(parameter.name)
        });
        let neutral = others
            .map(|parameter| {
                (parameter.id, f64::from(parameter.neutral), dsp::chain::comes_in(parameter.section))
            })
            .collect();
        Ok(Plan { begin: saved.begin, columns, groove, neutral, levels, saved })
    }
}

/// Whole numbers of a series of `frames`.
fn unpacked(series: &Series, frames: u32) -> Result<Vec<i32>, String> {
    if series.per == 0 || series.per > 1_000_000 {
        return Err(format!("has {} steps per unit; expected 1 to 1000000", series.per));
    }
    let bytes = BASE64.decode(&series.data).map_err(|_| "is no base64")?;
    let frames = usize::try_from(frames).unwrap_or(usize::MAX);
    let mut values = Vec::with_capacity(frames);
    let mut bytes = bytes.into_iter();
    let mut last = 0_i64;
    while let Some(first) = bytes.next() {
        let number = varint(first, &mut bytes).ok_or("is cut off")?;
        let difference = i64::try_from(number >> 1).unwrap_or(i64::MAX) ^ -i64::from(number & 1 == 1);
        // No difference: how many more there are of these comes next.
        let more = match difference {
            0 => bytes.next().and_then(|first| varint(first, &mut bytes)).ok_or("is cut off")?,
            _ => 0,
        };
        last = last.saturating_add(difference);
        let value = i32::try_from(last).ok().filter(|_| last.abs() <= MAX_VALUE);
        let value = value.ok_or_else(|| format!("leaves its range at frame {}", values.len()))?;
        let count = usize::try_from(more).unwrap_or(usize::MAX).saturating_add(1);
        if count > frames - values.len() {
            return Err(format!("has more than {frames} frames"));
        }
        values.extend(std::iter::repeat_n(value, count));
    }
    if values.len() < frames {
        return Err(format!("has {} frames; expected {frames}", values.len()));
    }
    Ok(values)
}

/// A number of up to 35 bits, seven in a byte, the lowest first.
fn varint(first: u8, rest: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut number = u64::from(first & 0x7f);
    let (mut byte, mut shift) = (first, 7);
    while byte & 0x80 != 0 {
        byte = rest.next().filter(|_| shift < 35)?;
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
    }
    Some(number)
}

/// Far below the end of its range; only the declared numbers come here.
#[allow(clippy::cast_possible_truncation)]
fn whole(value: f64) -> i32 {
    value as i32
}

/// The plan of an instance: main and bridge replace it, audio follows.
#[derive(Debug, Default)]
pub struct Desk {
    /// Rises whenever the plan was replaced.
    version: AtomicU32,
    /// The plan has groove, so that who plays it is late.
    grooves: AtomicBool,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    current: Option<Arc<Plan>>,
    /// Held until audio has let go of them, so that audio never frees.
    before: Vec<Arc<Plan>>,
}

impl Desk {
    /// **main** or **bridge**: audio takes it over with its next block.
    pub fn replace(&self, plan: Option<Plan>) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        self.grooves.store(plan.as_ref().is_some_and(|plan| plan.groove.is_some()), Ordering::Relaxed);
        let old = std::mem::replace(&mut shelf.current, plan.map(Arc::new));
        shelf.before.extend(old);
        shelf.before.retain(|plan| Arc::strong_count(plan) > 1);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Whether there is a plan with groove. Any world.
    #[must_use]
    pub fn grooves(&self) -> bool {
        self.grooves.load(Ordering::Relaxed)
    }

    /// **main**: the plan as text.
    #[must_use]
    pub fn saved(&self) -> Option<SavedPlan> {
        let current = self.shelf.lock().unwrap_or_else(PoisonError::into_inner).current.clone();
        current.map(|plan| plan.saved.clone())
    }

    /// **audio**: the plan, where it is another than that of version `seen`. Looks at the shelf only then, and
    /// looks again with the next block rather than wait.
    pub fn newer(&self, seen: &mut u32) -> Option<Option<Arc<Plan>>> {
        let version = self.version.load(Ordering::Acquire);
        if version == *seen {
            return None;
        }
        let shelf = self.shelf.try_lock().ok()?;
        *seen = version;
        Some(shelf.current.clone())
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
