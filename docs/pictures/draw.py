"""Draw the pictures of the course, in both languages: `python -m docs.pictures.draw [NAME ...]`."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from . import layers, networks, training
from .style import STYLE, Say

DOCS = Path(__file__).parents[1]
# Fonts are named for the reader's machine, not for this one.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
# One function per picture: (figure, say) draws it, and its name is that of the file.
PICTURES = {**layers.PICTURES, **training.PICTURES, **networks.PICTURES}


def draw(name: str, language: str) -> Path:
    """Write one picture in one language ("zh", "en"); return its path."""
    path = DOCS / language / "pictures" / f"{name}.svg"
    path.parent.mkdir(exist_ok=True)
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}):
        size, function = PICTURES[name]
        figure = Figure(figsize=size, layout="constrained")
        function(figure, Say(language))
        figure.savefig(path, metadata={"Date": None, "Creator": None})
    text = "\n".join(line.rstrip() for line in path.read_text(encoding="utf-8").splitlines())
    path.write_text(f"{text}\n", encoding="utf-8")
    return path


def main(names: list[str]) -> None:
    """Draw the pictures of `names`, or all."""
    for name in names or PICTURES:
        for language in ("zh", "en"):
            path = draw(name, language)
            print(f"{path.relative_to(DOCS)}  {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
