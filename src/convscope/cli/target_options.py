"""The argument and the options by which every verb that looks at a classifier says which."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.models import ArgumentInfo

from ..errors import UsageError
from ..target import Target
from ..training.recipe.options import OPTIONS
from .parameters import OwnModel

Option = typer.Option
WHAT = (
    "a run folder{running}, a bundle (a saved classifier: folder or zip), `last` (the newest run) or a bundled "
    "classifier (mnist-lenet5, mnist-relu); or a network: a name from `convscope models`, timm:NAME, or your own as "
    "FILE.py:CLASS (the file is run)."
)
SCALING = (
    "{} a network's pixels (0 to 1){}: one number or one per channel, such as {}. Default: what its weights are known "
    "to expect; the command says which."
)
MEAN = SCALING.format("Mean that is subtracted from", "", "0.1307")
STD = SCALING.format("Standard deviation by which", " are divided", "0.229,0.224,0.225")
One = Annotated[str, typer.Argument(help="What to open: " + WHAT.format(running=""), metavar="TARGET")]
Several = Annotated[
    list[str] | None,
    typer.Argument(
        help="What to open; several can be given, to switch between them: "
        + WHAT.format(running=" (also of a training that is still running)")
        + " Default: the bundled classifiers alone.",
        metavar="TARGET",
    ),
]
OPTIONS_OF_TARGETS: dict[str, tuple[Any, Any]] = {
    "model": (OwnModel, None),
    "pretrained": (Annotated[bool, Option("--pretrained", help="Load a network's public ImageNet weights.")], False),
    "weights": (
        Annotated[
            str | None,
            Option(
                help="Load a network's weights from a file: a state_dict as .safetensors, .pt, .pth, .bin or .ckpt, or "
                "the .index.json of several; read without running code.",
                metavar="FILE",
            ),
        ],
        None,
    ),
    "weights_dir": (Annotated[str | None, Option(help=OPTIONS["weights_dir"].help, metavar="FOLDER")], None),
    "labels": (
        Annotated[
            str | None,
            Option(help="The names of a network's classes: a text with one name per line, or JSON.", metavar="FILE"),
        ],
        None,
    ),
    "img_size": (
        Annotated[
            int | None,
            Option(
                help="Height and width of a network's input in pixels. Default: as in the paper; for your own "
                "network, a size that it accepts.",
                metavar="N",
            ),
        ],
        None,
    ),
    "mean": (Annotated[str | None, Option(help=MEAN, metavar="X")], None),
    "std": (Annotated[str | None, Option(help=STD, metavar="X")], None),
}


def with_target_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, in place of its parameter `target`, the argument and the options that say what to open.

    It gets one `Target`; with a parameter `targets`, a list of them.
    """
    own = list(inspect.signature(command, eval_str=True).parameters.values())
    name = next(parameter.name for parameter in own if parameter.name in ("target", "targets"))

    @functools.wraps(command)
    def run(**given: Any) -> None:
        options = {key: given.pop(key) for key in OPTIONS_OF_TARGETS}
        sources = given.pop(name)
        if "" in ([sources] if name == "target" else sources or []):
            raise UsageError("TARGET is empty: name a run, a bundle or a network")
        if name == "target":
            command(target=Target(sources, **options), **given)
        else:
            command(targets=[Target(source, **options) for source in sources or []], **given)

    what = {"annotation": One} if name == "target" else {"annotation": Several, "default": None}
    parameters = [parameter.replace(**what) if parameter.name == name else parameter for parameter in own]
    options = [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for key, (annotation, default) in OPTIONS_OF_TARGETS.items()
    ]
    arguments = [parameter for parameter in parameters if _is_argument(parameter)]
    ordered = [*arguments, *options, *(parameter for parameter in parameters if parameter not in arguments)]
    ordered = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in ordered]
    run.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in ordered}
    return run


def _is_argument(parameter: inspect.Parameter) -> bool:
    return any(isinstance(part, ArgumentInfo) for part in getattr(parameter.annotation, "__metadata__", ()))
