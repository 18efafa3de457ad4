//! Whether the fields of a header lie in their ranges. The order of the checks is part of the protocol:
//! both sides name the same reason.

use crate::error::WireError;
use crate::header::{Header, Kind, flags};
use crate::limits::{
    HOPS_PER_SECOND, MAX_BREATH_DEPTH_DB, MAX_DELAY, MAX_DIP_BUDGET_LU, MAX_GROOVE_CONSTANT_MS,
    MAX_GROOVE_LIMIT_MS, MAX_GROUP, MAX_HOPS, MAX_OFFSET_DB, MAX_POSITION, MAX_VALUES, MIN_STAGING_LEVEL_DB,
    is_delay, is_rate,
};

impl Header {
    /// Checks the fields that the kind uses.
    pub(crate) fn check(&self) -> Result<(), WireError> {
        match self.kind {
            Kind::Block => self.check_block(),
            Kind::Params => self.check_params(),
            Kind::Wait => self.check_instance().and_then(|()| self.check_position()),
            Kind::Leave | Kind::Plan => self.check_instance(),
            _ => Ok(()),
        }
    }

    fn check_instance(&self) -> Result<(), WireError> {
        if self.instance.is_nil() { Err(WireError::Instance) } else { Ok(()) }
    }

    fn check_position(&self) -> Result<(), WireError> {
        if (-MAX_POSITION..=MAX_POSITION).contains(&self.position) {
            Ok(())
        } else {
            Err(WireError::Position(self.position))
        }
    }

    fn check_count(&self) -> Result<(), WireError> {
        refuse(usize::try_from(self.count).map_or(true, |n| n > MAX_VALUES), WireError::Count(self.count))
    }

    fn check_block(&self) -> Result<(), WireError> {
        self.check_instance()?;
        refuse(!(1..=MAX_GROUP).contains(&self.group), WireError::Group(self.group))?;
        refuse(!is_rate(self.rate), WireError::Rate(self.rate))?;
        refuse(!(1..=2).contains(&self.channels), WireError::Channels(self.channels))?;
        refuse(self.role > 2, WireError::Role(self.role))?;
        refuse(!is_delay(self.delay, self.rate), WireError::Delay(self.delay))?;
        refuse(!(0.0..=1.0).contains(&self.amount), WireError::Amount)?;
        refuse(!(-MAX_OFFSET_DB..=MAX_OFFSET_DB).contains(&self.offset_db), WireError::OffsetDb)?;
        refuse(!(0.0..=1.0).contains(&self.dip_amount), WireError::DipAmount)?;
        refuse(!(0.0..=MAX_DIP_BUDGET_LU).contains(&self.dip_budget_lu), WireError::DipBudget)?;
        refuse(!(0.0..=1.0).contains(&self.breath_amount), WireError::BreathAmount)?;
        refuse(!(0.0..=MAX_BREATH_DEPTH_DB).contains(&self.breath_depth_db), WireError::BreathDepth)?;
        refuse(!(0.0..=1.0).contains(&self.staging_amount), WireError::StagingAmount)?;
        refuse(!(MIN_STAGING_LEVEL_DB..=0.0).contains(&self.staging_level_db), WireError::StagingLevel)?;
        refuse(!(0.0..=1.0).contains(&self.density_amount), WireError::DensityAmount)?;
        refuse(!(0.0..=1.0).contains(&self.high_pass_amount), WireError::HighPassAmount)?;
        refuse(!(0.0..=1.0).contains(&self.groove_amount), WireError::GrooveAmount)?;
        refuse(!(0.0..=MAX_GROOVE_LIMIT_MS).contains(&self.groove_limit_ms), WireError::GrooveLimit)?;
        refuse(
            !(0.0..=MAX_GROOVE_CONSTANT_MS).contains(&self.groove_constant_ms),
            WireError::GrooveConstant,
        )?;
        refuse(!(0.0..=1.0).contains(&self.room_amount), WireError::RoomAmount)?;
        refuse(!self.beat.is_finite(), WireError::Beat)?;
        refuse(!self.tempo.is_finite(), WireError::Tempo)?;
        let begins = self.has(flags::RUN_BEGIN);
        let contradicts = !begins && (self.has(flags::START) || self.frames == 0);
        refuse(contradicts, WireError::Flags(self.flags))?;
        let hop = self.rate / HOPS_PER_SECOND;
        let whole = self.frames.is_multiple_of(hop) && self.frames / hop <= MAX_HOPS;
        refuse(!whole, WireError::Frames(self.frames))?;
        self.check_position()?;
        let off_grid = self.frames > 0 && self.position % i64::from(hop) != 0;
        refuse(off_grid, WireError::Position(self.position))?;
        self.check_count()
    }

    fn check_params(&self) -> Result<(), WireError> {
        self.check_instance()?;
        self.check_position()?;
        let after = i128::from(self.apply_at) - i128::from(self.position);
        refuse(!(0..=i128::from(MAX_DELAY)).contains(&after), WireError::ApplyAt(self.apply_at))?;
        self.check_count()?;
        refuse(self.has(flags::NONE) && self.count > 0, WireError::Flags(self.flags))
    }

    /// Bytes of payload that the header announces; `None` where the payload ends it: JSON, a plan.
    pub(crate) fn payload_length(&self) -> Option<usize> {
        match self.kind {
            Kind::Block | Kind::Params => Some(self.samples_length().saturating_add(bytes(self.count, 8))),
            Kind::Leave | Kind::Wait | Kind::Credit | Kind::Ping | Kind::Pong => Some(0),
            _ => None,
        }
    }

    /// Bytes of the samples that a BLOCK announces; 0 for other kinds.
    pub(crate) fn samples_length(&self) -> usize {
        bytes(self.frames, 4).saturating_mul(usize::from(self.channels))
    }
}

fn bytes(count: u32, each: usize) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(each)
}

fn refuse(condition: bool, error: WireError) -> Result<(), WireError> {
    if condition { Err(error) } else { Ok(()) }
}
