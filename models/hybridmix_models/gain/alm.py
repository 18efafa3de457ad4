"""AiLive Mixer: the multi-rate and the single-rate network of the paper.

Source: "AiLive Mixer" (arXiv 2603.15995): embedding, encoder across tracks, RMS of the frame joined through
linear and PReLU, encoder, GRU along time, encoder, MLP, gain through ReLU. The paper does not say how the RMS
is joined; here it is appended to the embedding, in dB.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hybridmix_models.gain.features import FLOOR_DB, STRIDE, newest_patch
from hybridmix_models.gain.network import GainNetwork, State, at_frames
from hybridmix_models.gain.parts import WIDTH, Encoder, LinearGain, Mlp, cleaned, gru_step, scaled_level

__all__ = ["HIDDEN", "AlmMr", "AlmSr", "Core"]

HIDDEN = State("hidden", (WIDTH,), torch.float32, "-1 to 1", "memory of the recurrent layer")
_POWER = State("power", (), torch.float32, "mean square", "sum over the frames since the last decision")
_COUNT = State("count", (), torch.int64, "frames", "frames since the last decision")
_HELD = State("held", (), torch.float32, "dB", "gain of the last decision")


class Core(nn.Module):
    """From embeddings and ``levels`` numbers a frame to one number a frame, ready to become a gain."""

    def __init__(self, levels: int = 1) -> None:
        super().__init__()
        self.encoder_1 = Encoder()
        self.join = nn.Sequential(nn.Linear(WIDTH + levels, WIDTH), nn.PReLU())
        self.encoder_2 = Encoder()
        self.gru = nn.GRU(WIDTH, WIDTH, batch_first=True)
        self.encoder_3 = Encoder()
        self.mlp = Mlp()

    def heard(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Run encoder 1 on (b, n, S, 128) and on zeros before it: (b, 1 + S, n, 128)."""
        slots = nn.functional.pad(cleaned(embeddings.transpose(1, 2), mask[:, None]), (0, 0, 0, 0, 1, 0))
        out: Tensor = self.encoder_1(slots, mask[:, None].expand(slots.shape[:-1]))
        return out

    def sequence(self, heard: Tensor, levels: Tensor, mask: Tensor) -> Tensor:
        """Run what follows along time.

        Args:
            heard: (b, T, n, 128), encoder 1 at every frame.
            levels: (b, T, n, levels).
            mask: (b, n) bool.

        Returns:
            (b, n, T).
        """
        batch, frames, tracks, _ = heard.shape
        spread = mask[:, None].expand(batch, frames, tracks)
        x = self.encoder_2(self.join(torch.cat([heard, cleaned(levels, spread)], dim=-1)), spread)
        remembered, _ = self.gru(x.transpose(1, 2).reshape(batch * tracks, frames, WIDTH))
        x = self.encoder_3(remembered.reshape(batch, tracks, frames, WIDTH).transpose(1, 2), spread)
        out: Tensor = self.mlp(x)
        return out[..., 0].transpose(1, 2)

    def advance(
        self, embedding: Tensor, levels: Tensor, mask: Tensor, hidden: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Do the same for one frame.

        Args:
            embedding: (n, 128), before encoder 1.
            levels: (n, levels).
            mask: (n,) bool.
            hidden: (n, 128).

        Returns:
            (n,) and the new hidden, which rows that the mask leaves out keep.
        """
        # Memory is never beyond 1; not-a-number compares false.
        hidden = torch.where(hidden.abs() <= 1.0, hidden, 0.0)
        heard = self.encoder_1(cleaned(embedding, mask), mask)
        x = self.encoder_2(self.join(torch.cat([heard, cleaned(levels, mask)], dim=-1)), mask)
        advanced = gru_step(self.gru, x, cleaned(hidden, mask))
        raw: Tensor = self.mlp(self.encoder_3(advanced, mask))
        return raw[:, 0], torch.where(mask[:, None], advanced, hidden)


class AlmMr(GainNetwork):
    """Multi-rate: embeddings every 300 ms, levels and gains every 50 ms."""

    normalised = True
    states = (HIDDEN,)

    def __init__(self) -> None:
        super().__init__()
        self.core = Core()
        self.core.mlp.begin(LinearGain.START, LinearGain.WEIGHT_SCALE)
        self.gain = LinearGain()

    def decide(
        self,
        embeddings: Tensor,
        level_db: Tensor,
        energy: Tensor,  # noqa: ARG002
        mask: Tensor,
        phase: int = STRIDE - 1,
    ) -> Tensor:
        """See `GainNetwork.decide`; ``energy`` is not used."""
        heard = at_frames(self.core.heard(embeddings, mask), level_db.shape[2], phase)
        raw = self.core.sequence(heard, scaled_level(level_db).transpose(1, 2)[..., None], mask)
        return torch.where(mask[..., None], self.gain(raw), 0.0)

    def step(
        self,
        embedding: Tensor,
        level_db: Tensor,
        energy: Tensor,  # noqa: ARG002
        mask: Tensor,
        *state: Tensor,
    ) -> tuple[Tensor, ...]:
        """See `GainNetwork.step`; ``energy`` is not used."""
        raw, hidden = self.core.advance(embedding, scaled_level(level_db)[:, None], mask, *state)
        return torch.where(mask, self.gain(raw), 0.0), hidden

    def raise_by(self, level_db: float) -> None:
        """See `GainNetwork.raise_by`."""
        self.core.mlp.scale(LinearGain.amplitude(level_db))


class AlmSr(GainNetwork):
    """Single-rate: one decision for every window of audio, held until the next; 0 dB before the first.

    The paper's windows of 975 ms follow each other; here a decision falls every 900 ms, the nearest whole
    number of patches, so windows share 8 %, and all networks of the table share their patches.
    """

    normalised = True
    states = (HIDDEN, _POWER, _COUNT, _HELD)
    #: F2 frames from decision to decision.
    PERIOD = 3 * STRIDE

    def __init__(self) -> None:
        super().__init__()
        self.core = Core()
        self.core.mlp.begin(LinearGain.START, LinearGain.WEIGHT_SCALE)
        self.gain = LinearGain()

    def decide(
        self,
        embeddings: Tensor,
        level_db: Tensor,
        energy: Tensor,  # noqa: ARG002
        mask: Tensor,
        phase: int = STRIDE - 1,
    ) -> Tensor:
        """See `GainNetwork.decide`; ``energy`` is not used."""
        frames = level_db.shape[2]
        count = frames // self.PERIOD
        newest = newest_patch(frames, phase)[self.PERIOD - 1 :: self.PERIOD]
        taken = torch.from_numpy(newest).to(embeddings.device)
        heard = self.core.heard(embeddings[:, :, taken], mask)[:, 1:]
        power = 10.0 ** (level_db[..., : count * self.PERIOD] / 10.0)
        level = self._level(power.reshape(*power.shape[:2], count, self.PERIOD).mean(dim=3))
        decided = self.gain(self.core.sequence(heard, level.transpose(1, 2)[..., None], mask))
        held = nn.functional.pad(decided, (1, 0))[..., (torch.arange(frames) + 1) // self.PERIOD]
        return torch.where(mask[..., None], held, 0.0)

    def step(
        self,
        embedding: Tensor,
        level_db: Tensor,
        energy: Tensor,  # noqa: ARG002
        mask: Tensor,
        *state: Tensor,
    ) -> tuple[Tensor, ...]:
        """See `GainNetwork.step`; ``energy`` is not used."""
        hidden, power, count, held = state
        power = torch.where(mask, power + 10.0 ** (level_db / 10.0), power)
        count = torch.where(mask, count + 1, count)
        due = mask & (count >= self.PERIOD)
        raw, advanced = self.core.advance(embedding, self._level(power / self.PERIOD)[:, None], mask, hidden)
        held = torch.where(due, self.gain(raw), held)
        return (
            torch.where(mask, held, 0.0),
            torch.where(due[:, None], advanced, hidden),
            torch.where(due, 0.0, power),
            torch.where(due, 0, count),
            held,
        )

    def raise_by(self, level_db: float) -> None:
        """See `GainNetwork.raise_by`."""
        self.core.mlp.scale(LinearGain.amplitude(level_db))

    @staticmethod
    def _level(power: Tensor) -> Tensor:
        return scaled_level(10.0 * torch.log10(power.clamp(min=10.0 ** (FLOOR_DB / 10.0))))
