# Writes schedule.json beside it: how torch.amp.GradScaler with its defaults changes the loss scale after steps with and without
# gradients that are not finite, from several states on. `python3 make.py`, with PyTorch 2.3 or later (2.6 when it was made).
import json
from pathlib import Path

import torch

# Scale, steps in a row with finite gradients so far, and whether the gradients of the next steps are finite.
STARTS = [
    (65536.0, 0, [True, True, False, True, False, False, True, True]),
    (1024.0, 1997, [True, True, True, True]),
    (1024.0, 1999, [False, True, True]),
    (4.0, 1998, [True, False, False, True]),
]


def follow(scale, steps, finite):
    scaler = torch.amp.GradScaler("cpu")
    scaler.load_state_dict(scaler.state_dict() | {"scale": scale, "_growth_tracker": steps})
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1)
    states = []
    for is_finite in finite:
        loss = scaler.scale((weight if is_finite else weight * torch.inf).sum())
        before = weight.item()
        loss.backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        state = scaler.state_dict()
        states.append({"scale": state["scale"], "steps": state["_growth_tracker"], "skipped": weight.item() == before})
    return {"scale": scale, "steps": steps, "finite": finite, "states": states}


text = json.dumps([follow(*start) for start in STARTS], indent=1)
(Path(__file__).parent / "schedule.json").write_text(text + "\n")
