"""Rendered sessions: human drumming through sampled kits, other parts written by rules, a known balance."""

from __future__ import annotations

from hybridmix_models.data.generator.cache import DATA, generate, is_cache, read_songs, write_songs

__all__ = ["DATA", "generate", "is_cache", "read_songs", "write_songs"]
