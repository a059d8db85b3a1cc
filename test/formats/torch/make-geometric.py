# Makes geometric.pt, a graph of PyTorch Geometric, geometric-dict.pt, its arrays alone, and numpy.pt, which has one of NumPy's:
# `python3 make-geometric.py`, with PyTorch 2.13, PyTorch Geometric and NumPy 2.4.
from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import Data

folder = Path(__file__).parent
points = torch.arange(6.0).reshape(2, 3) / 4
data = Data(pos=points, edge_index=torch.tensor([[0, 1], [1, 0]]), y=torch.tensor([1.5]))
torch.save(data, folder / "geometric.pt")
torch.save(data.to_dict(), folder / "geometric-dict.pt")
torch.save({"pos": np.arange(6.0).reshape(2, 3), "t": points}, folder / "numpy.pt")
