"""The gain models by name, without anything that it takes to run one."""

from __future__ import annotations

from collections.abc import Mapping

from hybridmix.errors import InputError

__all__ = ["DEFAULT", "HIGHEST_BOOST_DB", "MAX_BOOST_DB", "MODELS", "NETWORKS", "RULES", "require_known"]

#: The gain model where nobody names one.
DEFAULT = "alm-mr-plus"
#: Most that a model may raise a track by, dB, where nobody says otherwise; and the most that may be asked for.
MAX_BOOST_DB = 12.0
HIGHEST_BOOST_DB = 36.0
#: Files of the rules.
RULES = ("equal_loudness", "headroom", "dip", "breath", "staging", "density", "room", "groove")
#: Networks, whose steps are in files of their names; the embedding is shared by all files of a folder.
NETWORKS = ("alm-mr-plus", "alm-mr", "alm-sr", "dmc-b-0l", "dmc-og", "alm-mr-vggish")
#: Gain models by name, and the ONNX files each needs. ``raw`` answers 0 dB and needs none.
MODELS: Mapping[str, tuple[str, ...]] = {
    "equal-loudness": RULES,
    "raw": (),
    **{name: (*RULES, "embedding", name.replace("-", "_")) for name in NETWORKS},
}


def require_known(name: str) -> None:
    """Raise InputError unless ``name`` is a gain model."""
    if name not in MODELS:
        raise InputError(f"model {name!r} is unknown; expected one of: {', '.join(MODELS)}.")
