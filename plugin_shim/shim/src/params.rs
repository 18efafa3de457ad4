//! Host parameters: what the user sets and sees in any editor of the host.
//!
//! One table for both formats. The plain value of a choice is the index of its text; of everything
//! else, the number in its unit. Values from the service never come this way.

use wire::status::STATUSES;

/// Permanent number of a host parameter; VST3 and CLAP use the same.
pub type ParamId = u32;

/// Audio passes untouched while the group goes on.
pub const BYPASS: ParamId = 1;
/// How much of the service's gain is used.
pub const AMOUNT: ParamId = 2;
/// The user's trim on top of it.
pub const GAIN_OFFSET: ParamId = 3;
/// Tracks with the same number are mixed together.
pub const GROUP: ParamId = 4;
/// What the track is.
pub const ROLE: ParamId = 5;
/// When to wait for the service.
pub const MODE: ParamId = 6;
/// From the end of a frame to the sample at which its values apply.
pub const CONTROL_DELAY: ParamId = 7;
/// What happens 2 s after the last values.
pub const ON_LOSS: ParamId = 8;
/// Whether the service's part of the gain holds.
pub const LOCK: ParamId = 9;
/// How much of the service's dip is used.
pub const DIP_AMOUNT: ParamId = 10;
/// Loudness that the dip may take.
pub const DIP_BUDGET: ParamId = 11;
/// How much of the service's breath is used.
pub const BREATH_AMOUNT: ParamId = 12;
/// Most that breath may move the level.
pub const BREATH_DEPTH: ParamId = 13;
/// Whether breath expands only, or compresses too.
pub const BREATH_DIRECTION: ParamId = 40;
/// What breath gives a sustained tone that has no movement of its own.
pub const BREATH_SUSTAINED: ParamId = 41;
/// Whether a plan fades where chords change.
pub const BREATH_FADES: ParamId = 42;
/// How much of the service's staging is used.
pub const STAGING_AMOUNT: ParamId = 14;
/// Level that staging brings the track to.
pub const STAGING_LEVEL: ParamId = 15;
/// How much of the service's density is used.
pub const DENSITY_AMOUNT: ParamId = 16;
/// How much of the high-pass is used.
pub const HIGH_PASS_AMOUNT: ParamId = 17;
/// Share of every amount.
pub const OVERALL_AMOUNT: ParamId = 18;
/// Whether values come from the plan in the project.
pub const PLAN: ParamId = 34;
/// Whether what is played becomes the plan; the track is mixed live meanwhile.
pub const LEARN: ParamId = 39;
/// How much of the service's groove is used; the track is late by the look-ahead while it is above 0.
pub const GROOVE_AMOUNT: ParamId = 35;
/// Most that groove shifts around its constant.
pub const GROOVE_LIMIT: ParamId = 36;
/// Whether the constant follows the drummer or is zero.
pub const GROOVE_CONSTANT: ParamId = 37;
/// Tempo where the host gives none.
pub const GROOVE_TEMPO: ParamId = 38;
/// What groove hears a live source as.
pub const GROOVE_SOURCE: ParamId = 43;
/// Where beat 0 lies at that tempo.
pub const GROOVE_FIRST_BEAT: ParamId = 44;
/// How much of the service's room is used.
pub const ROOM_AMOUNT: ParamId = 30;
/// Read-only: what the plugin is doing.
pub const STATUS: ParamId = 20;
/// Read-only: the gain at the end of the last block.
pub const APPLIED_GAIN: ParamId = 21;
/// Read-only: values that came after their sample.
pub const LATE: ParamId = 22;
/// Read-only: control delay that the host's blocks need.
pub const NEEDED_DELAY: ParamId = 23;

/// The control delays on offer, in milliseconds, in the order of the choice.
pub const DELAYS_MS: [u32; 5] = [20, 40, 60, 100, 200];

/// The limits of groove on offer, in milliseconds, in the order of the choice.
pub const GROOVE_LIMITS_MS: [f32; 3] = [5.0, 10.0, 20.0];
/// The most that the constant of groove may be, in milliseconds.
pub const GROOVE_CONSTANT_MS: f32 = 20.0;

/// How a plain value is counted and written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Index of a text.
    Choice(&'static [&'static str]),
    /// A number.
    Number {
        /// Distance of neighbouring values.
        step: f64,
        /// Digits after the point.
        digits: usize,
        /// Written after the number.
        unit: &'static str,
    },
}

/// Declaration of a host parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Param {
    /// Permanent number.
    pub id: ParamId,
    /// Permanent name, in saved states.
    pub name: &'static str,
    /// What an editor shows.
    pub title: &'static str,
    /// Smallest plain value.
    pub min: f64,
    /// Largest plain value.
    pub max: f64,
    /// Plain value of a new instance.
    pub default: f64,
    /// How it is counted and written.
    pub scale: Scale,
    /// True where only the plugin writes.
    pub read_only: bool,
}

const fn choice(
    id: ParamId,
    name: &'static str,
    title: &'static str,
    texts: &'static [&'static str],
    default: f64,
) -> Param {
    // A handful of texts: exact.
    #[allow(clippy::cast_precision_loss)]
    let max = (texts.len() - 1) as f64;
    Param { id, name, title, min: 0.0, max, default, scale: Scale::Choice(texts), read_only: false }
}

const fn number(
    id: ParamId,
    (name, title): (&'static str, &'static str),
    (min, max): (f64, f64),
    default: f64,
    (step, digits, unit): (f64, usize, &'static str),
) -> Param {
    let scale = Scale::Number { step, digits, unit };
    Param { id, name, title, min, max, default, scale, read_only: false }
}

const fn shown(param: Param) -> Param {
    Param { read_only: true, ..param }
}

static STATUS_TEXTS: [&str; STATUSES.len()] = {
    let mut texts = [""; STATUSES.len()];
    let mut code = 0;
    while code < texts.len() {
        texts[code] = STATUSES[code].text;
        code += 1;
    }
    texts
};

/// Every host parameter, in the order in which editors list them. Entries are appended, never changed.
pub static PARAMS: [Param; 34] = [
    choice(BYPASS, "bypass", "Bypass", &["Off", "On"], 0.0),
    number(AMOUNT, ("amount", "Amount"), (0.0, 100.0), 100.0, (1.0, 0, "%")),
    number(GAIN_OFFSET, ("gain_offset", "Gain Offset"), (-24.0, 24.0), 0.0, (0.1, 1, "dB")),
    number(GROUP, ("group", "Group"), (1.0, 16.0), 1.0, (1.0, 0, "")),
    choice(ROLE, "role", "Role", &["Unset", "AI stem", "Live source"], 0.0),
    choice(MODE, "mode", "Mode", &["Auto", "Live", "Sync"], 0.0),
    choice(
        CONTROL_DELAY,
        "control_delay",
        "Control Delay",
        &["20 ms", "40 ms", "60 ms", "100 ms", "200 ms"],
        1.0,
    ),
    choice(ON_LOSS, "on_loss", "On Loss", &["Hold", "Fallback"], 0.0),
    shown(choice(STATUS, "status", "Status", &STATUS_TEXTS, 0.0)),
    shown(number(APPLIED_GAIN, ("applied_gain", "Applied Gain"), (-80.0, 36.0), 0.0, (0.01, 2, "dB"))),
    shown(number(LATE, ("late", "Late"), (0.0, 10_000.0), 0.0, (1.0, 0, ""))),
    shown(number(NEEDED_DELAY, ("needed_delay", "Needed Delay"), (0.0, 1000.0), 0.0, (1.0, 0, "ms"))),
    choice(LOCK, "lock", "Lock", &["Off", "On"], 0.0),
    number(DIP_AMOUNT, ("dip_amount", "Dip Amount"), (0.0, 100.0), 0.0, (1.0, 0, "%")),
    number(DIP_BUDGET, ("dip_budget", "Dip Budget"), (0.5, 6.0), 1.0, (0.1, 1, "LU")),
    number(BREATH_AMOUNT, ("breath_amount", "Breath Amount"), (0.0, 100.0), 0.0, (1.0, 0, "%")),
    number(BREATH_DEPTH, ("breath_depth", "Breath Depth"), (0.0, 5.0), 2.5, (0.1, 1, "dB")),
    number(STAGING_AMOUNT, ("staging_amount", "Staging Amount"), (0.0, 100.0), 0.0, (1.0, 0, "%")),
    number(STAGING_LEVEL, ("staging_level", "Staging Level"), (-30.0, -6.0), -18.0, (0.5, 1, "dB")),
    number(DENSITY_AMOUNT, ("density_amount", "Density Amount"), (0.0, 100.0), 0.0, (1.0, 0, "%")),
    number(HIGH_PASS_AMOUNT, ("high_pass_amount", "High-Pass Amount"), (0.0, 100.0), 0.0, (1.0, 0, "%")),
    number(OVERALL_AMOUNT, ("overall_amount", "Overall Amount"), (0.0, 100.0), 100.0, (1.0, 0, "%")),
    choice(PLAN, "plan", "Plan", &["Off", "Frozen"], 0.0),
    number(GROOVE_AMOUNT, ("groove_amount", "Groove Amount"), (0.0, 100.0), 0.0, (1.0, 0, "%")),
    choice(GROOVE_LIMIT, "groove_limit", "Groove Limit", &["5 ms", "10 ms", "20 ms"], 0.0),
    choice(GROOVE_CONSTANT, "groove_constant", "Groove Constant", &["Follow", "Zero"], 0.0),
    number(GROOVE_TEMPO, ("groove_tempo", "Groove Tempo"), (0.0, 300.0), 0.0, (0.001, 3, "BPM")),
    number(ROOM_AMOUNT, ("room_amount", "Room Amount"), (0.0, 100.0), 0.0, (1.0, 0, "%")),
    choice(LEARN, "learn", "Learn", &["Off", "On"], 0.0),
    choice(BREATH_DIRECTION, "breath_direction", "Breath Direction", &["Expand", "Both"], 0.0),
    choice(BREATH_SUSTAINED, "breath_sustained", "Breath Sustained", &["Off", "1/f", "LFO"], 0.0),
    choice(BREATH_FADES, "breath_fades", "Breath Fades", &["Off", "On"], 0.0),
    choice(GROOVE_SOURCE, "groove_source", "Groove Source", &["Auto", "Drums", "Bass"], 0.0),
    number(GROOVE_FIRST_BEAT, ("groove_first_beat", "Groove First Beat"), (0.0, 30.0), 0.0, (0.0001, 4, "s")),
];

/// The parameter with this number.
#[must_use]
pub fn by_id(id: ParamId) -> Option<&'static Param> {
    PARAMS.iter().find(|param| param.id == id)
}

/// The parameter with this permanent name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Param> {
    PARAMS.iter().find(|param| param.name == name)
}

impl Param {
    /// Steps between the smallest and the largest value.
    #[must_use]
    pub fn steps(&self) -> u32 {
        integer((self.max - self.min) / self.step())
    }

    /// The nearest value that the parameter can have; NaN gives the default.
    #[must_use]
    pub fn snap(&self, plain: f64) -> f64 {
        if plain.is_nan() {
            return self.default;
        }
        let index = ((plain.clamp(self.min, self.max) - self.min) / self.step()).round();
        self.at(index)
    }

    /// Plain value to 0..1.
    #[must_use]
    pub fn to_normalised(&self, plain: f64) -> f64 {
        (self.snap(plain) - self.min) / (self.max - self.min)
    }

    /// 0..1 to the nearest plain value.
    #[must_use]
    pub fn from_normalised(&self, normalised: f64) -> f64 {
        self.snap(self.min + normalised * (self.max - self.min))
    }

    /// What an editor shows for a plain value, with its unit.
    #[must_use]
    pub fn text(&self, plain: f64) -> String {
        let plain = self.snap(plain);
        match self.scale {
            Scale::Choice(texts) => {
                let index = usize::try_from(integer(plain)).unwrap_or(0);
                texts.get(index).copied().unwrap_or_default().to_owned()
            }
            Scale::Number { digits, unit: "", .. } => format!("{plain:.digits$}"),
            Scale::Number { digits, unit, .. } => format!("{plain:.digits$} {unit}"),
        }
    }

    /// The plain value that a text means; the unit may be left out, letters may have any case.
    /// `None` for anything else.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<f64> {
        let text = text.trim();
        match self.scale {
            Scale::Choice(texts) => {
                let bare = |text: &str| text.trim_end_matches(" ms").to_owned();
                let same = |known: &&'static str| {
                    text.eq_ignore_ascii_case(known) || bare(text).eq_ignore_ascii_case(&bare(known))
                };
                let index = texts.iter().position(same)?;
                Some(f64::from(u32::try_from(index).ok()?))
            }
            Scale::Number { unit, .. } => {
                let split = text.len().checked_sub(unit.len()).filter(|&split| text.is_char_boundary(split));
                let number = match split.map(|split| text.split_at(split)) {
                    Some((number, end)) if end.eq_ignore_ascii_case(unit) => number.trim_end(),
                    _ => text,
                };
                let plain: f64 = number.parse().ok()?;
                plain.is_finite().then(|| self.snap(plain))
            }
        }
    }

    fn step(&self) -> f64 {
        match self.scale {
            Scale::Choice(_) => 1.0,
            Scale::Number { step, .. } => step,
        }
    }

    /// The value that is `index` steps above the smallest, as its text would be read: 0.3, not 0.30000000000000004.
    fn at(&self, index: f64) -> f64 {
        let plain = self.min + index * self.step();
        let scale = match self.scale {
            Scale::Choice(_) => 1.0,
            Scale::Number { digits, .. } => 10f64.powi(i32::try_from(digits).unwrap_or(0)),
        };
        // Adding zero turns -0 into 0.
        (plain * scale).round() / scale + 0.0
    }
}

/// Small non-negative numbers that are whole already, but for rounding.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn integer(plain: f64) -> u32 {
    plain.round() as u32
}

#[cfg(test)]
#[path = "params_tests.rs"]
mod tests;
