"""The members of a frame and what their users set, as arrays: nearly always those of the frame before."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import numpy as np

from hybridmix.engine.formation import Kept
from hybridmix.engine.hops import UserValues
from hybridmix.timeline import Row
from hybridmix.wire.header import Role

__all__ = ["Lineup"]


class Lineup:
    """Members in the order of a frame's rows."""

    def __init__(self, rows: Sequence[Row], known: dict[UUID, Kept]) -> None:
        """Look up the members of ``rows`` among the ``known``."""
        self._ids = [row.member for row in rows]
        self.members = [known[member] for member in self._ids]
        #: Which row each member is.
        self.rows = {member: index for index, member in enumerate(self._ids)}
        self.slots = np.array([kept.slot for kept in self.members], np.intp)
        #: What the profile adds, dB.
        self.aim_db = np.array([kept.aim_db for kept in self.members], np.float32)
        self._users: list[UserValues] = []

    def serves(self, rows: Sequence[Row]) -> bool:
        """Whether ``rows`` are of these members, in this order."""
        return [row.member for row in rows] == self._ids

    def read_users(self) -> None:
        """Bring the users' settings up to date."""
        users = [kept.user for kept in self.members]
        if users != self._users:
            self._users = users
            self.amount = np.array([user.amount for user in users], np.float32)
            self.offset_db = np.array([user.offset_db for user in users], np.float32)
            self.locked = np.array([user.locked for user in users], np.bool_)
            self.is_ai = np.array([user.role == Role.AI_STEM for user in users], np.bool_)
            self.is_live = np.array([user.role == Role.LIVE_SOURCE for user in users], np.bool_)
            self.is_drums = np.array([user.is_drums for user in users], np.bool_)
            self.is_bass = np.array([user.is_bass for user in users], np.bool_)
            self.dip_amount = np.array([user.dip_amount for user in users], np.float32)
            self.dip_budget_lu = np.array([user.dip_budget_lu for user in users], np.float32)
            self.breath_amount = np.array([user.breath_amount for user in users], np.float32)
            self.breath_depth_db = np.array([user.breath_depth_db for user in users], np.float32)
            self.breath_both = np.array([user.breath_both for user in users], np.bool_)
            self.breath_sustained = np.array([user.breath_sustained for user in users], np.intp)
            self.staging_amount = np.array([user.staging_amount for user in users], np.float32)
            self.staging_level_db = np.array([user.staging_level_db for user in users], np.float32)
            self.density_amount = np.array([user.density_amount for user in users], np.float32)
            self.high_pass_amount = np.array([user.high_pass_amount for user in users], np.float32)
            self.groove_amount = np.array([user.groove_amount for user in users], np.float32)
            self.groove_limit_ms = np.array([user.groove_limit_ms for user in users], np.float32)
            self.groove_constant_ms = np.array([user.groove_constant_ms for user in users], np.float32)
            self.room_amount = np.array([user.room_amount for user in users], np.float32)
            self.delay = np.array([user.delay for user in users], np.float32)
            amounts = {
                "dip": self.dip_amount,
                "high_pass": self.high_pass_amount,
                "breath": self.breath_amount,
                "staging": self.staging_amount,
                "density": self.density_amount,
                "room": self.room_amount,
                "groove": self.groove_amount,
            }
            #: Processors that have an amount somewhere.
            self.asked = frozenset(name for name, amount in amounts.items() if amount.any())
