# Makes expected.json beside it: losses of the values that are not NaN, and their gradients by autograd, a library of Python.
# pip install autograd
import json
from pathlib import Path

import autograd.numpy as np
from autograd import grad

nan = float("nan")
random = np.random.default_rng(0)
# Two clouds of four and three points with two components each, and a third of which nothing is known. Float32 holds these numbers.
sizes = [4, 3, 2]
truth = random.integers(-40, 41, (9, 2)) / 8
truth[[0, 2, 3], [1, 0, 1]] = nan
truth[5] = nan
truth[7:] = nan
output = random.integers(-40, 41, (9, 4)) / 8 / [1, 1, 4, 4]
known = ~np.isnan(truth)
wanted = np.where(known, truth, 0)
clouds = np.repeat(np.arange(3), sizes)


def mse(output):
    return np.mean((output[:, :2][known] - wanted[known]) ** 2)


def gaussian(output):
    deviation = 1e-6 + np.log1p(np.exp(output[:, 2:][known]))
    distance = (wanted[known] - output[:, :2][known]) / deviation
    return np.mean(distance**2 / 2 + np.log(deviation) + np.log(2 * np.pi) / 2)


def relative_l2(output):
    # Of the first two clouds: nothing is known of the third.
    parts = [known & (clouds == cloud)[:, None] for cloud in (0, 1)]
    errors = [np.sqrt(np.sum((output[:, :2][part] - wanted[part]) ** 2) / np.sum(wanted[part] ** 2)) for part in parts]
    return (errors[0] + errors[1]) / 2


expected = {
    "sizes": sizes,
    "truth": [None if np.isnan(value) else value for value in truth.flatten()],
    "output": output.flatten().tolist(),
    "losses": {
        loss.__name__: {"loss": float(loss(output)), "gradient": grad(loss)(output).flatten().tolist()}
        for loss in (mse, gaussian, relative_l2)
    },
}
(Path(__file__).parent / "expected.json").write_text(json.dumps(expected) + "\n")
