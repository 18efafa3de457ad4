"""What the models hear: features computed from hops, the same whatever the batch."""

from hybridmix.features.kweighting import KWeighting

__all__ = ["KWeighting"]
