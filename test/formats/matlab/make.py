# Makes the files beside it, which matlab.unit.test.ts reads: `python3 make.py`, with SciPy (1.17) and Octave (7.3) when they were made.
# MATLAB itself wrote matlab-4.2c-big-endian.mat, matlab-6.1-big-endian.mat and matlab-7.4.mat: they are testmulti_4.2c_SOL2.mat,
# test3dmatrix_6.1_SOL2.mat and teststructnest_7.4_GLNX86.mat of SciPy's tests (BSD licence).
import re
import subprocess
from pathlib import Path

import numpy as np
import scipy.io
import scipy.sparse

folder = Path(__file__).parent
arrays = {
    "positions": np.arange(12, dtype=np.float32).reshape(4, 3) / 4,
    "flow": np.arange(24.0).reshape(4, 3, 2),
    "heat": np.arange(4)[:, None] + 0.5,
    "ids": np.array([[2**62, -1]]),
    "mask": np.array([[True, False, True]]),
    "case": {"speed": 1.5, "inner": {"angle": np.int16(-3)}, "name": "wing"},
    "text": "hello",
    "waves": np.array([[1 + 2j]]),
    "parts": np.array([[1.0], "a"], dtype=object),
    "matrix": scipy.sparse.eye(3).tocsc(),
    "list": np.zeros(2, [("a", "f8")]),
    "nothing": np.zeros((0, 3)),
}
scipy.io.savemat(folder / "scipy.mat", arrays)
scipy.io.savemat(folder / "scipy-compressed.mat", arrays, do_compression=True)
kinds = {f"as_{kind}": np.array([[1, -2], [3, 4]]).astype(kind) for kind in ("i4", "i2", "u2", "u1")}
old = {name: arrays[name] for name in ("positions", "heat", "text", "waves", "matrix", "nothing")}
scipy.io.savemat(folder / "version4.mat", {**old, **kinds}, format="4")
program = """
positions = reshape(single(0:11), 3, 4)' / 4; flow = permute(reshape(0:23, 2, 3, 4), [3 2 1]); heat = (0:3)' + 0.5;
mask = [true false true]; case_.speed = 1.5; name = "wing"; parts = {1, "a"}; step = int8(-7); wide = 0:300;
save -v7 octave.mat positions flow heat mask case_ name parts step wide
save -v4 octave4.mat positions heat wide
save -hdf5 octave-hdf5.mat heat
"""
subprocess.run(["octave", "-qf", "--eval", program], cwd=folder, check=True)
# Octave writes the names of user and machine into it.
hdf5 = folder / "octave-hdf5.mat"
hdf5.write_bytes(re.sub(rb"<[^<>@]*@[^<>@]*>", lambda name: b"-" * len(name[0]), hdf5.read_bytes()))
