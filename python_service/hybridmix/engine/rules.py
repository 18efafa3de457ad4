"""Fresh rules for one group from the files of its model."""

from __future__ import annotations

from hybridmix.engine.ears import Ears
from hybridmix.engine.gain import EqualLoudness, GainRule, Headroom, Raw
from hybridmix.engine.models import Models
from hybridmix.engine.network import Network

__all__ = ["make_rules"]


def make_rules(models: Models, rate: int) -> tuple[GainRule, Headroom | None]:
    """The gain rule for audio at ``rate`` Hz, and the headroom rule where the model has one.

    Raises InputError for files that are not what their names say.
    """
    if models.name == "raw":
        return Raw(), None
    headroom, rule = Headroom(models.sessions["headroom"]), EqualLoudness(models.sessions["equal_loudness"])
    if models.step is None or models.normalised is None:
        return rule, headroom
    ears = Ears(rate, models.sessions["embedding"], normalised=models.normalised)
    return Network(models.step, ears, rule), headroom
