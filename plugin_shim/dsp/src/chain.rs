//! The sections in their order.

use crate::density::{self, Density};
use crate::dip::{self, Dip};
use crate::gain::{self, Gain};
use crate::groove::{self, Groove};
use crate::high_pass::{self, HighPass};
use crate::reverb::{self, Reverb};
use crate::section::{Declaration, Section};

/// Name of the section that brings a track to the session's level: a gain before everything else.
pub const STAGING: &str = "staging";

/// Makes a section at `rate` Hz; `None` where what it needs is not declared.
type Build = fn(u32, &[Declaration]) -> Option<Box<dyn Section>>;

/// The order of processing: name of the section in the declarations, and how to make it.
pub const ORDER: &[(&str, Build)] = &[
    (STAGING, |rate, declarations| {
        (!declarations.is_empty()).then(|| -> Box<dyn Section> { Box::new(Gain::new(rate, declarations)) })
    }),
    (groove::NAME, |rate, declarations| Some(Box::new(Groove::new(rate, declarations)?))),
    (high_pass::NAME, |rate, declarations| Some(Box::new(HighPass::new(rate, declarations)?))),
    (dip::NAME, |rate, declarations| Some(Box::new(Dip::new(rate, declarations)?))),
    (density::NAME, |rate, declarations| Some(Box::new(Density::new(rate, declarations)?))),
    (gain::NAME, |rate, declarations| Some(Box::new(Gain::new(rate, declarations)))),
    (reverb::NAME, |rate, declarations| Some(Box::new(Reverb::new(rate, declarations)?))),
];

/// Whether the section of this name works on the sound that comes in. Those behind groove, the only one that is late,
/// work on what comes out of it.
#[must_use]
pub fn comes_in(section: &str) -> bool {
    [STAGING, groove::NAME].contains(&section)
}

/// All sections that the declarations name, in order.
#[derive(Debug)]
pub struct Chain {
    sections: Vec<Box<dyn Section>>,
}

impl Chain {
    /// A chain at neutral values for `rate` Hz. Allocates; nothing else here does.
    /// Declarations for sections that do not exist here are left out: a newer file may name them.
    #[must_use]
    pub fn new(rate: u32, declarations: &[Declaration]) -> Chain {
        let sections = ORDER.iter().filter_map(|(name, build)| {
            let own: Vec<Declaration> =
                declarations.iter().filter(|declaration| declaration.section == *name).copied().collect();
            build(rate, &own)
        });
        Chain { sections: sections.collect() }
    }

    /// By how many samples the sound is late.
    #[must_use]
    pub fn latency(&self) -> i64 {
        self.sections.iter().map(|section| section.latency()).sum()
    }

    /// What was heard has nothing to do with what comes.
    pub fn forget(&mut self) {
        for section in &mut self.sections {
            section.forget();
        }
    }

    /// The parameter `id` moves to `target`, beginning at sample `position` of its section; false when unknown.
    pub fn set(&mut self, id: u16, target: f64, position: i64) -> bool {
        self.sections.iter_mut().any(|section| section.set(id, target, position))
    }

    /// The parameter `id` is at `target` at once; false when unknown.
    pub fn snap(&mut self, id: u16, target: f64) -> bool {
        self.sections.iter_mut().any(|section| section.snap(id, target))
    }

    /// The timeline jumped by `offset` samples; what moves goes on moving.
    pub fn rebase(&mut self, offset: i64) {
        for section in &mut self.sections {
            section.rebase(offset);
        }
    }

    /// Processes, in place, channels of equal length whose first sample is at `position`. Behind a section that
    /// is late, positions are those of the sound that comes out of it.
    pub fn process(&mut self, position: i64, channels: &mut [&mut [f32]]) {
        let mut at = position;
        for section in &mut self.sections {
            section.process(at, channels);
            at = at.saturating_sub(section.latency());
        }
    }

    /// By how many dB the chain changes the level of what comes out at `position`.
    #[must_use]
    pub fn level_change(&self, position: i64) -> f64 {
        let mut at = position;
        let changes = self.sections.iter().map(|section| {
            let change = section.level_change(at);
            at = at.saturating_sub(section.latency());
            change
        });
        changes.sum()
    }
}
