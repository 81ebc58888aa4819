"""Where a person's own network comes from: `mynet.py:CNN` on the command line, a class or an instance in Python.

The file is run, as `import` would run it. It is therefore loaded only where its name was typed for that purpose, never
because a bundle, a run folder or a recipe mentions it.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from ...errors import ModelFileError, UsageError, printable
from ...suggest import did_you_mean

SOURCE = re.compile(r"(?P<file>.+\.py)(?::(?P<name>[^\W\d]\w*(?:\.\w+)*))?$")
# What stands in the place of the file where there is none, as in a notebook.
NO_FILE = "own"


def is_source(text: object) -> bool:
    """Tell whether a text names a network of a Python file: `mynet.py:CNN`, or a file alone."""
    return isinstance(text, str) and SOURCE.match(text) is not None


def is_own(architecture: str) -> bool:
    """Tell whether an architecture that a bundle or a recipe names is a person's own network."""
    return ":" in architecture and not architecture.startswith("timm:")


def source_name(model: Any) -> str:
    """Return `file.py:Name` of an instance, class or function, without folders; `own:Name` where there is no file."""
    made_by = type(model) if isinstance(model, nn.Module) else model
    made_by = inspect.unwrap(getattr(made_by, "func", made_by))  # the function in a functools.partial
    name = getattr(made_by, "__name__", type(made_by).__name__).strip("<>")
    try:
        file = Path(inspect.getsourcefile(made_by) or "")
    except (TypeError, OSError):
        file = Path()
    # Notebooks give their cells names of temporary files, which say nothing; `Sequential` is not in a file of theirs.
    says_something = file.suffix == ".py" and not file.stem.isdigit() and not made_by.__module__.startswith("torch.")
    return f"{file.name if says_something else NO_FILE}:{name}"


def load_source(text: str) -> Any:
    """Run the file of `mynet.py:CNN` and return what it calls CNN: a class, a function or an instance.

    UsageError in one line if the file cannot be run or has no such name.
    """
    found = SOURCE.match(text)
    assert found is not None
    path, name = Path(found["file"]), found["name"]
    if not path.is_file():
        raise UsageError(f"{printable(path)}: no such file: give a network of your own as FILE.py:CLASS")
    module = _run(path)
    known = _networks(module)
    if name is None:
        listed = ", ".join(f"{printable(path)}:{each}" for each in known) or "a class derived from torch.nn.Module"
        raise UsageError(f"{printable(path)}: say which network of this file: {listed}")
    value: Any = module
    for part in name.split("."):
        if not hasattr(value, part):
            hint = did_you_mean(name, known, f"it has {', '.join(known) or 'no class derived from torch.nn.Module'}")
            raise UsageError(f"{printable(path)} has no '{printable(name)}': {hint}")
        value = getattr(value, part)
    return value


def same_file(given: Any, architecture: str) -> Any:
    """Return the class that `architecture` names where it is in the file of `given`, FILE.py:CLASS; else `given`.

    With one file several runs can be opened. Only a network's class is taken, whatever the name in a bundle may be.
    """
    found = SOURCE.match(given) if isinstance(given, str) else None
    file, _, name = architecture.rpartition(":")
    if found is None or Path(found["file"]).name != file or found["name"] == name or not Path(found["file"]).is_file():
        return given
    value = vars(_run(Path(found["file"]))).get(name)
    return f"{found['file']}:{name}" if isinstance(value, type) and issubclass(value, nn.Module) else given


def needs_class(architecture: str, shown: str) -> ModelFileError:
    """Return the error for a file that names a person's own network, where nobody has given that network."""
    own = printable(architecture)
    name = printable(architecture.rpartition(":")[2])
    file = own if not own.startswith(f"{NO_FILE}:") else f"FILE.py:{name}"
    return ModelFileError(
        f"{shown} is a network of somebody's own, {own}, whose code is not stored here: give it with --model {file}, "
        f"in Python model={name}"
    )


def _run(path: Path) -> ModuleType:
    """Run a file as a module of its own name; files beside it can be imported by it."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder, before = str(path.resolve().parent), sys.modules.get(path.stem)
    sys.path.insert(0, folder)
    sys.modules[path.stem] = module  # what the file defines may ask for its module while it is made
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as problem:
        reason = f"{type(problem).__name__}: {' '.join(printable(problem).split())[:200]}"
        raise UsageError(f"{printable(path)} cannot be run{_line_of(problem, path)}: {reason}") from problem
    finally:
        sys.path.remove(folder)
        if before is not None:  # a file called `random.py` must not stand for the library of that name
            sys.modules[path.stem] = before
    return module


def _line_of(problem: BaseException, path: Path) -> str:
    if isinstance(problem, SyntaxError):
        return f", line {problem.lineno}"
    lines = []
    frame = problem.__traceback__
    while frame is not None:
        if Path(frame.tb_frame.f_code.co_filename).name == path.name:
            lines.append(frame.tb_lineno)
        frame = frame.tb_next
    return f", line {lines[-1]}" if lines else ""


def _networks(module: ModuleType) -> list[str]:
    """Return the names of the networks that a file defines itself."""
    return [
        name
        for name, value in vars(module).items()
        if isinstance(value, nn.Module)
        or (isinstance(value, type) and issubclass(value, nn.Module) and value.__module__ == module.__name__)
    ]
