"""How far seeds take shapenet apart: the validation loss after training from the paper's initialisation, for each seed.

    erwin generate shapenet --samples 40 --points 300 --out DATA
    OMP_NUM_THREADS=1 python3 spread.py DATA --steps 300 --seeds 0 1 2

The engine's own, over the same cars:

    erwin train shapenet --data-path DATA --validation test --steps 300 --validate-every 300 --seed 0 --backend cpu --out RUN
"""

import argparse

import torch
from torch import nn

from data import read
from train import evaluate, train
from wrappers import wrappers

SMALL = {
    **{"c_in": 64, "c_hidden": [64, 64], "ball_sizes": [256, 256], "enc_num_heads": [8, 8], "enc_depths": [6, 6]},
    **{"dec_num_heads": [8], "dec_depths": [6], "strides": [1], "rotate": 45},
}


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
        model = wrappers["shapenet"](SMALL)
        model.main_model.apply(initialise)
        orders = {}
        order = lambda epoch: orders.setdefault(epoch, torch.randperm(len(train_cars)).tolist())  # noqa: B023, E731
        train(model, train_cars, words.steps, 2, 1e-3, 5e-5, order)
        found = evaluate(model, test_cars, 2)
        print(f"seed {seed}: validation loss {found['loss']:.5f}, mse {found['mse']:.2f}", flush=True)


if __name__ == "__main__":
    main()
