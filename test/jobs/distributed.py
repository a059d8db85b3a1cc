"""Writes PyTorch's predictions of a cosmology checkpoint for the test split, in the data's units: [halos, 3] in float64.

    python3 distributed.py RUN/config.json CHECKPOINT.pt DATA OUT.npy
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "experiments/peer"))
from data import VELOCITY_MEAN, VELOCITY_STD, read  # noqa: E402
from wrappers import wrappers  # noqa: E402

config, checkpoint, data, out = sys.argv[1:]
model = wrappers["cosmology"](json.loads(Path(config).read_text())["model"])
model.load_state_dict(torch.load(checkpoint)["model_state_dict"])
model.double().eval()
with torch.no_grad():
    predictions = [model.predict([sample]).numpy() for sample in read("cosmology", data, "test")]
np.save(out, np.concatenate(predictions) * VELOCITY_STD + VELOCITY_MEAN)
