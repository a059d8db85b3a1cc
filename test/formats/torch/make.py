# Makes the files beside it, which torch.unit.test.ts reads, and checks `written.pt`, which the library wrote:
# `python3 make.py`, with PyTorch (1.13 when they were made).
import os
from pathlib import Path

import torch

folder = Path(__file__).parent
base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8


class Command:
    """What a hostile pickle holds: a call of anything, made when it is read."""

    def __reduce__(self):
        return os.system, ("echo executed",)


torch.save(
    {
        "state": torch.nn.Linear(2, 1).state_dict() | {"weight": torch.tensor([[0.5, -2.0]]), "bias": torch.tensor([3.0])},
        "parameter": torch.nn.Parameter(torch.tensor([1.0, 2.0])),
        "base": base,
        "transposed": base.t(),
        "columns": base[1:, 1::2],
        "rows": base[2:],
        "scalar": torch.tensor(7.25),
        "empty": torch.zeros(0, 3),
        "float64": torch.tensor([0.1, -2.0], dtype=torch.float64),
        "float16": torch.tensor([0.5, -2.0], dtype=torch.float16),
        "bfloat16": torch.tensor([0.5, -2.0], dtype=torch.bfloat16),
        "int64": torch.tensor([2**62, -1]),
        "int32": torch.tensor([2**30, -1], dtype=torch.int32),
        "int16": torch.tensor([300, -1], dtype=torch.int16),
        "int8": torch.tensor([100, -1], dtype=torch.int8),
        "uint8": torch.tensor([200, 1], dtype=torch.uint8),
        "bool": torch.tensor([True, False]),
        "plain": [1, -1, 70000, 2**40, 2**70, 0.1, "naïve", True, None, (1, "b"), {3: "c"}, torch.Size([2, 3])],
        "dtype": torch.float32,
    },
    folder / "values.pt",
)
torch.save(torch.arange(6.0).reshape(2, 3), folder / "tensor.th")
torch.save({"weight": base, "config": Command()}, folder / "hostile.pt")
torch.save({"base": base}, folder / "legacy.pt", _use_new_zipfile_serialization=False)

written = torch.load(folder / "written.pt", map_location="cpu", weights_only=True)
assert list(written) == ["weight", "double", "scalar", "counts", "halves", "flags", "empty"], list(written)
assert written["weight"].dtype == torch.float32 and written["weight"].tolist() == [[0.5, -2.0, 3.25], [1.0, 0.0, -1.5]]
assert written["double"].dtype == torch.float64 and written["double"].tolist() == [0.1]
assert written["scalar"].shape == () and written["scalar"].item() == 7
assert written["counts"].dtype == torch.int64 and written["counts"].tolist() == [2**62, -1]
assert written["halves"].dtype == torch.float16 and written["halves"].tolist() == [0.5, -2.0]
assert written["flags"].dtype == torch.bool and written["flags"].tolist() == [True, False]
assert written["empty"].shape == (0, 3)
