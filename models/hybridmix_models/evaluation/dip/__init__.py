"""How the dip is measured (docs/metrics.md, Dip)."""
