"""Trains an experiment's wrapper in PyTorch, from given weights, over its samples in the order of the files, and writes down what
the engine must find: the loss of each step, and evaluation with the weights at the beginning and at the end.

    python3 train.py NAME DATA INIT.safetensors --steps 20 --batch-size 4 --lr 5e-4 --min-lr 1e-6 --out FOLDER [--evaluate]

FOLDER/expected.json has the losses in float64 and in float32. With --evaluate it has the numbers of validation and test too, and
FOLDER/final.safetensors the weights of the float64 run, rounded. With --checkpoint K, FOLDER/checkpoint.pt is what the reference
saves after K steps, as it saves it.

    python3 train.py NAME DATA INIT.safetensors --compare RUN ...

compares the losses with those in the metrics.jsonl of a run that `erwin train --shuffle off --log-every 1` made.

Needs NumPy, h5py and PyTorch 1.13 or later. With OMP_NUM_THREADS=1 the numbers do not depend on the machine's cores.
"""

import argparse
import json
from pathlib import Path

import torch

from data import read
from weights import read_weights, write_weights
from wrappers import wrappers


def load_model(name, path, dtype):
    state, config = read_weights(path)
    model = wrappers[name](config)
    model.load_state_dict(state)
    return model.to(dtype)


def train(model, samples, steps, batch_size, lr, min_lr, order=None, after_step=None):
    """The loss and the learning rate of each step; `order(epoch)` permutes the samples, what fills no batch is left out."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, min_lr)
    per_epoch = len(samples) // batch_size
    losses, rates = [], []
    for step in range(steps):
        epoch, batch = divmod(step, per_epoch)
        indices = order(epoch) if order else range(len(samples))
        chosen = [samples[i] for i in indices[batch * batch_size : (batch + 1) * batch_size]]
        rates.append(schedule.get_last_lr()[0])
        optimizer.zero_grad()
        loss = model.loss(chosen, epoch)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if after_step:
            after_step(step, model, optimizer, schedule)
    return losses, rates


def rounded_tensors(value):
    """float64 tensors as float32, wherever they are."""
    if isinstance(value, dict):
        return type(value)((key, rounded_tensors(item)) for key, item in value.items())
    return value.float() if isinstance(value, torch.Tensor) and value.dtype == torch.float64 else value


def save_checkpoint(path, name, words, step, model, optimizer, schedule):
    """The reference's own training checkpoint; `step` counts from 0."""
    config = {"experiment": name, "num_epochs": words.steps, "batch_size": words.batch_size, "lr": words.lr, "seed": 0}
    checkpoint = {
        "model_state_dict": rounded_tensors(model.state_dict()),
        "optimizer_state_dict": rounded_tensors(optimizer.state_dict()),
        "scheduler_state_dict": schedule.state_dict(),
        "val_loss": torch.tensor(0.5),
        "global_step": step,
        "config": config | model.config,
    }
    torch.save(checkpoint, path)


@torch.no_grad()
def evaluate(model, samples, batch_size):
    """Means over batches, each counted by its clouds."""
    model.eval()
    sums = {}
    for first in range(0, len(samples), batch_size):
        batch = samples[first : first + batch_size]
        for name, value in model.numbers(batch).items():
            sums[name] = sums.get(name, 0) + value.item() * len(batch) / len(samples)
    return sums


@torch.no_grad()
def evaluate_rollout(model, samples):
    """Each trajectory alone from frame 100 to its end, and the running means of the errors, averaged over the trajectories."""
    model.eval()
    curves = [model.curves([sample], len(sample[0]) - 101) for sample in samples]
    averaged = {}
    for name in curves[0][0]:
        numbers = [torch.stack([step[name] for step in curve]) for curve in curves]
        running = [values.cumsum(0) / torch.arange(1, len(values) + 1) for values in numbers]
        averaged[name] = [
            torch.stack([curve[step] for curve in running if len(curve) > step]).mean().item()
            for step in range(max(map(len, running)))
        ]
        averaged[f"mean_{name}"] = torch.stack([values.mean() for values in numbers]).mean().item()
    return {
        **{name: averaged[f"mean_{name}"] for name in curves[0][0]},
        "rollout": {"velocity": averaged["loss_velocity"], "pressure": averaged["loss_presure"]},
    }


def evaluate_splits(name, data, model, batch_size):
    splits = {split: read(name, data, split) for split in ("val", "test")}
    found = {split: evaluate(model, samples, batch_size) for split, samples in splits.items()}
    if name == "eagle":
        found["test"] = evaluate_rollout(model, splits["test"])
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=wrappers)
    parser.add_argument("data")
    parser.add_argument("init")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--min-lr", type=float, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--checkpoint", type=int)
    parser.add_argument("--compare", type=Path)
    words = parser.parse_args()
    name, batch_size, settings = words.name, words.batch_size, (words.steps, words.batch_size, words.lr, words.min_lr)
    samples = read(name, words.data, "train")

    model = load_model(name, words.init, torch.float64)
    before = evaluate_splits(name, words.data, model, batch_size) if words.evaluate else None
    if words.out:
        words.out.mkdir(parents=True, exist_ok=True)

    def after_step(step, *state):
        if step + 1 == words.checkpoint:
            save_checkpoint(words.out / "checkpoint.pt", name, words, step, *state)

    losses, rates = train(model, samples, *settings, after_step=after_step)
    rounded, _ = train(load_model(name, words.init, torch.float32), samples, *settings)
    apart = lambda found: max(abs(a - b) / abs(b) for a, b in zip(found, losses, strict=True))  # noqa: E731
    print(f"{name}: losses {losses[0]:.6f} to {losses[-1]:.6f}; in float32 at most {apart(rounded):.1e} off")
    if words.compare:
        lines = map(json.loads, (words.compare / "metrics.jsonl").read_text().splitlines())
        print(f"{words.compare}: at most {apart([line['loss'] for line in lines if line['kind'] == 'training']):.1e} off")
    if not words.out:
        return
    expected = {
        **{"experiment": name, "torch": torch.__version__, "steps": words.steps, "batch_size": batch_size},
        **{"lr": words.lr, "min_lr": words.min_lr, "losses_f64": losses, "losses_f32": rounded, "lr_used": rates},
    }
    if words.evaluate:
        write_weights(words.out / "final.safetensors", model, name)
        final = load_model(name, words.out / "final.safetensors", torch.float64)
        expected |= {"init_f64": before, "final_f64": evaluate_splits(name, words.data, final, batch_size)}
    (words.out / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
