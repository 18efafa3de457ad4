"""Room: what can be heard of the room around a track, learned from music in simulated and noise-shaped rooms."""

from hybridmix_models.room.network import RoomNetwork, RoomStep

__all__ = ["RoomNetwork", "RoomStep"]
