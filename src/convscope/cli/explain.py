"""`convscope explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..choices import ATTRIBUTION_METHODS
from ..errors import printable
from .output import print_json, say
from .parameters import Device, Json
from .target_options import Target, with_target_options

Option = typer.Option


Method = Annotated[
    list[str] | None,
    Option(
        help=f"Heat map to compute: {', '.join(ATTRIBUTION_METHODS)}. Can be repeated. Default: all.", metavar="METHOD"
    ),
]
Layer = Annotated[
    str | None,
    Option(
        help="Layer whose feature maps the class-activation maps are made of. All its maps are shown. Default: the "
        "last layer with maps of at least 7 x 7 pixels.",
        metavar="LAYER",
    ),
]
Label = Annotated[str | None, Option(help="Class to explain. Default: the most probable one.", metavar="CLASS")]
Versus = Annotated[
    str | None,
    Option(
        help="Class to compare it with. Default: the next most probable one; of several labels per image none.",
        metavar="CLASS",
    ),
]


@with_target_options
def explain_command(
    target: Target,
    image: Annotated[str, typer.Argument(help="An image file.", metavar="IMAGE")],
    method: Method = None,
    layer: Layer = None,
    label: Label = None,
    versus: Versus = None,
    device: Device = "auto",
    output: Annotated[
        str, Option(help="Folder in which the explanation's folder is made.", metavar="FOLDER")
    ] = "runs/explain",
    name: Annotated[
        str | None, Option(help="Name of the explanation's folder. Default: MODEL-IMAGE.", metavar="NAME")
    ] = None,
    json: Json = False,
) -> None:
    """Explain how a network classifies an image, layer by layer.

    Writes one HTML page and its pictures: the feature maps and kernels, and heat maps that show which parts of the
    image support the answer.
    """
    from ..devices import choose_device
    from ..explaining import explain
    from ..explaining.explanation import command_of
    from ..opening import open_target

    classifier = open_target(target).classifier
    classifier.network.to(choose_device(device))
    options = {"method": method, "layer": layer, "label": label, "versus": versus}
    explanation = explain(
        classifier, image, label=label, versus=versus, methods=method, layer=layer, output=output, name=name,
        command=command_of([target.source, image, *target.flags()], options),
    )  # fmt: skip
    if json:
        print_json({"run": target.source, **explanation.to_dict()})
        return
    best = ", ".join(f"{printable(p.label)} {p.probability:.1%}" for p in explanation.predictions[:3])
    say(f"{printable(explanation.image)}: {best}")
    if explanation.refusal is not None:
        say(f"unknown    {printable(explanation.refusal.reason)}")
    compared = f", compared with {printable(explanation.versus)}" if explanation.versus is not None else ""
    say(f"explained  {printable(explanation.label)}{compared}")
    say(f"page       {printable(explanation.page)}")
    say(f"pictures   {len(explanation.files) - 1} in {printable(explanation.folder)}")
