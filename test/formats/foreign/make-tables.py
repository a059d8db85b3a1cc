# Makes the tables beside it that have decimal commas or two bytes a character, and what else the programs of make.py do not write:
# `python3 make-tables.py`, with NumPy 2.4.6, pandas 3.0.6, Polars 1.44.2 and R 4.2.2.
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

folder = Path(__file__).parent
points = (np.arange(15, dtype=np.float32).reshape(5, 3) / 8) ** 2
pressure = np.array([0.5, -1.25, 3, 0, 1e-7], dtype=np.float32)
label = np.array([3, 1, 4, 1, 5], dtype=np.int32)
columns = {"x": points[:, 0], "y": points[:, 1], "z": points[:, 2], "Druck p∞": pressure, "label": label}

table = pd.DataFrame(columns)
table.to_csv(folder / "pandas-commas.csv", index=False, sep=";", decimal=",")
table.to_csv(folder / "pandas-utf16.csv", index=False, encoding="utf-16", lineterminator="\r\n")
# Without a mark.
table.to_csv(folder / "pandas-utf16be.tsv", index=False, sep="\t", encoding="utf-16-be")
pl.DataFrame(columns).write_csv(folder / "polars-commas.csv", separator=";", decimal_comma=True, include_bom=True)
program = """
table <- read.csv2("pandas-commas.csv", check.names = FALSE)
write.csv2(table, "r-commas.csv", row.names = FALSE, eol = "\\r\\n")
"""
subprocess.run(["Rscript", "-e", program], cwd=folder, check=True, env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"})
