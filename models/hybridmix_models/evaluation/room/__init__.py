"""How the room is measured (docs/metrics.md, Room)."""
