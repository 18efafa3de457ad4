"""The fields of the header, in their order: the layout is made from this list, and so is its documentation."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

__all__ = ["FIELDS", "LAYOUT", "TYPES", "Field"]

#: Type of each code of `struct` that is used.
TYPES: Final = {
    "4s": "u8[4]",
    "12s": "u8[12]",
    "16s": "u8[16]",
    "B": "u8",
    "H": "u16",
    "I": "u32",
    "Q": "u64",
    "q": "i64",
    "f": "f32",
    "d": "f64",
}


class Field(NamedTuple):
    """One field: its code of `struct`, its name (empty for padding), range, the kinds that use it, meaning."""

    code: str
    name: str
    range: str
    used_by: str
    about: str


_ALL = "all"
_NUMBERED = "BLOCK, CREDIT, PING, PONG"
_OF_INSTANCE = "LEAVE, BLOCK, WAIT, PARAMS"
_FAR = "−2^62 to 2^62"

FIELDS: Final = (
    Field("4s", "magic", "`HMIX`", _ALL, "bytes 48 4D 49 58"),
    Field("B", "major", "1", _ALL, "major protocol version; another one is refused"),
    Field("B", "minor", "any", _ALL, "minor protocol version of the sender; 0 is written"),
    Field("H", "header_size", "112 to 4096", _ALL, "length of each header in bytes; 176 is written"),
    Field("H", "kind", "1 to 20", _ALL, "what the message is"),
    Field("H", "group", "1 to 16", "BLOCK", "group that the user has set"),
    Field("I", "flags", "bits", "BLOCK, PARAMS", "see the flags"),
    Field("16s", "instance", "not zero", _OF_INSTANCE, "UUID of the plugin instance, bytes in RFC 9562 order"),
    Field("I", "run", "any", "BLOCK, WAIT, PARAMS", "run of the instance"),
    Field("I", "rate", "44100 to 192000, multiple of 100", "BLOCK", "sample rate in Hz"),
    Field("Q", "sequence", "any", _NUMBERED, "number of the message, see each kind"),
    Field("q", "position", _FAR, "BLOCK, WAIT, PARAMS", "BLOCK: first sample; others: frame end; in samples"),
    Field("q", "apply_at", "position + 0 to 38400", "PARAMS", "sample at which the values begin to apply"),
    Field("d", "beat", "finite", "BLOCK with HAS_BEAT", "position in quarter notes at the first sample"),
    Field("d", "tempo", "finite", "BLOCK with HAS_TEMPO", "quarter notes per minute at the first sample"),
    Field("I", "frames", "0 to 64 whole hops", "BLOCK", "samples per channel; 0 announces a run"),
    Field("H", "channels", "1 to 2", "BLOCK", "channels of the payload"),
    Field("B", "role", "0 to 2", "BLOCK", "0 not set, 1 AI stem, 2 live source"),
    Field("B", "", "any", "none", "zero is written"),
    Field("I", "delay", "20, 40, 60, 100 or 200 ms", "BLOCK", "control delay D in samples, exactly rate × ms / 1000"),
    Field("I", "lead", "any", "BLOCK", "largest lead seen in the client's process, in samples"),
    Field("f", "amount", "0 to 1", "BLOCK", "the user's amount of what the model asks for"),
    Field("f", "offset_db", "−24 to 24", "BLOCK", "the user's gain offset in dB"),
    Field("I", "count", "0 to 32", "PARAMS, BLOCK with START", "number of values in the payload"),
    Field("I", "", "any", "none", "zero is written"),
    Field("f", "dip_amount", "0 to 1", "BLOCK", "the user's amount of the dip"),
    Field("f", "dip_budget_lu", "0 to 6", "BLOCK", "loudness that the dip may take, in LU"),
    Field("f", "breath_amount", "0 to 1", "BLOCK", "the user's amount of breath"),
    Field("f", "breath_depth_db", "0 to 5", "BLOCK", "most that breath may move the level, in dB"),
    Field("f", "staging_amount", "0 to 1", "BLOCK", "the user's amount of staging"),
    Field("f", "staging_level_db", "−30 to 0", "BLOCK", "level that staging brings the track to, in dBFS"),
    Field("f", "density_amount", "0 to 1", "BLOCK", "the user's amount of density"),
    Field("f", "high_pass_amount", "0 to 1", "BLOCK", "the user's amount of the high-pass"),
    Field("f", "room_amount", "0 to 1", "BLOCK", "the user's amount of the room"),
    Field("12s", "", "any", "none", "zeros are written"),
    Field("f", "groove_amount", "0 to 1", "BLOCK", "the user's amount of groove"),
    Field("f", "groove_limit_ms", "0 to 20", "BLOCK", "most that groove may shift around its constant, in ms"),
    Field("f", "groove_constant_ms", "0 to 20", "BLOCK", "most that its constant may be, in ms"),
    Field("I", "", "any", "none", "zero is written"),
)  # fmt: skip

#: The header as bytes.
LAYOUT: Final = struct.Struct("<" + "".join(field.code for field in FIELDS))
