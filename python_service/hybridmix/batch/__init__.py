"""Batch rendering through the real plugin (needs the extra ``batch``)."""

from hybridmix.batch.mix_session import Mix, MixSession, MixTrack

__all__ = ["Mix", "MixSession", "MixTrack"]
