"""The plan: what every track of a session is told over a whole song, made with the song known (docs/plan.md)."""
