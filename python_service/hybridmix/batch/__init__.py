"""Batch rendering through the real plugin (needs the extra ``batch``)."""

from hybridmix.batch.frozen import frozen_plugin
from hybridmix.batch.mix_session import Mix, MixSession, MixTrack
from hybridmix.batch.picture import Curve

__all__ = ["Curve", "Mix", "MixSession", "MixTrack", "frozen_plugin"]
