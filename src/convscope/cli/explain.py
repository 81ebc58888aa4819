"""`convscope explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import printable
from .output import print_json

Option = typer.Option


def explain_command(
    run: Annotated[str, typer.Argument(help="A run folder, a bundle (folder or zip), or `last`.")],
    image: Annotated[str, typer.Argument(help="An image file.")],
    method: Annotated[
        list[str] | None,
        Option(
            help="hires-cam, grad-cam, occlusion, integrated-gradients, guided-backprop, deconvnet or saliency; "
            "several by repeating it. Default: all."
        ),
    ] = None,
    layer: Annotated[
        str | None,
        Option(help="Where the class-activation map is made; all maps of it are shown. Default: the last fine one."),
    ] = None,
    label: Annotated[str | None, Option(help="The class that is explained. Default: the likeliest.")] = None,
    versus: Annotated[str | None, Option(help="The class that it is compared with. Default: the next.")] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda, mps.")] = "auto",
    output: Annotated[str, Option(help="Where the folder is made.")] = "runs/explain",
    name: Annotated[str | None, Option(help="The folder's name. Default: network and image.")] = None,
    json: Annotated[bool, Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Show what each layer sees in an image, and why the answer is what it is.

    Writes one HTML page and its pictures: feature maps, kernels, class-activation and occlusion maps, gradients.
    """
    from ..classifier import load
    from ..devices import choose_device
    from ..explaining import explain
    from ..explaining.explanation import command_of

    classifier = load(run)
    classifier.network.to(choose_device(device))
    asked = {"method": method, "layer": layer, "label": label, "versus": versus}
    found = explain(
        classifier, image, label=label, versus=versus, methods=method, layer=layer, output=output, name=name,
        command=command_of(run, image, asked),
    )  # fmt: skip
    if json:
        print_json({"run": run, **found.to_dict()})
        return
    best = ", ".join(f"{printable(p.label)} {p.probability:.1%}" for p in found.predictions[:3])
    typer.echo(f"{printable(found.image)}: {best}")
    typer.echo(f"explained  {printable(found.label)}, against {printable(found.versus)}")
    typer.echo(f"page       {printable(found.page)}")
    typer.echo(f"pictures   {len(found.files) - 1} in {printable(found.folder)}")
