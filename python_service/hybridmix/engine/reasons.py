"""Why a section does what it does on a track: one short sentence, made of numbers that stand beside it.

The sentence is filled in from the values and from nothing else, and a value has as many digits as its sentence
shows: what is read in the one is what is found in the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter

import msgspec

__all__ = ["SENTENCES", "Reason", "explain"]

#: What is said of each section; the names in braces are its values. A new section needs a line here, and a method
#: `explain` of its processor.
SENTENCES: Mapping[str, str] = {
    "gain": "comes in at {in_lufs:.1f} LUFS; gets {low_db:+.1f} to {high_db:+.1f} dB",
    "headroom": "the tracks would peak at {peak_dbfs:+.1f} dBFS together; each gets {trim_db:+.1f} dB to stay at {aim_dbfs:.1f}",
    "dip": "covers live sources; down to {dip_db:.1f} dB near {dip_hz:.0f} Hz, costs {cost_lu:.1f} LU of {budget_lu:.1f}",
    "staging": "comes in at {level_db:.1f} dBFS RMS; trimmed by {trim_db:+.1f} dB",
    "density": "a copy compressed above {threshold_db:.1f} dBFS is mixed in at {mix_percent:.0f} %",
    "high_pass": "lows give way to the live sources by {mix_percent:.0f} %",
    "groove": "the drummer plays {constant_ms:+.1f} ms off the grid; this {low_ms:+.1f} to {high_ms:+.1f} ms",
    "room": "live sources decay in {t60_s:.2f} s ± {spread_s:.2f}, direct to reverberant {drr_db:.1f} dB; send {send_db:.1f} dB",
    "breath": "live sources move by {live_db:.1f} dB, this by {own_db:.1f}; ridden by up to {ride_db:.1f} dB of {depth_db:.1f}",
}


class Reason(msgspec.Struct, frozen=True):
    """Why ``section`` does what it does: ``text`` for people, made of ``values``."""

    section: str
    text: str
    values: dict[str, float]


def explain(section: str, values: Mapping[str, float]) -> Reason:
    """Return the reason of ``section`` (one of `SENTENCES`), whose sentence names ``values``."""
    rounded: dict[str, float] = {}
    text = f"{section}: "
    for literal, name, form, _ in Formatter().parse(SENTENCES[section]):
        text += literal
        if name is not None:
            assert form is not None
            # Adding 0 makes 0 of -0.
            rounded[name] = round(values[name], int(form.strip("+.f"))) + 0.0
            text += format(rounded[name], form).replace("-", "−")
    return Reason(section, text, rounded)
