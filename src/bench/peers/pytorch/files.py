"""Reads a benchmark's checkpoint and inputs, whose names are those that the erwin command line reads and writes."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from erwin import ErwinTransformer, Tree


class InputError(Exception):
    """A file that cannot be used; the message says why."""


class UnsuitableInput(InputError):
    """A valid input that this model cannot run."""


@dataclass
class Input:
    """One batch; `arguments` are those of ErwinTransformer.forward."""

    arguments: tuple[Tensor, Tensor, Tensor | None, Tree]
    tensors: dict[str, Tensor]  # all tensors of the file


def read_file(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Returns a file's tensors and metadata."""
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}


def build_model(config: dict, state: dict[str, Tensor]) -> ErwinTransformer:
    """Makes a model with the weights of `state`; names that differ are an error."""
    model = ErwinTransformer(**config)
    model.load_state_dict(state)
    return model


def load_model(path: Path) -> ErwinTransformer:
    """Loads a checkpoint that carries its config, as ErwinTransformer.save writes it."""
    state, metadata = read_file(path)
    if "config" not in metadata:
        raise InputError(f"{path} carries no config in its metadata: save it with erwin")
    return build_model(json.loads(metadata["config"]), state)


def as_input(tensors: dict[str, Tensor], model: ErwinTransformer, file: str, device: str = "cpu") -> Input:
    """Checks all that the model relies on."""
    needed = ["node_features", "node_positions", "tree_idx", "tree_mask"]
    needed += ["edge_index"] if model.mp_steps > 0 else []
    needed += [f"tree_idx_rot.{level}" for level in range(len(model.ball_sizes))] if model.rotate else []
    missing = [name for name in needed if name not in tensors]
    if missing:
        raise InputError(f"{file} has no {', '.join(missing)}: src/bench/peers/cases.ts writes whole inputs")
    points = len(tensors["node_positions"])
    batch = tensors.get("batch_idx", torch.zeros(points)).long()
    sizes = torch.bincount(batch).tolist()
    balls = ball_sizes(sizes, model, file)

    def index(name: str) -> Tensor:
        return tensors[name].long().to(device)

    rotated = [index(name) for name in needed if name.startswith("tree_idx_rot.")]
    tree = Tree(index("tree_idx"), index("tree_mask"), rotated, balls)
    features, positions = (tensors[name].to(device) for name in ("node_features", "node_positions"))
    edges = index("edge_index") if "edge_index" in needed else None
    return Input((features, positions, edges, tree), tensors)


def ball_sizes(clouds: list[int], model: ErwinTransformer, file: str) -> list[int]:
    """Returns the nodes in a ball at each level: all nodes of a small cloud. PyTorch's side needs one size for all clouds."""
    nodes = [2 << max(0, (points - 1).bit_length() - 1) for points in clouds]
    sizes = []
    for level, largest in enumerate(model.ball_sizes):
        found = {min(largest, count) for count in nodes}
        if len(found) > 1:
            raise UnsuitableInput(
                f"{file}: its clouds have balls of {sorted(found)} nodes at level {level}; PyTorch's side needs balls of one "
                "size: give larger clouds, or clouds of one size"
            )
        sizes += found
        stride = model.strides[level] if level < len(model.strides) else 1
        if min(nodes) < stride:
            raise UnsuitableInput(f"{file}: a cloud has fewer nodes than the stride {stride} of level {level}")
        nodes = [count // stride for count in nodes]
    return sizes


def relative_difference(found: Tensor, expected: Tensor) -> float:
    """Returns the max difference, relative to the largest magnitude."""
    found, expected = found.double().cpu(), expected.double().cpu()
    return ((found - expected).abs().max() / expected.abs().max()).item()
