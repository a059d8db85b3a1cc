# Makes the files beside it, and expected.json, which has what ASE reads from them: `python3 make.py`, with LAMMPS 2022-01-06 (Debian 12's
# lammps) and ASE 3.29.0. frames.lammpstrj has three frames, whose atoms LAMMPS does not sort; scaled.dump is of a slanted box.
import json
import subprocess
from pathlib import Path

import ase.io
import numpy as np

folder = Path(__file__).parent
commands = f"""
units metal
atom_style atomic
atom_modify sort 1 1.0
region box prism -1 5 0 4 2 6 1.5 -0.5 0.75
create_box 2 box
create_atoms 1 random 8 1234 box
set atom 1*3 type 2
mass 1 1.0
mass 2 16.0
velocity all create 3000.0 4321
pair_style zero 1
pair_coeff * *
neighbor 0.3 bin
fix 1 all nve
dump 1 all custom 200 {folder}/frames.lammpstrj id type element x y z vx vy vz
dump_modify 1 element H O units yes time yes
dump 2 all atom 1000 {folder}/scaled.dump
dump 3 all custom 1000 {folder}/unwrapped.dump type zu yu xu id
run 400
"""
subprocess.run(["lmp", "-log", "none"], input=commands, text=True, check=True, stdout=subprocess.DEVNULL)
expected = {}
for path in [folder / "frames.lammpstrj", folder / "unwrapped.dump"]:
    frames = ase.io.read(path, index=":", format="lammps-dump-text", specorder=None)
    expected[path.name] = [
        {
            "positions": frame.positions.ravel().tolist(),
            "id": np.arange(1, len(frame) + 1).tolist(),
        }
        for frame in frames
    ]
# ASE leaves out the box's corner: what LAMMPS itself writes of the same atoms unscaled shows where they are.
expected["scaled.dump"] = expected["unwrapped.dump"]
(folder / "expected.json").write_text(json.dumps(expected) + "\n")
