"""How breath is measured (docs/metrics.md, Breath)."""
