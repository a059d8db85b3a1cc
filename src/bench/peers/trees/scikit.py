"""Times scikit-learn's ball trees of a batch of clouds, the clouds shared out between processes by joblib.

    python3 scikit.py --clouds 16 --points 1024,4096 --processes 2 --seconds 2

Each process takes one chunk of the clouds and returns the orders of their points. Prints JSON; times are in milliseconds.
"""

import argparse
import json
import platform
import time

import joblib
import numpy as np
import sklearn
from sklearn.neighbors import BallTree


def orders_of(clouds: np.ndarray) -> list[np.ndarray]:
    return [np.asarray(BallTree(cloud).get_arrays()[1]) for cloud in clouds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clouds", type=int, default=16)
    parser.add_argument("--points", type=lambda text: [int(size) for size in text.split(",")], required=True)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2, help="for each size, about")
    arguments = parser.parse_args()

    rows = []
    with joblib.Parallel(n_jobs=arguments.processes) as parallel:
        for points in arguments.points:
            clouds = np.random.default_rng(points).random((arguments.clouds, points, 3))
            chunks = np.array_split(clouds, arguments.processes)
            times: list[float] = []
            # The first calls start the processes.
            warm_up = 3
            end = time.perf_counter() + arguments.seconds
            while len(times) < warm_up + 3 or time.perf_counter() < end:
                start = time.perf_counter()
                parallel(joblib.delayed(orders_of)(chunk) for chunk in chunks)
                times.append((time.perf_counter() - start) * 1000)
            rows.append({"points": points, "times": times[warm_up:]})
    versions = f"scikit-learn {sklearn.__version__}, joblib {joblib.__version__}, Python {platform.python_version()}"
    print(json.dumps({"versions": versions, "rows": rows}))


main()
