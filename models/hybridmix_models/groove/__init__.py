"""Groove: how early or late a drummer's next slot will be, from the slots so far (docs/groove.md)."""

from hybridmix_models.groove.rule import Groove

__all__ = ["Groove"]
