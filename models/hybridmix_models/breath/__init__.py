"""Breath: volume riding that gives an AI stem the movement of the live sources.

A rule written in torch: nothing is trained, what was chosen was chosen by measurement (docs/breath.md).
"""

from hybridmix_models.breath.rule import Breath

__all__ = ["Breath"]
