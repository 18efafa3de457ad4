"""What the models hear: features computed from hops, the same whatever the batch."""

from hybridmix.features.kweighting import KWeighting
from hybridmix.features.onsets import Hit, Onsets
from hybridmix.features.resampling import To16k

__all__ = ["Hit", "KWeighting", "Onsets", "To16k"]
