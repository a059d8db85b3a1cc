# Makes expected.json beside it: PyTorch's cross entropies and their gradients, with labels that do not count and weights of classes.
import json
from pathlib import Path

import torch

torch.manual_seed(0)
# Numbers that float32 holds exactly.
logits = (torch.randint(-40, 41, (7, 3)) / 8).double().requires_grad_()
labels = torch.tensor([0, 2, -1, 1, 2, -1, 2])
counts = torch.bincount(labels[labels >= 0]).double()
weights = {"equal": torch.ones(3), "given": torch.tensor([1, 2, 0.25]), "balanced": counts.sum() / (3 * counts)}
expected = {"logits": logits.flatten().tolist(), "labels": labels.tolist(), "losses": {}}
for name, weight in weights.items():
    logits.grad = None
    loss = torch.nn.functional.cross_entropy(logits, labels, weight=weight.double(), ignore_index=-1)
    loss.backward()
    expected["losses"][name] = {"loss": loss.item(), "gradient": logits.grad.flatten().tolist()}
(Path(__file__).parent / "expected.json").write_text(json.dumps(expected) + "\n")
