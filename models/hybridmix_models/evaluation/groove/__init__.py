"""How groove is measured (docs/metrics.md, Groove)."""
