"""Bleed: performances on simulated stages, with the truth beside them (docs/bleed.md)."""

from __future__ import annotations

from hybridmix_models.data.bleed.rooms import Room, Split, draw_rooms, load_rooms, write_rooms
from hybridmix_models.data.bleed.scenes import bleed_ratio_db, make_scene

__all__ = ["Room", "Split", "bleed_ratio_db", "draw_rooms", "load_rooms", "make_scene", "write_rooms"]
