"""`convscope summary`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ModelFileError, UsageError, printable
from .output import print_json
from .parameters import Json

if TYPE_CHECKING:
    from torch import nn

Option = typer.Option
# Least width or height of the picture of kernels, in pixels.
KERNELS_SIDE = 480


def summary_command(
    model: Annotated[
        str,
        typer.Argument(
            help="A network: a name from `convscope models`, timm:NAME, or your own as FILE.py:CLASS (the file is "
            "run); or a RUN.",
            metavar="MODEL",
        ),
    ],
    num_classes: Annotated[int | None, Option(help="Number of classes. Default: as in the paper.", metavar="N")] = None,
    in_channels: Annotated[
        int | None, Option(help="Channels of the input. Default: as in the paper.", metavar="N")
    ] = None,
    img_size: Annotated[
        int | None, Option(help="Height and width of the input in pixels. Default: as in the paper.", metavar="N")
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
    from ..insight.layer_table import shape_text, summary

    check_new_file(svg, ".svg", "--svg")
    check_new_file(kernels, ".png", "--kernels")
    network, size, name, trained = _find(model, num_classes, in_channels, img_size, weights=kernels is not None)
    table = summary(network, size, name)
    lines = []
    if svg is not None:
        _draw_structure(network, size, svg)
        lines.append(f"drawn to {printable(svg)}")
    if kernels is not None:
        state = "trained" if trained else "not trained: these are random first weights"
        lines.append(f"{_draw_kernels(network, size, kernels)} ({state}) drawn to {printable(kernels)}")
    if json:
        print_json(table.to_dict())
        return
    typer.echo("\n\n".join([f"{name}, input {shape_text(size)}", str(table), *lines]))


def check_new_file(path: Path | None, suffix: str, option: str) -> None:
    """Raise UsageError for a file with another suffix, or one that exists."""
    if path is None:
        return
    if path.suffix.lower() != suffix:
        raise UsageError(f"{option} {printable(path)}: the file is written as {suffix}: give it that suffix")
    if path.exists():
        raise UsageError(f"{option} {printable(path)} already exists: choose another name, or remove it")


def _find(
    model: str, num_classes: int | None, in_channels: int | None, img_size: int | None, weights: bool
) -> tuple[nn.Module, tuple[int, int, int], str, bool]:
    """Return the network, its input size, its name, and whether it was trained; with `weights` it has real ones."""
    from ..models import CATALOGUE, arguments_for, create_model, find_card, is_source, own_card, shapes_alone
    from ..models.tools.timm_networks import is_timm

    if not is_source(model) and not is_timm(model) and model not in CATALOGUE:
        return _of_run(model, num_classes, in_channels, img_size)
    card = own_card(model) if is_source(model) else find_card(model)
    channels, height, width = card.input_size
    size = (in_channels or channels, img_size or height, img_size or width)
    arguments: dict[str, Any] = arguments_for(
        card, size, **({} if num_classes is None else {"num_classes": num_classes})
    )
    build = create_model if weights else shapes_alone
    return build(card, **arguments), size, card.name, False


def _of_run(
    source: str, num_classes: int | None, in_channels: int | None, img_size: int | None
) -> tuple[nn.Module, tuple[int, int, int], str, bool]:
    from ..classifier import load
    from ..models import find_card

    try:
        classifier = load(source)
    except ModelFileError:
        if source != "last" and not Path(source).exists():
            find_card(source)  # says which network may have been meant
        raise
    for given, option in ((num_classes, "--num-classes"), (in_channels, "--in-channels")):
        if given is not None:
            raise UsageError(f"{option}: {printable(source)} is trained and has its own: leave the option out")
    channels, height, width = classifier.preprocess.input_size
    size = (channels, img_size or height, img_size or width)
    return classifier.network, size, classifier.architecture, True


def _draw_structure(network: nn.Module, size: tuple[int, int, int], path: Path) -> None:
    from ..files import write_atomically
    from ..insight.diagram import structure_svg
    from ..insight.tracing.trace import trace_shapes

    write_atomically(path, structure_svg(trace_shapes(network, size)))


def _draw_kernels(network: nn.Module, size: tuple[int, int, int], path: Path) -> str:
    """Draw the kernels that are applied to the pixels, and return what was drawn."""
    from ..explaining.colours import enlarged, on_paper
    from ..explaining.findings import first_kernels
    from ..explaining.page import kernel_picture
    from ..files import write_atomically
    from ..png import png_bytes

    found = first_kernels(network, size)
    if found is None:
        raise UsageError("--kernels: the first layer of this network has no kernels on 1 or 3 maps that can be drawn")
    write_atomically(path, png_bytes(enlarged(on_paper(kernel_picture(found)[0]), KERNELS_SIDE)))
    return f"kernels of {found.layer}, {' x '.join(map(str, found.shape))}"
