"""What the peer's Erwin uses of PyTorch 2.4, for PyTorch 1.13; and the path to it."""

import math
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "src/bench/peers/pytorch"))


class RMSNorm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


if not hasattr(nn, "RMSNorm"):
    nn.RMSNorm = RMSNorm
if not hasattr(F, "scaled_dot_product_attention"):
    F.scaled_dot_product_attention = lambda q, k, v, attn_mask: (
        (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + attn_mask).softmax(-1) @ v
    )
if int(torch.__version__.split(".")[0]) < 2:
    where = torch.Tensor.where
    torch.Tensor.where = lambda x, condition, other: where(x, condition, torch.as_tensor(other))
