"""Safetensors files: the wrapper's tensors, with its Erwin's config in the metadata."""

import json
import struct
from pathlib import Path

import numpy as np
import torch

NAMES = {torch.float32: "F32", torch.int64: "I64"}
TYPES = {"F32": "<f4", "I64": "<i8"}


def read_weights(path):
    """The tensors by name, and the config."""
    data = Path(path).read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__")
    state = {}
    for name, entry in header.items():
        first, end = (8 + size + offset for offset in entry["data_offsets"])
        state[name] = torch.from_numpy(np.frombuffer(data[first:end], TYPES[entry["dtype"]]).reshape(entry["shape"]).copy())
    return state, json.loads(metadata["config"])


def write_weights(path, model, experiment):
    """float64 is rounded to float32."""
    header = {"__metadata__": {"config": json.dumps(model.config), "experiment": experiment}}
    content = []
    at = 0
    for name, tensor in model.state_dict().items():
        tensor = tensor.float() if tensor.is_floating_point() else tensor
        array = tensor.numpy()
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        content.append(array.tobytes())
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(content))
