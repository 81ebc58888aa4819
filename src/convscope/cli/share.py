"""`convscope share`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from ..choices import WEIGHTS_PRECISIONS
from ..errors import UsageError, printable
from .output import print_json, say
from .parameters import Json
from .target_options import Target, with_target_options

if TYPE_CHECKING:
    from ..serving.one_file import Shared

Option = typer.Option
WEIGHTS = {"8bit": "8 bits per weight", "half": "half precision", "full": "full precision"}


@with_target_options
def share_command(
    target: Target,
    image: Annotated[
        list[str] | None,
        Option(
            help="A picture to put into the file; the first one is shown at the start. Can be repeated.",
            metavar="PICTURE",
        ),
    ] = None,
    output: Annotated[str | None, Option(help="The file to write. Default: NAME.html.", metavar="FILE")] = None,
    max_size: Annotated[
        float | None,
        Option(
            help="The largest size of the file; epochs are left out where there is no room. Default: 16, but epochs do "
            "not make a file larger than 1 MB that is smaller without them.",
            metavar="MB",
        ),
    ] = None,
    weights_precision: Annotated[
        str | None,
        Option(
            help="Precision of the weights in the file: 8 bits per weight with a scale per channel, half or full "
            "precision. Default: the highest that fits.",
            metavar=f"[{'|'.join(WEIGHTS_PRECISIONS)}]",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write one HTML file with page and network, for any browser.

    Everything that `convscope serve` shows works in it without a server: drawing, every layer, the arithmetic of each
    value, heat maps, switches, epochs.
    """  # fmt: skip
    from ..serving.one_file import share

    if max_size is not None and not 0 < max_size <= 2000:
        raise UsageError(f"--max-size must be above 0 and at most 2000 (MB), not {max_size:g}")
    shared = share(target, output, image or [], max_size, weights_precision)
    if json:
        print_json({"run": target.source, **shared.to_dict()})
        return
    _say_what_is_in(shared)


def _say_what_is_in(shared: Shared) -> None:
    say(f"page       {printable(shared.path)} ({shared.size / 1e6:.2f} MB)")
    say(f"weights    {WEIGHTS[shared.precision]}")
    if shared.error is not None:
        error = shared.error
        say(
            f"           on {error.pictures} pictures a probability changes by at most {error.largest_change:.4f}, "
            f"{error.answers_changed} answers change"
        )
    say(f"epochs     {len(shared.epochs)} of {shared.all_epochs}")
    if len(shared.epochs) < shared.all_epochs:
        say(f"           for all of them: --max-size {math.ceil(10 * shared.mb_of_all_epochs) / 10:g}")
    say(f"pictures   {shared.examples}")
    if shared.training_images:
        say(f"training   {shared.training_images:,} images to train with in the page")
