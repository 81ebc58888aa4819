"""`convscope push`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import printable
from .output import print_json, say
from .parameters import Json, Run


def push_command(
    run: Run,
    repository: Annotated[
        str, typer.Argument(help="Where to publish it on the Hugging Face hub.", metavar="OWNER/NAME")
    ],
    private: Annotated[bool, typer.Option("--private", help="Let only the owner see it, if it is new.")] = False,
    license: Annotated[
        str | None,
        typer.Option(
            help="Licence under which you publish it, such as apache-2.0 or cc-by-4.0; it is written into the card.",
            metavar="NAME",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Publish a classifier on the Hugging Face hub.

    Settings, weights, labels, the model card and the exported graph if there is one; `cs.load("hf://OWNER/NAME")` and
    every verb open it. Without --license, the licence in the bundle's README.md is kept.
    """
    from ..bundle_config import find_bundle, read_config
    from ..bundle_hub import push_bundle

    bundle = find_bundle(run)
    read_config(bundle)
    page = push_bundle(bundle, repository, private, license)
    if json:
        print_json({"run": run, "page": page})
    else:
        say(f"published {printable(page)}")
