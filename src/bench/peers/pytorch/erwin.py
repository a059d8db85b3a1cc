"""The Erwin Transformer in PyTorch, short and with eager mode's plain layers: the peer that the benchmarks compare with.

Parameters bear the reference's names, so a checkpoint loads with strict load_state_dict. Tree and graph are given. All balls of
a level have one size; files.py refuses clouds for which that cannot be.

Shapes: N points, S slots of the tree, D dimensions; at one level n nodes of width d in balls of m, H heads of E = d / H.
"""

from dataclasses import dataclass
from itertools import accumulate
from operator import mul

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RMS_EPS = 2**-23  # whatever the dtype


@dataclass
class Tree:
    """A ball tree over the batch's points, as `erwin tree` writes it; int64, on the model's device."""

    index: Tensor  # [S] point in each slot
    mask: Tensor  # [S] 1 = the point itself, 0 = a duplicate
    rotated: list[Tensor]  # for each level [n] its nodes in the order of the rotated balls; empty without rotation
    balls: list[int]  # for each level the nodes in a ball


@dataclass
class Balls:
    """Where the nodes of one level lie within their balls, which its blocks all share."""

    offsets: Tensor  # [n, D] from the ball's centre
    distances: Tensor  # [n / m, 1, m, m]


@dataclass
class Level:
    balls: Balls
    rotated: Balls | None
    order: Tensor | None  # [n] rotated order
    inverse: Tensor | None  # [n] and back
    children: Tensor | None  # [n / stride, stride D] positions of each group's nodes from their mean


def place_in_balls(positions: Tensor, size: int) -> Balls:
    balls = positions.view(-1, size, positions.shape[1])
    offsets = balls - balls.mean(1, keepdim=True)
    # The distances are computed by subtraction: torch.cdist multiplies matrices, which costs half the digits.
    distances = (balls[:, :, None] - balls[:, None]).square().sum(-1).sqrt()
    return Balls(offsets.flatten(0, 1), distances[:, None])


class BallAttention(nn.Module):
    def __init__(self, width: int, heads: int, dimensions: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.pe_proj = nn.Linear(dimensions, width)
        self.sigma_att = nn.Parameter(-1 + 0.01 * torch.randn(1, heads, 1, 1))

    def forward(self, x: Tensor, balls: Balls) -> Tensor:
        count, _, size, _ = balls.distances.shape
        qkv = self.qkv(x + self.pe_proj(balls.offsets)).view(count, size, self.heads, -1, 3)
        # The fused kernels refuse a stride in the last dimension, so q, k and v are contiguous.
        q, k, v = qkv.permute(4, 0, 2, 1, 3).contiguous().unbind(0)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=self.sigma_att * balls.distances)
        return self.proj(out.transpose(1, 2).reshape(x.shape))


class SwiGLU(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.w1 = nn.Linear(width, hidden)
        self.w2 = nn.Linear(width, hidden)
        self.w3 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.w3(self.w2(x) * F.silu(self.w1(x)))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, ratio: int, dimensions: int):
        super().__init__()
        self.norm1 = nn.RMSNorm(width, RMS_EPS)
        self.norm2 = nn.RMSNorm(width, RMS_EPS)
        self.BMSA = BallAttention(width, heads, dimensions)
        self.swiglu = SwiGLU(width, ratio * width)

    def forward(self, x: Tensor, balls: Balls) -> Tensor:
        x = x + self.BMSA(self.norm1(x), balls)
        return x + self.swiglu(self.norm2(x))


class Layer(nn.Module):
    """Blocks, of which every second one works on the rotated tree's balls, to cross the borders of the others."""

    def __init__(self, depth: int, width: int, heads: int, ratio: int, dimensions: int):
        super().__init__()
        self.blocks = nn.ModuleList(Block(width, heads, ratio, dimensions) for _ in range(depth))

    def forward(self, x: Tensor, level: Level) -> Tensor:
        for i, block in enumerate(self.blocks):
            if i % 2 and level.rotated:
                x = block(x.index_select(0, level.order), level.rotated).index_select(0, level.inverse)
            else:
                x = block(x, level.balls)
        return x


class Pooling(nn.Module):
    def __init__(self, stride: int, fine: int, coarse: int, dimensions: int):
        super().__init__()
        self.stride = stride
        self.proj = nn.Linear(stride * (fine + dimensions), coarse)
        self.norm = nn.BatchNorm1d(coarse)

    def forward(self, x: Tensor, children: Tensor) -> Tensor:
        if self.stride == 1:
            return x
        return self.norm(self.proj(torch.cat([x.view(len(children), -1), children], 1)))


class Unpooling(nn.Module):
    def __init__(self, stride: int, fine: int, coarse: int, dimensions: int):
        super().__init__()
        self.proj = nn.Linear(coarse + stride * dimensions, stride * fine)
        self.norm = nn.BatchNorm1d(fine)

    def forward(self, x: Tensor, skip: Tensor, children: Tensor) -> Tensor:
        return self.norm(skip + self.proj(torch.cat([x, children], 1)).view(skip.shape))


class EncoderLayer(Layer):
    def __init__(self, pool: Pooling, *layer):
        super().__init__(*layer)
        self.pool = pool


class DecoderLayer(Layer):
    def __init__(self, unpool: Unpooling, *layer):
        super().__init__(*layer)
        self.unpool = unpool


class MessagePassing(nn.Module):
    def __init__(self, width: int, steps: int, dimensions: int):
        super().__init__()
        self.message_fns = nn.ModuleList(
            nn.Sequential(nn.Linear(2 * width + dimensions, width), nn.GELU(), nn.LayerNorm(width))
            for _ in range(steps)
        )
        self.update_fns = nn.ModuleList(
            nn.Sequential(nn.Linear(2 * width, width), nn.LayerNorm(width)) for _ in range(steps)
        )

    def forward(self, x: Tensor, positions: Tensor, edges: Tensor) -> Tensor:
        source, target = edges
        offsets = positions.index_select(0, source) - positions.index_select(0, target)
        incoming = x.new_zeros(len(x), 1).index_add_(0, target, x.new_ones(len(target), 1)).clamp_(min=1)
        for message_fn, update_fn in zip(self.message_fns, self.update_fns):
            message = message_fn(torch.cat([x.index_select(0, source), x.index_select(0, target), offsets], 1))
            mean = torch.zeros_like(x).index_add(0, target, message) / incoming
            x = x + update_fn(torch.cat([x, mean], 1))
        return x


class Embedding(nn.Module):
    def __init__(self, channels: int, width: int, steps: int, dimensions: int):
        super().__init__()
        self.embed_fn = nn.Linear(channels, width)
        self.mpnn = MessagePassing(width, steps, dimensions)

    def forward(self, features: Tensor, positions: Tensor, edges: Tensor | None) -> Tensor:
        x = self.embed_fn(features)
        return x if edges is None else self.mpnn(x, positions, edges)


class ErwinTransformer(nn.Module):
    def __init__(
        self,
        c_in: int,
        c_hidden: int | list[int],
        ball_sizes: list[int],
        enc_num_heads: list[int],
        enc_depths: list[int],
        dec_num_heads: list[int],
        dec_depths: list[int],
        strides: list[int],
        rotate: float,
        decode: bool = True,
        mlp_ratio: int = 4,
        dimensionality: int = 3,
        mp_steps: int = 3,
    ):
        super().__init__()
        self.ball_sizes, self.strides, self.rotate, self.mp_steps = ball_sizes, strides, rotate, mp_steps
        widths = c_hidden
        if isinstance(c_hidden, int):
            widths = [c_hidden * factor for factor in accumulate(strides, mul, initial=1)]

        def layer(depth: int, level: int, heads: int):
            return depth, widths[level], heads, mlp_ratio, dimensionality

        def between(level: int):
            return strides[level], widths[level], widths[level + 1], dimensionality

        levels = range(len(strides))
        self.embed = Embedding(c_in, widths[0], mp_steps, dimensionality)
        self.encoder = nn.ModuleList(
            EncoderLayer(Pooling(*between(l)), *layer(enc_depths[l], l, enc_num_heads[l])) for l in levels
        )
        self.bottleneck = Layer(*layer(enc_depths[-1], len(strides), enc_num_heads[-1]))
        self.decoder = nn.ModuleList(
            DecoderLayer(Unpooling(*between(l)), *layer(dec_depths[l], l, dec_num_heads[l]))
            for l in (reversed(levels) if decode else ())
        )

    @torch.no_grad()
    def place(self, positions: Tensor, tree: Tree) -> list[Level]:
        """The geometry of all levels from the positions [S, D] of the slots; it carries no gradient."""
        levels = []
        for l, size in enumerate(tree.balls):
            order = inverse = rotated = children = None
            if self.rotate:
                order = tree.rotated[l]
                inverse = torch.empty_like(order)
                inverse[order] = torch.arange(len(order), device=order.device)
                rotated = place_in_balls(positions.index_select(0, order), size)
            balls = place_in_balls(positions, size)
            if l < len(self.strides):
                groups = positions.view(-1, self.strides[l], positions.shape[1])
                positions = groups.mean(1)
                children = (groups - positions[:, None]).flatten(1)
            levels.append(Level(balls, rotated, order, inverse, children))
        return levels

    def forward(self, features: Tensor, positions: Tensor, edges: Tensor | None, tree: Tree) -> Tensor:
        """
        features [N, c_in], positions [N, D], edges [2, M] (sources, targets; None without message passing).
        Returns [N, c_hidden[0]] in the order of the points; without a decoder the coarsest level's nodes.
        """
        x = self.embed(features, positions, edges if self.mp_steps > 0 else None).index_select(0, tree.index)
        levels = self.place(positions.index_select(0, tree.index), tree)
        skips = []
        for layer, level in zip(self.encoder, levels):
            x = layer(x, level)
            skips.append(x)
            x = layer.pool(x, level.children)
        x = self.bottleneck(x, levels[-1])
        if not self.decoder:
            return x
        for layer, level in zip(self.decoder, levels[-2::-1]):
            x = layer(layer.unpool(x, skips.pop(), level.children), level)
        # The slot of each point. Duplicates are written past the end: a mask as index would make a GPU wait for the host.
        points = len(features)
        slot = tree.index.new_empty(points + 1)
        slot[tree.index.where(tree.mask.bool(), points)] = torch.arange(len(tree.index), device=slot.device)
        return x.index_select(0, slot[:points])
