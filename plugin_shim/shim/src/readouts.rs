//! What the user is shown: whether values flow, and which delay the host's blocks need.

use wire::status;

/// Whether values flow, counted in processed audio.
#[derive(Debug)]
pub(crate) struct Flow {
    /// Samples without an answer after which values count as lost.
    patience: i64,
    /// Samples processed since the last answer.
    unheard: i64,
    /// An answer came since the run from which everything began afresh.
    heard: bool,
    fell_back: bool,
    incomplete: bool,
}

/// What becomes of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Played {
    /// Nobody asks for it.
    Unasked,
    /// Values come from it.
    Yes,
    /// There is none.
    Missing,
    /// The sound is another than when it was made.
    Unfit,
}

/// What the status is made of, besides the flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation {
    pub(crate) forked: bool,
    pub(crate) bypassed: bool,
    pub(crate) plan: Played,
    /// The instance is registered and the connection stands.
    pub(crate) linked: bool,
    /// The bridge's view.
    pub(crate) bridge: u32,
    /// The control delay cannot work with the host's blocks.
    pub(crate) too_short: bool,
    /// What becomes of a pass with Learn, a `status` code; `None` where nobody asks.
    pub(crate) learning: Option<u32>,
}

impl Flow {
    pub(crate) fn new(rate: u32) -> Flow {
        Flow { patience: 2 * i64::from(rate), unheard: 0, heard: false, fell_back: false, incomplete: false }
    }

    /// A run begins: what was incomplete belongs to the one before.
    pub(crate) fn begin_run(&mut self) {
        self.incomplete = false;
    }

    /// A run begins from a standing transport: patience is new.
    pub(crate) fn start_over(&mut self) {
        (self.unheard, self.fell_back) = (0, false);
    }

    pub(crate) fn answered(&mut self, incomplete: bool) {
        (self.unheard, self.heard, self.fell_back) = (0, true, false);
        self.incomplete |= incomplete;
    }

    /// A block was rendered without the values that it should have had.
    pub(crate) fn gave_up(&mut self) {
        self.incomplete = true;
    }

    pub(crate) fn processed(&mut self, frames: i64) {
        self.unheard = self.unheard.saturating_add(frames);
    }

    /// Samples from the start of this block to the one at which values count as lost; negative if they
    /// were lost before.
    pub(crate) fn left(&self) -> i64 {
        self.patience - self.unheard
    }

    /// Whether the fallback values are to be applied now, `gone` samples into the block; true once.
    pub(crate) fn falls_back(&mut self, gone: i64) -> bool {
        let now = !self.fell_back && gone >= self.left();
        self.fell_back |= now;
        now
    }

    pub(crate) fn status(&self, now: Situation) -> u32 {
        let lost = self.left() <= 0;
        match now {
            Situation { plan: Played::Yes, bypassed: false, .. } => status::FROZEN,
            Situation { forked: true, plan, .. } if plan != Played::Yes => status::FORKED,
            Situation { bypassed: true, .. } => status::BYPASSED,
            Situation { plan: Played::Missing, .. } => status::PLAN_MISSING,
            Situation { plan: Played::Unfit, .. } => status::PLAN_UNFIT,
            _ if lost && self.fell_back => status::FALLBACK,
            Situation { linked: false, bridge: status::IDLE, .. } => status::NO_SERVICE,
            Situation { linked: false, bridge, .. } => bridge,
            _ if !self.heard => status::WAITING,
            _ if lost => status::HOLDING,
            Situation { learning: Some(learning), .. } => learning,
            _ if self.incomplete => status::INCOMPLETE,
            Situation { too_short: true, .. } => status::NOT_ALIGNED,
            _ => status::MIXING,
        }
    }
}

/// Control delay in samples, for blocks of `block` samples and a measured `lead`: what is needed, and
/// whether `delay` is so short that values cannot come in time.
///
/// In Sync the lead itself is needed. Live, values travel while the next block plays: two blocks and 8 ms
/// make it exact; with an offset between members, that and a third block, because the last member may come
/// a whole block later. 4 ms more are recommended against jitter. Below one block, the offset and 8 ms it
/// cannot work.
pub(crate) fn needed_delay(sync: bool, rate: u32, block: u32, lead: u32, delay: u32) -> (u32, bool) {
    if sync {
        return (lead, delay < lead);
    }
    let offset = lead.saturating_sub(block);
    let slack = rate / 1000 * 8;
    let blocks = if offset == 0 { 2 } else { 3 };
    let needed = blocks * block + offset + slack + rate / 1000 * 4;
    (needed, delay < block + offset + slack)
}
