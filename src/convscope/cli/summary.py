"""`convscope summary`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError, printable
from ..messages.translate import phrase
from .output import print_json, print_table, say
from .parameters import Json
from .target_options import Target, with_target_options

if TYPE_CHECKING:
    from torch import nn

Option = typer.Option
# Least width or height of the picture of kernels, in pixels.
KERNELS_SIDE = 480


@with_target_options
def summary_command(
    target: Target,
    num_classes: Annotated[int | None, Option(help="Number of classes. Default: as in the paper.", metavar="N")] = None,
    in_channels: Annotated[
        int | None, Option(help="Channels of the input. Default: as in the paper.", metavar="N")
    ] = None,
    svg: Annotated[
        Path | None, Option(help="Also draw the network's blocks and layers to this .svg file.", metavar="FILE")
    ] = None,
    kernels: Annotated[
        Path | None, Option(help="Also draw the kernels of the first layer to this .png file.", metavar="FILE")
    ] = None,
    json: Json = False,
) -> None:
    """Show a network layer by layer.

    For each layer: output shape, parameters, multiply-accumulates (MACs), connections (the inputs of all its units,
    biases included) and the receptive field of one unit in pixels of the input.
    """
    from ..insight.layer_table import LAYER_COLUMNS, shape_text, summary

    check_new_file(svg, ".svg", "--svg")
    check_new_file(kernels, ".png", "--kernels")
    target = replace(target, num_classes=num_classes, in_channels=in_channels)
    network, size, name, state = _find(target, weights=kernels is not None)
    table = summary(network, size, name)
    lines = []
    if svg is not None:
        _draw_structure(network, size, svg)
        lines.append(f"drawn to {printable(svg)}")
    if kernels is not None:
        lines.append(f"{_draw_kernels(network, size, kernels)} ({state}) drawn to {printable(kernels)}")
    if json:
        print_json(table.to_dict())
        return
    say(phrase("{network}, input {size}", network=name, size=shape_text(size)))
    say()
    *rows, (_, *sums) = table.rows()
    print_table([*rows, (phrase("total"), *sums)], numbers=range(3, len(LAYER_COLUMNS)), head=LAYER_COLUMNS)
    say()
    for line in table.totals():
        say(line)
    for line in lines:
        say(f"\n{line}")


def check_new_file(path: Path | None, suffix: str, option: str) -> None:
    """Raise UsageError for a file with another suffix, or one that exists."""
    if path is None:
        return
    if path.suffix.lower() != suffix:
        raise UsageError(f"{option} {printable(path)}: the file is written as {suffix}: give it that suffix")
    if path.exists():
        raise UsageError(f"{option} {printable(path)} already exists: choose another name, or remove it")


def _find(target: Target, weights: bool) -> tuple[nn.Module, tuple[int, int, int], str, str]:
    """Return the network, its input size, its name, and what its weights are; with `weights` it has real ones."""
    from ..opening import OWN_CODE, RANDOM, STATES, bare_network, network_of, open_network, open_target

    card = network_of(target)
    if card is not None and not (target.weights or target.pretrained or target.labels):
        network, size = bare_network(card, target, weights)
        return network, size, card.name, STATES[OWN_CODE if card.family == "own" else RANDOM]
    opened = open_target(target) if card is None else open_network(card, target)
    classifier = opened.classifier
    channels, height, width = classifier.preprocess.input_size
    size = (channels, target.img_size or height, target.img_size or width)
    return classifier.network, size, classifier.architecture, STATES[opened.state]


def _draw_structure(network: nn.Module, size: tuple[int, int, int], path: Path) -> None:
    from ..files import write_atomically
    from ..insight.diagram import structure_svg
    from ..insight.tracing.trace import trace_shapes

    write_atomically(path, structure_svg(trace_shapes(network, size)))


def _draw_kernels(network: nn.Module, size: tuple[int, int, int], path: Path) -> str:
    """Draw the kernels that are applied to the pixels, and return what was drawn."""
    from ..files import write_atomically
    from ..kernel_picture import first_kernels, kernel_picture
    from ..map_colours import enlarged, on_paper
    from ..png import png_bytes

    found = first_kernels(network, size)
    if found is None:
        raise UsageError("--kernels: the first layer of this network has no kernels on 1 or 3 maps that can be drawn")
    write_atomically(path, png_bytes(enlarged(on_paper(kernel_picture(found)[0]), KERNELS_SIDE)))
    return f"kernels of {found.layer}, {' x '.join(map(str, found.shape))}"
