"""What can be set on a track: by a preset, in a session file, in a script."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

__all__ = [
    "BreathDirection",
    "BreathSustained",
    "GrooveConstant",
    "GrooveLimit",
    "GrooveSource",
    "Role",
    "Settings",
]

Role = Literal["ai_stem", "live_source"]
BreathDirection = Literal["expand", "both"]
BreathSustained = Literal["off", "1/f", "lfo"]
GrooveLimit = Literal[5, 10, 20]
GrooveConstant = Literal["follow", "zero"]
GrooveSource = Literal["auto", "drums", "bass"]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of one track; None leaves to others what it is."""

    role: Annotated[Role | None, msgspec.Meta(description="what the track is")] = None
    overall_amount: (
        Annotated[float, msgspec.Meta(ge=0.0, le=1.0, description="share of every amount below")] | None
    ) = None
    amount: (
        Annotated[float, msgspec.Meta(ge=0.0, le=1.0, description="share of the model's gain that is used")]
        | None
    ) = None
    gain_offset_db: (
        Annotated[float, msgspec.Meta(ge=-24.0, le=24.0, description="added after the model, in dB")] | None
    ) = None
    staging_amount: (
        Annotated[
            float,
            msgspec.Meta(
                ge=0.0,
                le=1.0,
                description="how far the track is brought to the session's level, 0 for not at all",
            ),
        ]
        | None
    ) = None
    staging_level_db: (
        Annotated[float, msgspec.Meta(ge=-30.0, le=-6.0, description="that level, in dBFS RMS")] | None
    ) = None
    high_pass_amount: (
        Annotated[
            float, msgspec.Meta(ge=0.0, le=1.0, description="how much of an AI stem's lows below 250 Hz goes")
        ]
        | None
    ) = None
    dip_amount: (
        Annotated[
            float,
            msgspec.Meta(
                ge=0.0,
                le=1.0,
                description="how much an AI stem makes room for the live sources, 0 for not at all",
            ),
        ]
        | None
    ) = None
    dip_budget_lu: (
        Annotated[
            float,
            msgspec.Meta(
                ge=0.5, le=6.0, description="most loudness that the dip may take from the stem, in LU"
            ),
        ]
        | None
    ) = None
    density_amount: (
        Annotated[
            float,
            msgspec.Meta(
                ge=0.0,
                le=1.0,
                description="how far a live source's loudness range is narrowed, 0 for not at all",
            ),
        ]
        | None
    ) = None
    breath_amount: (
        Annotated[
            float,
            msgspec.Meta(
                ge=0.0,
                le=1.0,
                description="how much an AI stem takes on the movement of the live sources, 0 for not at all",
            ),
        ]
        | None
    ) = None
    breath_depth_db: (
        Annotated[float, msgspec.Meta(ge=0.0, le=5.0, description="most that breath may move a level, in dB")]
        | None
    ) = None
    breath_direction: (
        Annotated[
            BreathDirection,
            msgspec.Meta(
                description="whether breath expands only or compresses too; a plan always does both"
            ),
        ]
        | None
    ) = None
    breath_sustained: (
        Annotated[
            BreathSustained,
            msgspec.Meta(description="what breath gives a sustained tone that has no movement of its own"),
        ]
        | None
    ) = None
    breath_fades: (
        Annotated[
            bool, msgspec.Meta(description="whether a plan fades an AI stem in where its chords change")
        ]
        | None
    ) = None
    room_amount: (
        Annotated[
            float,
            msgspec.Meta(
                ge=0.0, le=1.0, description="how much of the live sources' room an AI stem gets, 0 for none"
            ),
        ]
        | None
    ) = None
    groove_amount: (
        Annotated[
            float,
            msgspec.Meta(
                ge=0.0,
                le=1.0,
                description="how much an AI stem takes on the timing of the live drummer, 0 for not at all",
            ),
        ]
        | None
    ) = None
    groove_limit_ms: (
        Annotated[GrooveLimit, msgspec.Meta(description="most that groove shifts around its constant, in ms")]
        | None
    ) = None
    groove_constant: (
        Annotated[
            GrooveConstant,
            msgspec.Meta(description="whether the constant of groove follows the drummer or is zero"),
        ]
        | None
    ) = None

    groove_source: (
        Annotated[
            GrooveSource,
            msgspec.Meta(
                description="what groove hears a live source as; auto ones count while no other is drums or bass"
            ),
        ]
        | None
    ) = None

    def given(self) -> dict[str, Any]:
        """Return the settings that are not None, by name."""
        values = ((name, getattr(self, name)) for name in Settings.__struct_fields__)
        return {name: value for name, value in values if value is not None}
