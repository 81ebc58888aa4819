"""What suits each optimizer: the fields that a recipe takes when another optimizer is named (`--optimizer`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Decoupled weight decay (AdamW) is a share of the weights per unit of rate and may be large; in SGD it is part of the
# gradient, where 0.1 outweighs the loss. SGD is the bare torch.optim.SGD unless more is asked for: the rates of the
# textbooks (0.1; 0.9 for the sigmoid LeNet) are meant so. On the 4,000 training images of mnist-5k a schedule that
# rises from a small rate keeps mnist_cnn on its first plateau for 3 epochs (24 % instead of 81 %), and a weight decay
# of 0.0005 the sigmoid LeNet for 24 instead of 10. Muon's are those of airbench94, whose weight decay is that of other
# parameters than ours.
OPTIMIZER_DEFAULTS: dict[str, dict[str, Any]] = {
    "adamw": {"lr": 0.003, "momentum": 0.9, "nesterov": False, "weight_decay": 0.1, "schedule": "one-cycle"},
    "sgd": {"lr": 0.1, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0, "schedule": "constant"},
    "muon": {
        "lr": 0.06, "adam_lr": 0.005, "momentum": 0.6, "nesterov": False, "weight_decay": 0.0, "schedule": "linear",
    },
}  # fmt: skip


def suited_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that suit the optimizer among the `given` fields; none if they name none that exists."""
    suited = OPTIMIZER_DEFAULTS.get(given.get("optimizer", ""), {})
    # Nesterov's is a form of momentum.
    return {**suited, "momentum": 0.9} if suited and given.get("nesterov") else suited


def lower_rate(optimizer: str, lr: float) -> float:
    """Return the rate to try after one that was too high: the optimizer's own, or a tenth if it was not higher."""
    usual: float = OPTIMIZER_DEFAULTS[optimizer]["lr"]
    return usual if lr > usual else lr / 10


def describe_settings(optimizer: str, values: dict[str, Any]) -> str:
    """Return `sgd: lr 0.1, momentum 0, ...`: the settings among `values` that this optimizer uses."""
    unused = {"adamw": ("momentum", "nesterov", "adam_lr"), "sgd": ("adam_lr",), "muon": ("weight_decay", "nesterov")}
    names = [name for name in OPTIMIZER_DEFAULTS["muon"] if name not in unused[optimizer] and name != "nesterov"]
    shown = (f"{n.replace('_', ' ')} {v:g}" if isinstance(v := values[n], float) else f"{n} {v}" for n in names)
    return f"{optimizer}: {', '.join(shown)}"
