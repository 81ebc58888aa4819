"""`convscope models` and `convscope summary`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .output import print_json, print_table

Option = typer.Option


def models_command(json: Annotated[bool, Option("--json", help="Print one JSON document on stdout.")] = False) -> None:
    """List the networks with their papers and sizes."""
    import torch

    from ..models import CATALOGUE, create_model

    entries: list[dict[str, Any]] = []
    for card in CATALOGUE.values():
        with torch.device("meta"):
            parameters = sum(p.numel() for p in create_model(card.name).parameters())
        entries.append(
            {
                "name": card.name, "year": card.year, "family": card.family, "authors": card.authors,
                "paper": card.paper, "url": card.url, "input_size": card.input_size, "parameters": parameters,
                "benchmark": card.benchmark, "top1_error": card.top1_error, "top5_error": card.top5_error,
            }
        )  # fmt: skip
    if json:
        print_json(entries)
        return
    rows = [
        (
            e["name"], e["year"], e["family"], "x".join(map(str, e["input_size"])), f"{e['parameters']:,}",
            "" if e["top1_error"] is None else f"{e['top1_error']:g} % ({e['benchmark']})", e["paper"],
        )
        for e in entries
    ]  # fmt: skip
    header = ("name", "year", "family", "input", "parameters", "top-1 error", "paper")
    print_table([header, *rows], numbers=(4,))


def summary_command(
    model: Annotated[str, typer.Argument(help="A network; `convscope models` lists them.")],
    num_classes: Annotated[int | None, Option(help="Number of classes. Default: the paper's.")] = None,
    in_channels: Annotated[int | None, Option(help="Channels of the input. Default: the paper's.")] = None,
    img_size: Annotated[int | None, Option(help="Height and width of the input. Default: the paper's.")] = None,
    json: Annotated[bool, Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Show a network layer by layer.

    For each layer: output shape, parameters, multiply-accumulates, connections (inputs of all its units, with biases)
    and the receptive field of one unit in input pixels.
    """
    import torch

    from ..insight.layer_table import shape_text, summary
    from ..models import arguments_for, create_model, find_card

    channels, height, width = find_card(model).input_size
    size = (in_channels or channels, img_size or height, img_size or width)
    with torch.device("meta"):
        classes = {} if num_classes is None else {"num_classes": num_classes}
        network = create_model(model, **arguments_for(model, size, **classes))
    table = summary(network, size, model)
    if json:
        print_json(table.to_dict())
        return
    typer.echo(f"{model}, input {shape_text(size)}\n\n{table}")
