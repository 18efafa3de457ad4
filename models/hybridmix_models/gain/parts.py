"""What the gain networks are made of.

Masks are finite (-1e4 is added to a score) and rows are cleaned by `torch.where`, never by multiplication:
whatever a masked row holds, even NaN, reaches nobody, and with every row masked nothing becomes NaN.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["WIDTH", "Encoder", "LinearGain", "Mlp", "cleaned", "gru_step", "scaled_level"]

#: Width of embeddings and of everything after them.
WIDTH = 128
_HEADS = 2
#: The paper does not state the width of the feed-forward layer; four times the model's is the usual choice.
_FEED_FORWARD = 512
_MASKED_SCORE = -1e4


def cleaned(values: Tensor, mask: Tensor) -> Tensor:
    """Return ``values`` (..., n, width) with 0 in the rows that ``mask`` (..., n) leaves out."""
    return torch.where(mask[..., None], values, 0.0)


def scaled_level(level_db: Tensor) -> Tensor:
    """Return dBFS as a number about 0: -100 becomes -3, -40 becomes 0, 0 becomes 2."""
    return level_db / 20.0 + 2.0


class Encoder(nn.Module):
    """One transformer encoder layer across tracks, post-norm, two heads.

    Written out, because nn.TransformerEncoderLayer is exported with the track count of the example.
    """

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.joined = nn.Linear(WIDTH, WIDTH)
        self.norm_attention = nn.LayerNorm(WIDTH)
        self.wide = nn.Linear(WIDTH, _FEED_FORWARD)
        self.narrow = nn.Linear(_FEED_FORWARD, WIDTH)
        self.norm_feed_forward = nn.LayerNorm(WIDTH)
        nn.init.xavier_uniform_(self.qkv.weight)
        nn.init.zeros_(self.qkv.bias)
        nn.init.zeros_(self.joined.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Let the tracks of (..., n, 128) see those that ``mask`` (..., n) counts."""
        heads = [part.unflatten(-1, (_HEADS, -1)).transpose(-3, -2) for part in self.qkv(x).chunk(3, dim=-1)]
        query, key, value = heads
        scores = torch.matmul(query, key.transpose(-2, -1)) / math.sqrt(WIDTH // _HEADS)
        shut = torch.where(mask, 0.0, _MASKED_SCORE)[..., None, None, :]
        seen = torch.matmul(torch.softmax(scores + shut, dim=-1), value)
        x = self.norm_attention(x + self.joined(seen.transpose(-3, -2).flatten(-2)))
        fed: Tensor = self.narrow(torch.relu(self.wide(x)))
        out: Tensor = self.norm_feed_forward(x + fed)
        return out


class Mlp(nn.Sequential):
    """128-64-32 with PReLU and one number out: (..., inputs) -> (..., 1)."""

    def __init__(self, inputs: int = WIDTH) -> None:
        super().__init__(
            nn.Linear(inputs, 128),
            nn.PReLU(),
            nn.Linear(128, 64),
            nn.PReLU(),
            nn.Linear(64, 32),
            nn.PReLU(),
            nn.Linear(32, 1),
        )

    @torch.no_grad()
    def begin(self, value: float, scale: float) -> None:
        """Let the output begin near ``value``: bias ``value``, last weights times ``scale``."""
        last = self[-1]
        assert isinstance(last, nn.Linear)
        last.weight.mul_(scale)
        last.bias.fill_(value)

    @torch.no_grad()
    def scale(self, factor: float) -> None:
        """Let the output be ``factor`` times what it was."""
        last = self[-1]
        assert isinstance(last, nn.Linear)
        last.weight.mul_(factor)
        last.bias.mul_(factor)


class LinearGain(nn.Module):
    """The paper's last step, a gain through ReLU, in dB.

    With a plain ReLU all outputs of a song die in one of three runs, at the start or when the mix begins too
    loud. So outputs begin at 0.35 (last weights times 0.3), and in training the gradient below 0 is a tenth,
    not nothing; forward it is the paper's ReLU.
    """

    START = 0.35
    WEIGHT_SCALE = 0.3
    LEAK = 0.1
    #: Bounds of the gain in dB, those of the declared parameter.
    MIN_DB, MAX_DB = -80.0, 36.0

    @staticmethod
    def amplitude(level_db: float) -> float:
        """Return what ``raw`` is multiplied by for a gain that is ``level_db`` higher."""
        return float(10.0 ** (level_db / 20.0))

    def forward(self, raw: Tensor) -> Tensor:
        """Turn any real number into a gain in dB, -80 to 36."""
        lowest, highest = 10.0 ** (self.MIN_DB / 20.0), 10.0 ** (self.MAX_DB / 20.0)
        gain = raw.clamp(lowest, highest)
        if self.training:
            gain = gain + self.LEAK * torch.where(gain == raw, 0.0, raw - raw.detach())
        return (20.0 / math.log(10.0)) * torch.log(gain)


def gru_step(gru: nn.GRU, x: Tensor, hidden: Tensor) -> Tensor:
    """Advance the one layer of ``gru`` by one step: x (n, inputs), hidden (n, width) -> (n, width)."""
    given = nn.functional.linear(x, gru.get_parameter("weight_ih_l0"), gru.get_parameter("bias_ih_l0"))
    kept = nn.functional.linear(hidden, gru.get_parameter("weight_hh_l0"), gru.get_parameter("bias_hh_l0"))
    reset_x, update_x, new_x = given.chunk(3, dim=-1)
    reset_h, update_h, new_h = kept.chunk(3, dim=-1)
    update = torch.sigmoid(update_x + update_h)
    new = torch.tanh(new_x + torch.sigmoid(reset_x + reset_h) * new_h)
    return (1.0 - update) * new + update * hidden
