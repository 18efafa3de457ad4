//! The values that travel from the service to the shim, from `schema/parameters.toml`.

/// One declared value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Permanent number on the wire.
    pub id: u16,
    /// Permanent name.
    pub name: &'static str,
    /// Processing section of the shim that applies it.
    pub section: &'static str,
    /// Unit of the value.
    pub unit: &'static str,
    /// Least value.
    pub min: f32,
    /// Greatest value.
    pub max: f32,
    /// Value that changes nothing.
    pub neutral: f32,
    /// A change takes at least this long, in ms.
    pub ramp_ms: f32,
    /// A change never moves faster than this many units per second.
    pub slew_per_s: f32,
    /// `<onnx file>.<output>` that it comes from.
    pub source: &'static str,
    /// What it is.
    pub description: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/parameters.rs"));

/// Index in [`PARAMETERS`] of the value numbered `id`; `None` for one that a newer peer knows.
#[must_use]
pub fn index_of(id: u16) -> Option<usize> {
    PARAMETERS.iter().position(|parameter| parameter.id == id)
}

/// Index in [`PARAMETERS`] of the value called `name`.
#[must_use]
pub fn index_of_name(name: &str) -> Option<usize> {
    PARAMETERS.iter().position(|parameter| parameter.name == name)
}
