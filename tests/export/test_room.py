"""The room network as a file: what an export of it promises, on weights that nobody trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hybridmix_export.convert import convert
from hybridmix_export.parity import check, check_declaration
from hybridmix_export.room import is_room, room_export
from hybridmix_models.room import RoomNetwork
from hybridmix_models.training import checkpoint


@pytest.fixture
def run(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    content = {"state": RoomNetwork().state_dict(), "settings": {"name": "room"}, "best": {}}
    checkpoint.write(tmp_path / "best.pt", content)
    return tmp_path


def test_a_run_of_the_room_network_becomes_a_file_that_computes_the_same(run: Path) -> None:
    assert is_room(run)
    export = room_export(run)
    check_declaration(export)
    found = check(export, convert(export), batches=(1, 3), frames=210)
    assert found["whole"] < 1e-3
