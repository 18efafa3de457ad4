"""Gain rules: equal loudness per track and headroom for the group.

They learn nothing: each is a rule written in torch, so that it is exported, checked and run like every
trained model.
"""

from hybridmix_models.gain.equal_loudness import EqualLoudness
from hybridmix_models.gain.headroom import Headroom

__all__ = ["EqualLoudness", "Headroom"]
