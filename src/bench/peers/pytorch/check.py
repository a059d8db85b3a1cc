"""Holds the PyTorch peer against the golden files: outputs, gradients, running statistics, and three steps of AdamW.

    node src/bench/peers/pytorch/run.mjs check.py

Exits with 1 when a number is beyond its tolerance: 1e-5 of the largest magnitude for outputs (5e-5 in train mode), 1e-4 in
relative L2 for each gradient, 1e-5 for losses; in float64, what the golden files' own rounding to float32 leaves.
"""

import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from files import as_input, build_model, read_file, relative_difference

GOLDEN = Path(__file__).resolve().parents[4] / "test" / "golden"

TOLERANCES = {
    torch.float32: {"output": 1e-5, "output in training": 5e-5, "gradients": 1e-4, "statistics": 1e-5, "losses": 1e-5},
    torch.float64: {"output": 1e-9, "output in training": 1e-9, "gradients": 1e-6, "statistics": 1e-6, "losses": 1e-9},
}


def below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def convert(tensors: dict[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    return {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def check_pass(path: Path, dtype: torch.dtype) -> dict[str, float]:
    """Runs one forward and backward pass; returns each error by name."""
    tensors, metadata = read_file(path)
    tensors = convert(tensors, dtype)
    info, training = json.loads(metadata["info"]), metadata["mode"] == "train"
    model = build_model(json.loads(metadata["config"]), below(tensors, "state.")).to(dtype).train(training)
    arguments = as_input(tensors, model, path.name).arguments
    arguments[0].requires_grad_()

    out = model(*arguments)
    (out * tensors["probe"]).sum().backward()
    found = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    expected = below(tensors, "grad.")
    if found.keys() != expected.keys():
        raise ValueError(f"{path.name}: other parameters have gradients: {found.keys() ^ expected.keys()}")
    for name in info["grad_err"]["zero_in_exact_arithmetic"]:
        del found[name]
    found["features"], expected["features"] = arguments[0].grad, tensors["grad_features"]
    errors = {
        "output in training" if training else "output": relative_difference(out.detach(), tensors["out_f64"]),
        "gradients": max(((g - expected[name]).norm() / expected[name].norm()).item() for name, g in found.items()),
    }
    after = below(tensors, "after.")
    if after:
        state = model.state_dict()
        errors["statistics"] = max(relative_difference(state[name], value) for name, value in after.items())
    return errors


def check_steps(path: Path, dtype: torch.dtype) -> dict[str, float]:
    """Runs some steps of AdamW; returns the loss before each."""
    tensors, metadata = read_file(path)
    tensors = convert(tensors, dtype)
    settings = json.loads(metadata["optimizer"])
    del settings["name"]
    model = build_model(json.loads(metadata["config"]), below(tensors, "state.")).to(dtype).train()
    optimizer = torch.optim.AdamW(model.parameters(), **settings)
    arguments = as_input(tensors, model, path.name).arguments
    losses = []
    for _ in tensors["losses_f64"]:
        optimizer.zero_grad()
        loss = F.mse_loss(model(*arguments), tensors["target"])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"losses": relative_difference(torch.tensor(losses, dtype=torch.float64), tensors["losses_f64"])}


def main() -> int:
    failures = 0
    for path in sorted(GOLDEN.glob("*.safetensors")):
        tensors, metadata = read_file(path)
        if metadata["mode"] == "tree":
            continue
        if "tree_idx" not in tensors:
            print(f"{path.stem}: left out, for it brings no tree")
            continue
        check = check_steps if "losses" in tensors else check_pass
        for dtype, tolerances in TOLERANCES.items():
            for name, error in check(path, dtype).items():
                passed = error <= tolerances[name]
                failures += not passed
                kind = str(dtype).removeprefix("torch.")
                print(f"{path.stem}, {kind}: {name} {error:.1e} {'<=' if passed else 'EXCEEDS'} {tolerances[name]:.0e}")
    print(f"PyTorch {torch.__version__}: {failures or 'no'} failures")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
