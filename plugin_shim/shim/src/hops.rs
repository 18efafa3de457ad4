//! Cuts the stream into hops on the grid of position 0 and hands them to the bridge.

use dsp::denormal::flush;
use rtrb::{Producer, RingBuffer};

use crate::channels::{length, signed, unsigned};
use crate::roster::Roster;
use crate::shared::{Hop, StartValues};
use crate::transport::beat_after;
use wire::flags;

/// What goes with the hops of one block.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    /// PLAYING, SYNC and BYPASSED as they apply.
    pub flags: u32,
    /// Beat at the block's first sample.
    pub beat: Option<f64>,
    /// Tempo at the block's first sample.
    pub tempo: Option<f64>,
    /// Group, 1 to 16.
    pub group: u16,
    /// Role code of the wire.
    pub role: u8,
    /// Control delay in samples.
    pub delay: u32,
    /// Largest lead of the process in samples.
    pub lead: u32,
    /// The user's amount, 0 to 1.
    pub amount: f32,
    /// The user's gain offset in dB.
    pub offset_db: f32,
    /// The user's amount of the dip, 0 to 1.
    pub dip_amount: f32,
    /// Loudness that the dip may take, in LU.
    pub dip_budget_lu: f32,
    /// The user's amount of breath, 0 to 1.
    pub breath_amount: f32,
    /// Most that breath may move the level, in dB.
    pub breath_depth_db: f32,
    /// The user's amount of staging, 0 to 1.
    pub staging_amount: f32,
    /// Level that staging brings the track to, in dBFS.
    pub staging_level_db: f32,
    /// The user's amount of density, 0 to 1.
    pub density_amount: f32,
    /// The user's amount of the high-pass, 0 to 1.
    pub high_pass_amount: f32,
    /// The user's amount of groove, 0 to 1.
    pub groove_amount: f32,
    /// Most that groove may shift around its constant, in ms.
    pub groove_limit_ms: f32,
    /// Most that its constant may be, in ms.
    pub groove_constant_ms: f32,
    /// The user's amount of the room, 0 to 1.
    pub room_amount: f32,
}

/// The audio ends of the rings for hops.
#[derive(Debug)]
pub struct Cutter {
    rate: u32,
    hop: usize,
    hops: Producer<Hop>,
    samples: Producer<f32>,
    roster: &'static Roster,
    /// The hop in progress, planar.
    partial: Vec<f32>,
    /// The hop in progress was gathered from its first sample on.
    whole: bool,
    run: u32,
    /// What the run starts with, where it begins from a stop.
    start: Option<StartValues>,
    announced: bool,
    /// Hops were lost since the last one that went out.
    gap: bool,
}

/// The bridge's ends of the rings for hops.
pub type Ends = (rtrb::Consumer<Hop>, rtrb::Consumer<f32>);

impl Cutter {
    /// Rings that hold half a second and `longest` samples more. Allocates.
    #[must_use]
    pub fn new(rate: u32, channels: usize, longest: usize, roster: &'static Roster) -> (Cutter, Ends) {
        let hop = count(rate / 100);
        let held = 50 + longest.div_ceil(hop);
        // Announcements take a place too: a host may jump at every block.
        let (hops, hops_end) = RingBuffer::new(2 * held);
        let (samples, samples_end) = RingBuffer::new(held * hop * channels);
        let cutter = Cutter {
            rate,
            hop,
            hops,
            samples,
            roster,
            partial: vec![0.0; hop * channels],
            whole: false,
            run: 0,
            start: None,
            announced: false,
            gap: false,
        };
        (cutter, (hops_end, samples_end))
    }

    /// A run begins with the next block; from a stop with `start` values.
    pub fn begin(&mut self, run: u32, start: Option<StartValues>) {
        (self.run, self.start) = (run, start);
        self.forget();
    }

    /// Nobody listens: what comes next is announced again.
    pub fn forget(&mut self) {
        (self.announced, self.whole, self.gap) = (false, false, false);
    }

    /// Takes a block whose first sample is at `position` and calls `sent` with the end of every hop that
    /// went out. Returns how many hops were lost because the bridge left no room.
    pub fn push(
        &mut self,
        position: i64,
        channels: &[&mut [f32]],
        context: &Context,
        mut sent: impl FnMut(i64),
    ) -> u64 {
        let frames = length(channels);
        let mut lost = 0;
        let announced_now = !self.announced;
        if announced_now && !self.announce(position, context) {
            let hop = signed(self.hop);
            let hops = position.saturating_add(signed(frames)).div_euclid(hop) - position.div_euclid(hop);
            return u64::try_from(hops).unwrap_or(0);
        }
        let mut done = 0;
        while done < frames {
            let at = position.saturating_add(signed(done));
            let phase = unsigned(at.rem_euclid(signed(self.hop)));
            self.whole |= phase == 0;
            let take = (self.hop - phase).min(frames - done);
            if self.whole {
                for (own, channel) in self.partial.chunks_exact_mut(self.hop).zip(channels) {
                    own[phase..phase + take].copy_from_slice(&channel[done..done + take]);
                }
            }
            done += take;
            if self.whole && phase + take == self.hop {
                let begin = at.saturating_sub(signed(phase));
                if self.send(begin, position, context) {
                    sent(begin.saturating_add(signed(self.hop)));
                } else {
                    lost += 1;
                    self.gap = true;
                }
            }
        }
        lost
    }

    fn announce(&mut self, position: i64, context: &Context) -> bool {
        if self.hops.slots() == 0 {
            return false;
        }
        let start = if self.start.is_some() { flags::START } else { 0 };
        let mut hop = self.describe(position, 0, flags::RUN_BEGIN | start, (position, context));
        hop.start = self.start.unwrap_or_default();
        self.announced = self.hops.push(hop).is_ok();
        self.announced
    }

    fn send(&mut self, begin: i64, block: i64, context: &Context) -> bool {
        if self.hops.slots() == 0 {
            return false;
        }
        // No early end: a loop without one is several times faster.
        let finite = self.partial.iter().fold(true, |finite, sample| finite & sample.is_finite());
        for sample in &mut self.partial {
            *sample = if finite { flush(*sample) } else { 0.0 };
        }
        if self.samples.push_entire_slice(&self.partial).is_err() {
            return false;
        }
        let zeroed = if finite { 0 } else { flags::ZEROED };
        let gap = if self.gap { flags::GAP } else { 0 };
        let hop = self.describe(begin, self.rate / 100, zeroed | gap, (block, context));
        self.gap = false;
        self.hops.push(hop).is_ok()
    }

    fn describe(&self, position: i64, frames: u32, own: u32, (block, context): (i64, &Context)) -> Hop {
        let away = position.saturating_sub(block);
        let beat = beat_after(context.beat, context.tempo, away, self.rate);
        let has_beat = if beat.is_some() { flags::HAS_BEAT } else { 0 };
        let has_tempo = if context.tempo.is_some() { flags::HAS_TEMPO } else { 0 };
        Hop {
            stamp: self.roster.stamp(),
            run: self.run,
            flags: own | context.flags | has_beat | has_tempo,
            position,
            frames,
            beat: beat.unwrap_or(0.0),
            tempo: context.tempo.unwrap_or(0.0),
            group: context.group,
            role: context.role,
            delay: context.delay,
            lead: context.lead,
            amount: context.amount,
            offset_db: context.offset_db,
            dip_amount: context.dip_amount,
            dip_budget_lu: context.dip_budget_lu,
            breath_amount: context.breath_amount,
            breath_depth_db: context.breath_depth_db,
            staging_amount: context.staging_amount,
            staging_level_db: context.staging_level_db,
            density_amount: context.density_amount,
            high_pass_amount: context.high_pass_amount,
            groove_amount: context.groove_amount,
            groove_limit_ms: context.groove_limit_ms,
            groove_constant_ms: context.groove_constant_ms,
            room_amount: context.room_amount,
            start: StartValues::default(),
        }
    }
}

fn count(samples: u32) -> usize {
    usize::try_from(samples).unwrap_or(usize::MAX)
}
