"""The fixed header: 176 bytes, little-endian, the same fields in every message."""

from __future__ import annotations

from enum import IntEnum
from typing import Final
from uuid import UUID

import msgspec

__all__ = ["MAGIC", "NIL", "Flags", "Header", "Kind", "Role"]

#: First four bytes of every header.
MAGIC: Final = b"HMIX"
#: The instance of messages that belong to none.
NIL: Final = UUID(int=0)


class Kind(IntEnum):
    """What a message is. Numbers are appended, never changed."""

    HELLO = 1
    CHALLENGE = 2
    AUTH = 3
    WELCOME = 4
    REFUSE = 5
    JOIN = 6
    JOINED = 7
    LEAVE = 8
    BLOCK = 9
    WAIT = 10
    PARAMS = 11
    CREDIT = 12
    PING = 13
    PONG = 14
    STATS = 15
    STATUS = 16
    REPORT = 17
    BYE = 18
    PLAN = 19
    LEARNING = 20


class Role:
    """Role codes."""

    UNSET: Final = 0
    AI_STEM: Final = 1
    LIVE_SOURCE: Final = 2


class Flags:
    """Bits of `Header.flags`: plain integers, because they are tested thousands of times a second."""

    #: BLOCK: the first of its run.
    RUN_BEGIN: Final = 1
    #: BLOCK, with RUN_BEGIN: the run begins from a stop or an activation, with its start values or neutrally.
    START: Final = 1 << 1
    #: BLOCK: the host's transport plays.
    PLAYING: Final = 1 << 2
    #: BLOCK: the instance renders in Sync and waits for the answer.
    SYNC: Final = 1 << 3
    #: BLOCK: hops before this one were lost.
    GAP: Final = 1 << 4
    #: BLOCK: held NaN or Inf and is sent as zeros.
    ZEROED: Final = 1 << 5
    #: BLOCK: ``beat`` is known.
    HAS_BEAT: Final = 1 << 6
    #: BLOCK: ``tempo`` is known.
    HAS_TEMPO: Final = 1 << 7
    #: BLOCK: the user bypasses the instance.
    BYPASSED: Final = 1 << 8
    #: BLOCK: the user locks the instance: the service's part of its gain holds.
    LOCKED: Final = 1 << 9
    #: BLOCK: the user wants a plan of what is played.
    LEARNS: Final = 1 << 10
    #: BLOCK: the user wants breath to compress too.
    BREATH_BOTH: Final = 1 << 11
    #: BLOCK: the user wants breath to move a sustained tone, 1/f or by an oscillation.
    BREATH_FLICKER: Final = 1 << 12
    BREATH_LFO: Final = 1 << 13
    #: BLOCK: the user wants a plan to fade where chords change.
    BREATH_FADES: Final = 1 << 14
    #: BLOCK: the user has groove hear the track as drums, or as a bass.
    GROOVE_DRUMS: Final = 1 << 15
    GROOVE_BASS: Final = 1 << 19
    #: PARAMS: no values: nobody counted in the frame, or with SKIPPED.
    NONE: Final = 1 << 16
    #: PARAMS: a member that should have counted was missing.
    INCOMPLETE: Final = 1 << 17
    #: PARAMS, with NONE: these values would come too late, and newer ones follow at once.
    SKIPPED: Final = 1 << 18

    #: Bits that BLOCK carries.
    OF_BLOCK: Final = 0x8FFFF
    #: Bits that PARAMS carries.
    OF_PARAMS: Final = NONE | INCOMPLETE | SKIPPED


class Header(msgspec.Struct, frozen=True, gc=False):
    """The fields of every message; those that a kind does not use are zero.

    Attributes:
        kind: what the message is.
        group: 1 to 16.
        flags: see `Flags`.
        instance: the plugin instance.
        run: run of the instance.
        rate: sample rate in Hz.
        sequence: number of the message; what it counts depends on the kind.
        position: BLOCK: first sample; WAIT, PARAMS: frame end; in samples of the run's clock.
        apply_at: PARAMS: sample at which the values begin to apply.
        beat: position in quarter notes, where `Flags.HAS_BEAT` is set.
        tempo: quarter notes per minute, where `Flags.HAS_TEMPO` is set.
        frames: samples per channel.
        channels: 1 or 2.
        role: see `Role`.
        delay: control delay in samples.
        lead: largest lead in the client's process, in samples.
        amount: the user's amount, 0 to 1.
        offset_db: the user's gain offset, -24 to 24 dB.
        count: number of values in the payload; BLOCK: of start values, where `Flags.START` is set.
        dip_amount: the user's amount of the dip, 0 to 1.
        dip_budget_lu: loudness that the dip may take, 0 to 6 LU.
        breath_amount: the user's amount of breath, 0 to 1.
        breath_depth_db: most that breath may move the level, 0 to 5 dB.
        staging_amount: the user's amount of staging, 0 to 1.
        staging_level_db: level that staging brings the track to, -30 to 0 dBFS.
        density_amount: the user's amount of density, 0 to 1.
        high_pass_amount: the user's amount of the high-pass, 0 to 1.
        groove_amount: the user's amount of groove, 0 to 1.
        groove_limit_ms: most that groove may shift around its constant, 0 to 20 ms.
        groove_constant_ms: most that its constant may be, 0 to 20 ms.
        room_amount: the user's amount of the room, 0 to 1.
    """

    kind: Kind
    group: int = 0
    flags: int = 0
    instance: UUID = NIL
    run: int = 0
    rate: int = 0
    sequence: int = 0
    position: int = 0
    apply_at: int = 0
    beat: float = 0.0
    tempo: float = 0.0
    frames: int = 0
    channels: int = 0
    role: int = 0
    delay: int = 0
    lead: int = 0
    amount: float = 0.0
    offset_db: float = 0.0
    count: int = 0
    dip_amount: float = 0.0
    dip_budget_lu: float = 0.0
    breath_amount: float = 0.0
    breath_depth_db: float = 0.0
    staging_amount: float = 0.0
    staging_level_db: float = 0.0
    density_amount: float = 0.0
    high_pass_amount: float = 0.0
    room_amount: float = 0.0
    groove_amount: float = 0.0
    groove_limit_ms: float = 0.0
    groove_constant_ms: float = 0.0
