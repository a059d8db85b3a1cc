# Makes the checkpoints beside it, which convert.deno.test.ts converts: `python3 make.py`, with PyTorch (1.13 when they were made).
# `python3 make.py FILE.pt` checks a file that `erwin convert` made of plain.safetensors.
import sys
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

folder = Path(__file__).parent
CONFIG = dict(c_in=2, c_hidden=4, ball_sizes=[8, 4], enc_num_heads=[2, 4], enc_depths=[2, 1], dec_num_heads=[1], dec_depths=[1], strides=[2], rotate=45, mp_steps=1)


class Attention(nn.Module):
    """The parts in the reference's order, which is the order of the optimiser's indices."""

    def __init__(self, width, heads, dimensions):
        super().__init__()
        self.sigma_att = nn.Parameter(-1 + 0.01 * torch.randn(1, heads, 1, 1))
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.pe_proj = nn.Linear(dimensions, width)


class SwiGLU(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.w1, self.w2, self.w3 = nn.Linear(width, 4 * width), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))


class Block(nn.Module):
    def __init__(self, width, heads, dimensions):
        super().__init__()
        self.norm1, self.norm2 = Norm(width), Norm(width)
        self.BMSA = Attention(width, heads, dimensions)
        self.swiglu = SwiGLU(width)


class Between(nn.Module):
    def __init__(self, inputs, outputs, width):
        super().__init__()
        self.proj, self.norm = nn.Linear(inputs, outputs), nn.BatchNorm1d(width)


class Level(nn.Module):
    def __init__(self, width, heads, depth, dimensions, **between):
        super().__init__()
        self.blocks = nn.ModuleList(Block(width, heads, dimensions) for _ in range(depth))
        for name, part in between.items():
            setattr(self, name, part)


class Erwin(nn.Module):
    def __init__(self, c_in, c_hidden, enc_num_heads, enc_depths, dec_num_heads, dec_depths, strides, mp_steps, dimensions=3, **_):
        super().__init__()
        c, [s] = c_hidden, strides
        self.embed = nn.Module()
        self.embed.embed_fn = nn.Linear(c_in, c)
        self.embed.mpnn = nn.Module()
        message = lambda: nn.Sequential(nn.Linear(2 * c + dimensions, c), nn.GELU(), nn.LayerNorm(c))
        self.embed.mpnn.message_fns = nn.ModuleList(message() for _ in range(mp_steps))
        self.embed.mpnn.update_fns = nn.ModuleList(nn.Sequential(nn.Linear(2 * c, c), nn.LayerNorm(c)) for _ in range(mp_steps))
        pool = Between(s * (c + dimensions), s * c, s * c)
        self.encoder = nn.ModuleList([Level(c, enc_num_heads[0], enc_depths[0], dimensions, pool=pool)])
        self.bottleneck = Level(s * c, enc_num_heads[1], enc_depths[1], dimensions)
        unpool = Between(s * c + s * dimensions, s * c, c)
        self.decoder = nn.ModuleList([Level(c, dec_num_heads[0], dec_depths[0], dimensions, unpool=unpool)])


class Experiment(nn.Module):
    def __init__(self):
        super().__init__()
        self.main_model = Erwin(**CONFIG)
        self.pred_head = nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 1))


def check(path):
    written = torch.load(path, weights_only=True)
    plain = torch.load(folder / "plain.pth")
    assert set(written) == set(plain), set(written) ^ set(plain)
    for name, tensor in plain.items():
        assert written[name].dtype == tensor.dtype and torch.equal(written[name], tensor), name
    Erwin(**CONFIG).load_state_dict(written)
    print(f"{len(written)} tensors are the same")


def make():
    torch.manual_seed(0)
    model = Experiment()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.8, 0.99), weight_decay=0.02)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10, eta_min=1e-4)
    for _ in range(3):
        optimizer.zero_grad()
        for name, parameter in model.named_parameters():
            # As where a stride is 1: the pooling never has a gradient.
            if ".pool." not in name:
                parameter.grad = torch.randn_like(parameter)
        optimizer.step()
        scheduler.step()
    state = OrderedDict((f"_orig_mod.{name}", tensor) for name, tensor in model.state_dict().items())
    torch.save(
        {
            "model_state_dict": state,
            "optimizer_state_dict": optimizer.state_dict(),
            "scheduler_state_dict": scheduler.state_dict(),
            "val_loss": torch.tensor(0.5),
            "global_step": 2,
            "config": {"experiment": "cosmology", "data_path": "data", "seed": 4, "lr": 1e-2, **CONFIG},
        },
        folder / "checkpoint.pt",
    )
    torch.save(model.main_model.state_dict(), folder / "plain.pth")
    lightning = {f"model.module.{name}": tensor for name, tensor in model.main_model.state_dict().items()}
    torch.save({"state_dict": lightning, "epoch": 3, "hyper_parameters": {"lr": 1e-2, **CONFIG}}, folder / "lightning.ckpt")


check(sys.argv[1]) if len(sys.argv) > 1 else make()
