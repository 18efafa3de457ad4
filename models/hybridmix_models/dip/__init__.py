"""The dip: where and by how much an AI stem makes room for the live sources.

A rule written in torch: nothing is trained, what was chosen was chosen by measurement (docs/dip.md).
"""

from hybridmix_models.dip.rule import Dip

__all__ = ["Dip"]
