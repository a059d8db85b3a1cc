# Makes the sample beside it, which numbers.unit.test.ts reads: `python3 make.py`, with PyTorch 2.13.0 and PyTorch Geometric 2.8.0.
import torch
from torch_geometric.data import Data

points = torch.arange(15, dtype=torch.float64).reshape(5, 3).square() / 8
edges = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]])
data = Data(x=points.half(), pos=points, edge_index=edges, y=torch.arange(5) % 3, energy=torch.tensor(-1.5))
torch.save(data.to_dict(), "graph.pt")
