"""What suits each optimizer: the fields that a recipe takes when another optimizer is named (`--optimizer`)."""

from __future__ import annotations

from typing import Any

# Decoupled weight decay (AdamW) is a share of the weights per unit of rate and may be large; in SGD it is part of the
# gradient, where 0.1 outweighs the loss: the papers since VGG (arXiv 1409.1556) take 0.0005. SGD has no momentum unless
# it is asked for, as in torch.optim.SGD: the rates of the textbooks (0.1; 0.9 for the sigmoid LeNet) are meant so.
# Muon's are those of airbench94, whose weight decay is that of other parameters than ours.
OPTIMIZER_DEFAULTS: dict[str, dict[str, Any]] = {
    "adamw": {"lr": 0.003, "momentum": 0.9, "nesterov": False, "weight_decay": 0.1, "schedule": "one-cycle"},
    "sgd": {"lr": 0.1, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0005, "schedule": "one-cycle"},
    "muon": {
        "lr": 0.06, "adam_lr": 0.005, "momentum": 0.6, "nesterov": False, "weight_decay": 0.0, "schedule": "linear",
    },
}  # fmt: skip


def describe_settings(optimizer: str, values: dict[str, Any]) -> str:
    """Return `sgd: lr 0.1, momentum 0, ...`: the settings among `values` that this optimizer uses."""
    unused = {"adamw": ("momentum", "nesterov", "adam_lr"), "sgd": ("adam_lr",), "muon": ("weight_decay", "nesterov")}
    names = [name for name in OPTIMIZER_DEFAULTS["muon"] if name not in unused[optimizer] and name != "nesterov"]
    shown = (f"{n.replace('_', ' ')} {v:g}" if isinstance(v := values[n], float) else f"{n} {v}" for n in names)
    return f"{optimizer}: {', '.join(shown)}"
