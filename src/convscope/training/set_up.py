"""Set a training up: the network with its first weights, the batches, precision and layout, and a fitted last layer."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from ..activity import doing
from ..data.augment import parse_augment
from ..data.augment.mixup_cutmix import mixer
from ..data.batches import Batches
from ..data.decoded import Decoded
from ..data.decoding.cache_files import cache_root
from ..data.decoding.progress_bar import ProgressBar
from ..data.default_augment import augmentation_for
from ..data.sampler import SAMPLERS
from ..distributed import is_sharded
from ..errors import UsageError
from ..messages.translate import phrase
from .checkpoint import Progress, has_checkpoint, read_weights, save_weights
from .class_weights import is_balanced
from .context import TrainingContext
from .hardware.precision import fastest_runtime, usual_runtime
from .hardware.runtime import Runtime, choose_runtime, forget_peak_memory
from .prepare.first_network import first_network
from .prepare.prepare_data import PreparedData
from .recipe.recipe import Recipe
from .several_processes import require_own_devices, with_divided_weights, with_synchronised_norms
from .transfer.body_features import Keeping
from .transfer.freeze import Body, find_body
from .transfer.linear_probe import LinearProbe, fit_linear_probe

# Images from which a network may derive its first kernels.
SAMPLE = 2048


def set_up(context: TrainingContext, prepared: PreparedData) -> tuple[TrainingContext, nn.Module, Batches, Body | None]:
    """Build the network with its first weights and the batches; choose the precision and layout that are left open."""
    recipe, runtime, processes = context.recipe, context.runtime, context.processes
    require_own_devices(processes, runtime.device)
    runtime.make_current()
    forget_peak_memory()
    network = first_network(context, prepared)
    batches = make_batches(context, prepared, prepared.parts["train"])
    images, labels = batches.sample(max(recipe.batch_size, SAMPLE))
    derive_kernels = getattr(network, "prepare", None)
    if callable(derive_kernels) and context.own is None:  # first kernels that follow from the images
        derive_kernels(None if prepared.earlier else images.cpu())
    body = find_body(network, images[:2].cpu(), recipe, keep_statistics=is_transfer(recipe, prepared))
    if context.own is not None and recipe.layout == "auto":  # tutorials flatten with `view`, which needs this layout
        runtime = replace(runtime, layout="contiguous")
    runtime, network = _on_device(replace(context, runtime=runtime), prepared, network, (images, labels))
    recipe = recipe.changed(precision=runtime.precision, layout=runtime.layout)
    if processes.rank:  # dropout must not leave out the same in every process
        torch.manual_seed(recipe.seed + processes.rank)
    return replace(context, recipe=recipe, runtime=runtime), network, batches, body


def make_batches(context: TrainingContext, prepared: PreparedData, images: Decoded) -> Batches:
    """Return the recipe's batches of these images."""
    recipe, processes = context.recipe, context.processes
    return Batches(
        images,
        prepared.preprocess,
        recipe.batch_size,
        recipe.seed,
        context.runtime.device,
        parse_augment(augmentation_for(recipe.augment, prepared.data)),
        mixer(recipe.mixup, recipe.cutmix),
        SAMPLERS[recipe.sampler],
        (processes.rank, processes.count),
    )


def _on_device(
    context: TrainingContext, prepared: PreparedData, network: nn.Module, batch: tuple[Tensor, Tensor]
) -> tuple[Runtime, nn.Module]:
    """Return the network on its device, and the runtime with the precision and layout that were left open."""
    recipe, runtime, processes, (images, labels) = context.recipe, context.runtime, context.processes, batch
    divides = recipe.shard_weights and processes.count > 1
    if "devices" in prepared.model_args:  # the network has placed its parts on several devices itself
        if divides:
            raise UsageError("--shard-weights: this network places its parts on devices itself: leave out one of both")
        return choose_runtime(recipe.device, "float32", "contiguous"), network
    if divides:  # it may not fit the device whole, which a trial would need
        network = with_synchronised_norms(context, network)
        return usual_runtime(runtime), with_divided_weights(context, network, images[:2].cpu())
    few = max(recipe.batch_size, 2)  # the trial is in training mode, where batch norm cannot take a single image
    fastest = fastest_runtime(
        runtime, network.to(runtime.device), images[:few], labels[:few], learning=not recipe.freeze
    )
    chosen = processes.from_main((fastest.precision, fastest.layout))  # each process has measured other times
    runtime = replace(fastest, precision=chosen[0], layout=chosen[1])
    return runtime, with_synchronised_norms(context, runtime.to_device(network))


def trained_network(
    context: TrainingContext, prepared: PreparedData, network: nn.Module
) -> tuple[TrainingContext, nn.Module]:
    """Return the network with the weights of the best epoch, and the context to evaluate it in.

    One whose weights are divided among processes is built again, whole, and evaluated on the CPU, whose memory is
    larger than that of a device.
    """
    if is_sharded(network):
        context = replace(context, runtime=replace(context.runtime, device=torch.device("cpu")))
        network = first_network(context, prepared)
    read_weights(context.folder.best, network)
    return context, network


def is_transfer(recipe: Recipe, prepared: PreparedData) -> bool:
    """Return whether the network's body, but not its last layer, has learned before."""
    earlier = prepared.earlier
    if recipe.pretrained or recipe.weights:
        return True
    return earlier is not None and earlier.class_names != prepared.data.class_names


def first_stage(
    context: TrainingContext, prepared: PreparedData, network: nn.Module
) -> tuple[TrainingContext, LinearProbe | None]:
    """Fit the last layer, at the beginning of a training whose body has learned before.

    Where there is none that can be fitted by itself, the head is trained alone for the first epoch: what starts from
    noise would disturb the body.
    """
    recipe, parts = context.recipe, prepared.parts
    unused = recipe.head != "own" and recipe.freeze  # a classical head takes its place
    if recipe.shard_weights or unused or not is_transfer(recipe, prepared) or has_checkpoint(context.folder.last):
        return context, None
    alone = ": with --freeze no epochs follow" if recipe.freeze else ""
    context.display.show_line(f"fitting the last layer to the features of the others{alone}")
    val, mirrored = prepared.choosing.get("val"), "flip" in augmentation_for(recipe.augment, prepared.data)
    lent = recipe.validation == "join" and prepared.lends_held_out and context.processes.count == 1
    total, shown = len(parts["train"]) * (1 + mirrored) + len(val or ()), context.display.stream is not None
    doing("fitting the last layer")
    with context.clock.measuring("probe"), ProgressBar(shown, total, phrase("computing features")) as bar:
        probe = context.processes.from_main(fit_linear_probe(
            network, prepared.preprocess, context.runtime, parts["train"], val,
            mirrored=mirrored, balanced=is_balanced(recipe), clock=context.clock,
            keeping=Keeping(cache_root(recipe.cache), recipe.model, bar.advance), class_names=prepared.data.class_names,
            whole=lent, groups_of=prepared.data.groups_of,
        ))  # fmt: skip
    doing("")
    if probe is not None and probe.whole is not None:
        save_weights(context.folder.fitted, probe.whole, Progress(), context.processes)
    if probe is None:
        epochs = "all epochs" if recipe.freeze else "the first epoch" if recipe.freeze_epochs <= 1 else "its epochs"
        context.display.show_line(f"this network has no last layer that can be fitted: its head is trained in {epochs}")
        if not recipe.freeze and not recipe.freeze_epochs:
            context = replace(context, recipe=recipe.changed(freeze_epochs=1))
    elif probe.photos < len(parts["train"]):
        some, every = f"{probe.photos:,}", f"{len(parts['train']):,}"
        context.display.show_line(f"the time allowed the features of {some} of {every} training images")
    return context, probe
