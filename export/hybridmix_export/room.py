"""The room network as an export."""

from __future__ import annotations

from pathlib import Path

import torch

from hybridmix.errors import InputError
from hybridmix_export.catalogue import Export, Size, Tensor
from hybridmix_export.trials import RoomTrial
from hybridmix_models.evaluation.mixers import weights_sha256
from hybridmix_models.room import RoomNetwork, RoomStep
from hybridmix_models.room.network import OCTAVES_HZ, RANGES, SIZES
from hybridmix_models.training import checkpoint

__all__ = ["NAME", "is_room", "room_export"]

#: Name of the run's settings and of the file.
NAME = "room"
#: How far runtimes may differ, as a share of an output's range.
_OF_RANGE = 1e-4
_STATES = {
    "past": ("full scale 1", "last samples, for the next window"),
    "seen": ("20 dB", "levels of the last 730 ms"),
    "begun": ("flag", "1 once a frame came"),
    "loudest": ("dB above -70 dBFS", "loudest level so far, sinking by 0.5 dB/s"),
    "memory": ("1", "state of the recurrent layer"),
    "found": ("1", "what was found so far, fading over 20 s"),
    "weight": ("1", "how much it was"),
}


def is_room(folder: Path) -> bool:
    """Whether the run in ``folder`` is one of the room network. Raises InputError where there is no run."""
    return bool(checkpoint.read(folder / "best.pt").get("settings", {}).get("name") == NAME)


def load_network(path: Path) -> tuple[RoomNetwork, dict[str, object]]:
    """Return the room network in the file ``best.pt`` and what the file says of its training. Raises InputError."""
    content = checkpoint.read(path)
    network = RoomNetwork()
    try:
        network.load_state_dict(content.pop("state"))
    except (RuntimeError, KeyError) as error:
        raise InputError(
            f"model file {path} does not fit the room network ({error}); train it again"
        ) from None
    return network.eval(), content


def room_export(folder: Path) -> Export:
    """Return the room network of the run in ``folder``. Raises InputError."""
    network, said = load_network(folder / "best.pt")

    def value(name: str, size: int | None, unit: str, meaning: str, width: float) -> Tensor:
        shape: tuple[Size, ...] = ("n",) if size is None else ("n", size)
        return Tensor(name, torch.float32, shape, unit, meaning, tolerance=_OF_RANGE * width)

    octaves = len(OCTAVES_HZ)
    shapes: dict[str, tuple[Size, ...]] = {
        name: ("n",) if size is None else ("n", size) for name, size in SIZES.items()
    }
    return Export(
        name=NAME,
        build=lambda: RoomStep(network),
        summary="Room: reverberation time per octave, direct-to-reverberant ratio and pre-delay of each track, each "
        "with its spread, from the decays of third octaves.",
        source="A convolutional recurrent network on third-octave levels (IEC 61260-1) with Laplace outputs; docs/room.md",
        inputs=(
            Tensor("audio", torch.float32, ("n", 800), "full scale 1", "the frame of 50 ms at 16 kHz"),
            *(
                Tensor(name, torch.float32, shapes[name], unit, meaning, f"{name}_out")
                for name, (unit, meaning) in _STATES.items()
            ),
        ),
        outputs=(
            value(
                "t60_s",
                octaves,
                "s",
                "median, octaves 125 Hz to 8 kHz (of the last what lies below 7.5 kHz)",
                3.9,
            ),
            value(
                "t60_spread",
                octaves,
                "1",
                "spread b of the Laplace distribution of its natural logarithm",
                4.5,
            ),
            value("reverb_level", None, "1", "level of the reverberation beside the direct sound", 4.0),
            value(
                "drr_db", None, "dB", "median of the direct-to-reverberant ratio, direct within 2.5 ms", 40.0
            ),
            value("drr_spread_db", None, "dB", "its spread", 45.0),
            value("predelay_ms", None, "ms", "median of the time to the first strong reflection", 100.0),
            value("predelay_spread", None, "1", "spread of its natural logarithm", 4.5),
            *(
                Tensor(
                    f"{name}_out",
                    torch.float32,
                    shapes[name],
                    unit,
                    "state for the next frame",
                    tolerance=1e-3,
                )
                for name, (unit, _) in _STATES.items()
            ),
        ),
        limits=(
            "Music that rings by itself (long releases, drums with long decays) is heard as a room; the spread tells "
            "most of it, not all.",
            "Above 3 s it only tells that the room is long. Begin with zeros; the first 2 s tell little.",
            "Inputs must be finite.",
        ),
        out_of_scope=("Speech recognition, identification of rooms or of persons.",),
        trial=RoomTrial(network),
        ranges=dict(RANGES),
        data=(
            "sessions rendered from the Groove MIDI Dataset (Google, CC BY 4.0) and parts written by rules, through the "
            "sound font FluidR3 GM (Frank Wen and contributors, MIT) and a formant voice; in rooms simulated by "
            "pyroomacoustics (MIT) and in shaped noise",
        ),
        facts={
            "trained": True,
            "weights_sha256": weights_sha256(network),
            "training": {
                "command": "hybridmix models train-room",
                "settings": said["settings"],
                "validation": said["best"],
            },
        },
    )
