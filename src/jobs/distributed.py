"""Continues a training of `erwin train` on several devices by PyTorch's DistributedDataParallel, with a process for each device:

    erwin convert run/model.safetensors model.pt
    torchrun --nproc-per-node 2 distributed.py run/config.json data model.pt trained.pt --steps 20 --batch-size 2 --lr 1e-4
    erwin convert trained.pt trained.safetensors
    erwin evaluate --model trained.safetensors --data-path data --split val

The batch size is that of one process. Rank 0 prints the validation loss before and after. Where torchrun does not work (Debian's
PyTorch 1.13 on Python 3.11), start each process with RANK=0, RANK=1, ... and WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=29500.

Model and samples are those with which this repository is compared (src/bench/peers/pytorch, test/experiments/peer), so the four
experiments of the paper can be trained. The reference's own wrappers and data sets can take their places: parameters have the same
names. This runs on processors; for GPUs, initialise "nccl", and move model and samples to cuda:LOCAL_RANK.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "test/experiments/peer"))
from data import read  # noqa: E402
from train import evaluate, save_checkpoint  # noqa: E402
from wrappers import wrappers  # noqa: E402


class Loss(nn.Module):
    """DistributedDataParallel averages gradients over the processes for losses that `forward` returns."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, samples, epoch):
        return self.model.loss(samples, epoch)


def validate(model, samples):
    """The mean loss over all samples, of which each process takes its share."""
    own = samples[dist.get_rank() :: dist.get_world_size()]
    total = torch.tensor([evaluate(model, own, 1)["loss"] * len(own) if own else 0.0], dtype=torch.float64)
    dist.all_reduce(total)
    return total.item() / len(samples)


def train(model, samples, words):
    """Each step takes a batch for each process from a permutation that all processes know."""
    replica = DistributedDataParallel(Loss(model))
    optimizer = torch.optim.AdamW(model.parameters(), lr=words.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, words.steps, words.min_lr)
    batch = words.batch_size * dist.get_world_size()
    per_epoch = len(samples) // batch
    if per_epoch == 0:
        sys.exit(f"a step takes {batch} samples in all processes, but there are {len(samples)}: give a smaller --batch-size")
    model.train()
    for step in range(words.steps):
        epoch, place = divmod(step, per_epoch)
        order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(epoch))
        own = order[place * batch : (place + 1) * batch][dist.get_rank() :: dist.get_world_size()]
        optimizer.zero_grad()
        replica([samples[i] for i in own], epoch).backward()
        optimizer.step()
        schedule.step()
    # Each process has its own running statistics of the last batch; those of rank 0 are saved.
    for buffer in model.buffers():
        dist.broadcast(buffer, 0)
    return optimizer, schedule


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path, help="config.json of the run")
    parser.add_argument("data", help="the data set")
    parser.add_argument("weights", help="the state_dict that erwin convert has written")
    parser.add_argument("out", help="where the checkpoint is written")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--min-lr", type=float, default=1e-6)
    words = parser.parse_args()
    dist.init_process_group("gloo")
    run = json.loads(words.config.read_text())
    name = run["experiment"]

    model = wrappers[name](run["model"])
    model.load_state_dict(torch.load(words.weights))
    held_out = read(name, words.data, "val")
    before = validate(model, held_out)
    optimizer, schedule = train(model, read(name, words.data, "train"), words)
    after = validate(model, held_out)
    if dist.get_rank() == 0:
        save_checkpoint(words.out, name, words, words.steps - 1, model, optimizer, schedule)
        print(json.dumps({"processes": dist.get_world_size(), "before": before, "after": after}))


if __name__ == "__main__":
    main()
