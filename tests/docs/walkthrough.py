"""Pages that go through a tutorial: their Python and their commands, run in order, and what these print.

A block of `python` or `sh` is followed by a block of `text` with its output. A line of `...` stands for any number of
lines. Python blocks of a page share their names. A command without output under it takes long: it is only parsed.

    python -m tests.docs.walkthrough FILE.md...     write the outputs anew, except those that leave out lines
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from convscope.cli import app, main

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "en" / "tutorials").glob("*.md"))
SERVED = "http://127.0.0.1:8000/#"  # what a link into the page of `convscope serve` begins with
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.S | re.M)
ELLIPSIS = "..."


class Block(NamedTuple):
    """A block that is run, and the output that the page shows; None where it shows none."""

    language: str
    code: str
    output: str | None
    line: int


def blocks(path: Path) -> list[Block]:
    """The blocks of a page that are run."""
    text = path.read_text(encoding="utf-8")
    found = list(FENCE.finditer(text))
    result = []
    for i, match in enumerate(found):
        language, code = match.groups()
        if language not in ("python", "sh"):
            continue
        following = found[i + 1] if i + 1 < len(found) else None
        adjacent = following and following[1] == "text" and not text[match.end() : following.start()].strip()
        output = following[2] if following and adjacent else None
        result.append(Block(language, code, output, text.count("\n", 0, match.start()) + 1))
    return result


def links(path: Path) -> list[str]:
    """The targets of a page's links."""
    return re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))


def run(block: Block, names: dict[str, Any]) -> str:
    """Run a block and return what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        if block.language == "python":
            exec(compile(block.code, f"<line {block.line}>", "exec"), names)
        else:
            for words in commands(block.code):
                main(words[1:])
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines()) + "\n"


def commands(code: str) -> list[list[str]]:
    """The commands of the product in a block, without comments."""
    lines = code.replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [one for one in words if one and one[0] == "convscope"]


def parse(words: list[str]) -> None:
    """Parse a command without running it; an exception says what it does not know."""
    import typer.main

    verbs = typer.main.get_command(app)
    verb = verbs.commands[words[1]]  # type: ignore[attr-defined]
    verb.make_context(words[1], words[2:])


def agrees(printed: str, shown: str) -> bool:
    """Whether an output is as shown, where a line of `...` stands for any lines."""
    parts = re.split(rf"^{re.escape(ELLIPSIS)}$", shown.strip("\n"), flags=re.M)
    pattern = r"(?:.*\n|)".join(re.escape(part.strip("\n")) for part in parts)
    ending = "" if parts[-1] else "\n"
    return re.fullmatch(pattern, printed.strip("\n") + ending, flags=re.S) is not None


def _renew(path: Path) -> None:
    text, names = path.read_text(encoding="utf-8"), {"__name__": "page"}
    for block in blocks(path):
        if block.output is None:
            continue
        start = time.perf_counter()
        printed = run(block, names)
        print(f"{path.name}:{block.line}: {time.perf_counter() - start:.1f} s", file=sys.stderr)
        if ELLIPSIS not in block.output.splitlines():
            old = f"```{block.language}\n{block.code}```\n\n```text\n"
            if old not in text:
                raise SystemExit(f"{path}:{block.line}: one empty line between a block and its output")
            text = text.replace(old + block.output, old + printed)
        elif not agrees(printed, block.output):
            print(f"{path}:{block.line}: prints\n{printed}")
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        _renew(Path(name))
