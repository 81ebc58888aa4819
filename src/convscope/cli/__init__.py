"""The command line, one file per verb. Heavy libraries are imported inside the verbs, so that `--help` is quick."""

from __future__ import annotations

import atexit
import gc
import io
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from ..errors import ConvScopeError, Interrupted, printable
from ..messages.translate import translated
from .cache import cache_command
from .check import check_command
from .compare import compare_command
from .evaluate import evaluate_command
from .explain import explain_command
from .export import export_command
from .features import features_command
from .help import SpokenCommand, SpokenGroup
from .learn import learn_command
from .models import models_command
from .predict import predict_command
from .push import push_command
from .report import report_command
from .serve import serve_command
from .shard import shard_command
from .share import share_command
from .summary import summary_command
from .train import train_command

# No garbage collection at the end of the process: going through everything that torch has imported takes a second.
atexit.register(gc.freeze)

# The exit code after Ctrl-C.
STOPPED = 130
# Packages that are called otherwise than their modules.
PACKAGES = {"yaml": "pyyaml", "PIL": "pillow", "prometheus_client": "prometheus-client"}
# What pydantic puts before a reason of ours.
OF_PYDANTIC = re.compile(r"(?<=: )Value\Werror,\W")

app = typer.Typer(
    cls=SpokenGroup,
    help="Train, see inside and ship the classic convolutional image classifiers.",
    epilog="`convscope VERB --help` describes a verb. Add --debug to any verb for the stack trace of an error.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
VERBS: dict[str, Callable[..., None]] = {
    "train": train_command,
    "evaluate": evaluate_command,
    "compare": compare_command,
    "report": report_command,
    "predict": predict_command,
    "explain": explain_command,
    "features": features_command,
    "serve": serve_command,
    "export": export_command,
    "share": share_command,
    "push": push_command,
    "check": check_command,
    "shard": shard_command,
    "cache": cache_command,
    "models": models_command,
    "summary": summary_command,
    "learn": learn_command,
}
for _name, _command in VERBS.items():
    app.command(_name, cls=SpokenCommand)(_command)


def _show_version(requested: bool) -> None:
    if requested:
        from ..version import __version__

        typer.echo(f"convscope {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Declare the options that come before a verb."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Every error is one line on stderr; `--debug` raises it instead."""
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    debug = _take_debug(words)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(format="%(message)s", handlers=[_StderrHandler()], force=True)
    try:
        code = app(words, prog_name="convscope", standalone_mode=False)
        if code == STOPPED:  # Typer takes Ctrl-C for an exit that needs no word
            raise KeyboardInterrupt
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except BrokenPipeError:
        # The reader of our output (`| head`) has closed the pipe: nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as problem:
        if debug:
            raise
        code, message = _exit_code_and_message(problem, words)
        if _is_to_be_said(problem):
            print(_process() + translated(message), file=sys.stderr)
        return code


def _is_to_be_said(problem: BaseException) -> bool:
    """Return whether this process says what ended it: of a stop that all take part in, the main one does."""
    return not _process() or not isinstance(problem, Interrupted)


def _process() -> str:
    """Return which of several processes that train together speaks, if it is not the main one."""
    rank = os.environ.get("RANK", "0")
    return "" if rank == "0" or "WORLD_SIZE" not in os.environ else f"process {printable(rank)}: "


def _take_debug(words: list[str]) -> bool:
    """Remove every `--debug` before a `--`; return whether there was one."""
    end = words.index("--") if "--" in words else len(words)
    found = "--debug" in words[:end]
    words[:end] = [word for word in words[:end] if word != "--debug"]
    return found


def _exit_code_and_message(problem: BaseException, words: Sequence[str]) -> tuple[int, str]:
    text = " ".join(printable(problem).split())
    if isinstance(problem, KeyboardInterrupt):
        return STOPPED, "stopped"
    if isinstance(problem, ConvScopeError):
        stopped_on_purpose = problem.exit_code in (130, 143)
        return problem.exit_code, text if stopped_on_purpose else f"error: {text}"
    if hasattr(problem, "format_message"):  # the command line itself was wrong
        verb = f" {words[0]}" if words and words[0] in VERBS else ""
        text = " ".join(printable(problem.format_message()).split()).rstrip(".")
        text = OF_PYDANTIC.sub("", text)
        text += _hint_of_compare(problem) if verb == " compare" else ""
        return 2, f"error: {text} (see convscope{verb} --help)"
    if isinstance(problem, ModuleNotFoundError) and problem.name and not problem.name.startswith("convscope"):
        package = PACKAGES.get(problem.name, problem.name)
        return 2, f"error: {package} is not installed: pip install {package}"
    if _is_out_of_memory(problem):
        return 1, "error: out of memory: use a smaller --batch-size or --img-size"
    if isinstance(problem, OSError):
        if problem.filename is not None and problem.strerror:
            text = ": ".join([printable(problem.filename), problem.strerror])
        return 7, f"error: {text}"
    return 1, f"error: unexpected {type(problem).__name__}: {text[:300]} (add --debug for the stack trace)"


def _hint_of_compare(problem: BaseException) -> str:
    """Return how an option of `train` is given to `compare`, if an unknown option is one."""
    from ..training.recipe.options import OPTIONS

    name = str(getattr(problem, "option_name", "")).removeprefix("--").replace("-", "_")
    return f" (give it as --option {name}=VALUE)" if name in OPTIONS else ""


def _is_out_of_memory(problem: BaseException) -> bool:
    """Return whether memory has run out: Python's, or torch's on the machine or a device."""
    if isinstance(problem, MemoryError) or type(problem).__name__ == "OutOfMemoryError":
        return True
    return isinstance(problem, RuntimeError) and "DefaultCPUAllocator" in str(problem)


class _StderrHandler(logging.Handler):
    """Print log records as `warning: ...` lines on the stderr of that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            print(printable(translated(f"{record.levelname.lower()}: {record.getMessage()}")), file=sys.stderr)
