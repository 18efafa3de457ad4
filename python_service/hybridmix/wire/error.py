"""Why a message was refused."""

from __future__ import annotations

__all__ = ["NAMES", "WireError"]

#: Every reason, roughly in the order of the checks. The names are the same on both sides of the wire.
NAMES = (
    "frame_count",
    "header_too_long",
    "payload_too_long",
    "header_too_short",
    "magic",
    "version",
    "header_size",
    "unknown_kind",
    "packets",
    "instance",
    "group",
    "rate",
    "channels",
    "role",
    "delay",
    "amount",
    "offset_db",
    "dip_amount",
    "dip_budget_lu",
    "breath_amount",
    "breath_depth_db",
    "staging_amount",
    "staging_level_db",
    "density_amount",
    "high_pass_amount",
    "groove_amount",
    "groove_limit_ms",
    "groove_constant_ms",
    "room_amount",
    "beat",
    "tempo",
    "flags",
    "frames",
    "position",
    "apply_at",
    "count",
    "payload_length",
    "samples",
    "value_order",
    "value_range",
    "json_too_long",
    "json",
    "body",
)


class WireError(ValueError):
    """A message was refused.

    Attributes:
        name: the reason, one of `NAMES`; ``unknown_kind`` is to be counted and ignored.
        value: what was found: the peer's major version for ``version``, else for the log.
    """

    def __init__(self, name: str, value: object = None) -> None:
        super().__init__(f"{name}: {value!r:.120}" if value is not None else name)
        self.name = name
        self.value = value
