"""With equal loudness, too, which stands in for every network, a live pass of the real plugin equals a bounce."""

from __future__ import annotations

from hybridmix.bench import parity

EXACT = ("late", "stale", "gap", "skipped", "masked", "incomplete")


def test_live_equals_bounce_with_the_rule() -> None:
    figures = parity.measure(2.5, model="equal-loudness", scenes=["straight", "seek"])
    for one in figures["passes"]:
        said = {name: value for name, value in one.items() if name != "sha256"}
        assert {name: one[name] for name in EXACT} == dict.fromkeys(EXACT, 0), said
        assert one["identical"], said
