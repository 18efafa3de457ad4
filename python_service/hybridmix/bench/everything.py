"""Every section on, as far as it may go: what benchmarks set a track to that is to show or to cost all there is."""

from __future__ import annotations

from typing import Any, Final

from hybridmix.presets import ROLES, SETTINGS, Preset, Role

__all__ = ["AMOUNTS", "DEFAULT_TEMPO", "EVERYTHING", "of_role", "of_track"]

#: Tempo of a transport that nobody chose.
DEFAULT_TEMPO: Final = 120.0

#: Titles, as hosts show them, of the parameters that say how much there is of something, by permanent name.
AMOUNTS: Final = {
    param: param.replace("high_pass", "high-pass").replace("_", " ").title()
    for name, (param, _) in SETTINGS.items()
    if name.endswith("amount")
}

#: What each role takes part in; a track without one can only be brought to the session's level.
EVERYTHING: Final[dict[Role | None, Preset]] = {
    None: Preset("Everything", staging_amount=1.0),
    "ai_stem": Preset(
        "Everything",
        role="ai_stem",
        staging_amount=1.0,
        high_pass_amount=1.0,
        dip_amount=1.0,
        dip_budget_lu=6.0,
        breath_amount=1.0,
        breath_depth_db=5.0,
        room_amount=1.0,
        groove_amount=1.0,
        groove_limit_ms=20,
    ),
    "live_source": Preset("Everything", role="live_source", staging_amount=1.0, density_amount=1.0),
}


def of_role(code: int) -> dict[str, float]:
    """Return the settings for the role of that ``code``: plain values by the permanent names of host parameters."""
    (role,) = (role for role, number in ROLES.items() if number == code)
    return EVERYTHING[role].params()


def of_track(role: Role) -> dict[str, Any]:
    """Return the settings for ``role`` as a track of a session names them, its role too."""
    return {name: getattr(EVERYTHING[role], name) for name in ("role", *SETTINGS)}
