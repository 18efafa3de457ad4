//! The states that the plugin shows, from `schema/status.toml`; one constant per code.

/// One declared state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Permanent number.
    pub code: u32,
    /// Permanent name, as STATS carries it.
    pub name: &'static str,
    /// What a generic editor shows, at most 30 characters.
    pub text: &'static str,
    /// What it means for the sound.
    pub sentence: &'static str,
    /// What to do.
    pub fix: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/status.rs"));

/// The state of that code; `None` where there is none.
#[must_use]
pub fn by_code(code: u32) -> Option<&'static Status> {
    STATUSES.get(usize::try_from(code).ok()?)
}

/// The state of that name; `None` where there is none.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Status> {
    STATUSES.iter().find(|status| status.name == name)
}
