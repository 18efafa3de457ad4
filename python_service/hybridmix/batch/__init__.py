"""Batch rendering through the real plugin (needs the extra ``batch``)."""

from hybridmix.batch.frozen import frozen_plugin
from hybridmix.batch.mix_session import Mix, MixSession
from hybridmix.batch.picture import Curve
from hybridmix.batch.track import MixTrack

__all__ = ["Curve", "Mix", "MixSession", "MixTrack", "frozen_plugin"]
