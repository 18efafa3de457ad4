"""Staging: the static trim that brings a track to the session's level.

A rule written in torch: nothing is trained (docs/staging.md).
"""

from hybridmix_models.staging.rule import Staging

__all__ = ["Staging"]
