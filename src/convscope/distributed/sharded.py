"""A network whose weights, gradients and optimizer state are divided among the processes (FSDP2, `fully_shard`).

Each process keeps a part of every tensor; a layer's weights are put together just before it computes and given up again
afterwards. So a network fits whose training takes more memory than one device has. torch.distributed is slow to import
whole, hence the imports inside functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import DeviceError, UsageError

# A part of the network that is put together at a time has at least this share of its weights: smaller parts would cost
# more messages than they save memory.
SMALLEST_UNIT = 1 / 16


def is_sharded(network: nn.Module) -> bool:
    """Return whether the weights of a network are divided among the processes."""
    return any(_is_part(parameter) for parameter in network.parameters())


def shard(network: nn.Module, images: Tensor, device: torch.device, count: int) -> None:
    """Divide the weights of a network on the CPU among `count` processes, in place, each part on its `device`.

    `images` are a few of the data, by which the layers that compute are found. All processes must have the same
    weights. UsageError for a network that cannot be divided.
    """
    try:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard
    except ImportError as problem:
        raise DeviceError("--shard-weights needs PyTorch 2.6 or newer: pip install -U torch torchvision") from problem
    if device.type == "cuda":
        torch.cuda.set_device(device)
    mesh = init_device_mesh(device.type, (count,))
    try:
        for unit in units(network, images):
            fully_shard(unit, mesh=mesh)
        fully_shard(network, mesh=mesh)
    except (NotImplementedError, ValueError) as problem:
        reason = " ".join(str(problem).split())[:150]
        raise UsageError(f"--shard-weights: the weights of this network cannot be divided ({reason})") from problem


def units(network: nn.Module, images: Tensor) -> list[nn.Module]:
    """Return the modules inside a network that are put together one at a time, the innermost first.

    Only those that are called once in a forward pass, since calling a module is what puts it together, and whose
    parameters belong to no other module.
    """
    calls: Counter[nn.Module] = Counter()
    handles = [
        module.register_forward_hook(lambda called, inputs, output: calls.update([called]))
        for module in network.modules()
    ]
    was_training = network.training
    try:
        with torch.no_grad(), torch.random.fork_rng([]):
            network.eval()(images)
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    holders = Counter(id(p) for module in network.modules() for p in module.parameters(recurse=False))
    least = sum(p.numel() for p in network.parameters()) * SMALLEST_UNIT
    claimed: set[int] = set()
    found = []
    for module in reversed(list(network.modules())[1:]):  # what is inside a module comes after it
        own = [p for p in module.parameters() if id(p) not in claimed]
        if calls[module] != 1 or any(holders[id(p)] > 1 for p in own) or sum(p.numel() for p in own) < least:
            continue
        claimed |= {id(p) for p in own}
        found.append(module)
    return found


def whole(tensors: Mapping[str, Tensor], keep: bool = True) -> dict[str, Tensor]:
    """Return tensors put together, on the CPU where they were divided; with `keep` false nothing is kept of those.

    To be called by all processes.
    """
    found = {}
    for name in sorted(tensors):  # the same order everywhere: that of a file that was loaded may differ
        tensor = tensors[name]
        if _is_part(tensor):
            together = tensor.full_tensor()  # type: ignore[attr-defined]
            if keep:
                found[name] = together.cpu()
        else:
            found[name] = tensor
    return found


@torch.no_grad()
def load_whole(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load whole tensors into a network; into one that is divided, this process's part of each."""
    if not is_sharded(network):
        network.load_state_dict(dict(tensors))
        return
    for name, own in network.state_dict().items():
        if _is_part(own):
            own.to_local().copy_(_own_part(tensors[name], own))
        else:
            own.copy_(tensors[name])


def like_parameter(tensor: Tensor, parameter: Tensor) -> Tensor:
    """Return a whole tensor of a parameter's shape in the parameter's memory layout, divided if the parameter is."""
    if not _is_part(parameter):
        return torch.empty_like(parameter, device="cpu", dtype=tensor.dtype).copy_(tensor)
    from torch.distributed.tensor import DTensor

    like: Any = parameter
    return DTensor.from_local(
        _own_part(tensor, parameter).to(parameter.device).clone(), like.device_mesh, like.placements,
        run_check=False, shape=tensor.shape, stride=tensor.stride(),
    )  # fmt: skip


def _is_part(tensor: Tensor) -> bool:
    return hasattr(tensor, "full_tensor")


def _own_part(tensor: Tensor, like: Any) -> Tensor:
    parts = tensor.chunk(like.device_mesh.size())
    rank = like.device_mesh.get_local_rank()
    return parts[rank] if rank < len(parts) else tensor[:0]
