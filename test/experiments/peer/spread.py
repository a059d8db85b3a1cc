"""How far seeds take shapenet apart: the validation loss after training from the paper's initialisation, for each seed, by PyTorch.
spread.mjs says the same of the engine.

    erwin generate shapenet --samples 40 --points 200 --out DATA
    OMP_NUM_THREADS=1 python3 spread.py DATA --steps 300 --seeds 0 1 2
"""

import argparse
import json
from pathlib import Path

import torch
from torch import nn

from data import read
from train import evaluate, train
from wrappers import wrappers

CONFIG = json.loads((Path(__file__).parent / "spread.json").read_text())


def initialise(module):
    """Of the main model alone; the wrapper's layers keep PyTorch's own initialisation."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    words = parser.parse_args()
    train_cars, test_cars = (read("shapenet", words.data, split) for split in ("train", "test"))
    for seed in words.seeds:
        torch.manual_seed(seed)
        model = wrappers["shapenet"](CONFIG)
        model.main_model.apply(initialise)
        orders = {}
        order = lambda epoch: orders.setdefault(epoch, torch.randperm(len(train_cars)).tolist())  # noqa: B023, E731
        train(model, train_cars, words.steps, 2, 1e-3, 5e-5, order)
        found = evaluate(model, test_cars, 2)
        print(f"seed {seed}: validation loss {found['loss']:.5f}, mse {found['mse']:.2f}", flush=True)


if __name__ == "__main__":
    main()
