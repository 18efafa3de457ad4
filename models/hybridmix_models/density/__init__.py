"""Density: how much a live source's parallel compression is to narrow its loudness range.

A rule written in torch: nothing is trained, what was chosen was chosen by measurement (docs/density.md).
"""

from hybridmix_models.density.rule import Density

__all__ = ["Density"]
