"""Which runtime computes a bundle's graph soonest and answers the same: measured once, kept beside it, used later.

`convscope export` measures, since it has images of the run at hand. The file holds for one graph, processor and set of
versions; wherever one of them is another, ONNX Runtime answers.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import platform
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from itertools import count, product
from pathlib import Path
from typing import Any

import numpy as np

from .bundle_file import read_part
from .data.decoding.ahead import available_cores
from .errors import ConvScopeError, ModelFileError, printable
from .files import write_atomically
from .finite_json import dump_json
from .onnx_graph import GRAPH
from .predictor import Answers, Predictor
from .ranking import ImageResult
from .sessions import ONNX_RUNTIME, Open, other_runtimes

log = logging.getLogger("convscope")
# The file beside a graph that names its runtime, and how long it may be.
CHOICE, MAX_BYTES = "runtime.json", 100_000
# What a runtime is chosen for.
FOLDERS, SERVICE = "folders", "service"
# How far a probability may be from ONNX Runtime's. No class, no label and no "unknown" may change.
TOLERANCE = 0.01
# How many images are compared, and when no more of them are, nor timed again.
FEWEST, MOST, SECONDS = 28, 256, 4.0
BATCH, ROUNDS, IN_A_ROW = 32, 20, 8
# How much faster a runtime must be to be chosen: less may be chance.
LEAST_GAIN = 1.1


def measure(predictor: Predictor, pixels: np.ndarray, others: Mapping[str, Open] | None = None) -> dict[str, Any]:
    """Return which runtime answers for a predictor soonest, as the file holds it, with the figures of each.

    `pixels` are those of real images, uint8 N x C x H x W. Chosen is the highest of `images_per_second` among the
    runtimes whose answers are those of ONNX Runtime: of batches of 32 for folders; for the service, which computes what
    has come, the geometric mean of these and of single images. The others have a reason in `refused`.
    """
    found: dict[str, dict[str, Any]] = {}
    ready = {ONNX_RUNTIME: predictor}
    for name, open_session in (other_runtimes() if others is None else others).items():
        try:
            opened = predictor.by(name, open_session)
            opened.run_batch(pixels[:1])
            ready[name] = opened
        except Exception as problem:  # whatever a runtime raises for an operation that it does not know
            found[name] = {"refused": " ".join(printable(problem).split())[:200]}
    n, said = _compared(ready, pixels)
    rates = _timed(ready, pixels)
    for name in ready:
        difference, refused = said[name]
        found[name] = {"images_per_second": rates[name], "difference": difference, "refused": refused}
    agreeing = {name: list(rates[name].values()) for name in ready if not said[name][1]}
    chosen = {
        FOLDERS: _best({name: values[-1] for name, values in agreeing.items()}),
        SERVICE: _best({name: math.sqrt(values[0] * values[-1]) for name, values in agreeing.items()}),
    }
    return {"runtime": chosen, "images": n, "measured": found, "made_with": _made_with(predictor)}


def _best(rates: dict[str, float]) -> str:
    best = max(rates, key=rates.__getitem__)
    return best if rates[best] >= LEAST_GAIN * rates[ONNX_RUNTIME] else ONNX_RUNTIME


def _compared(ready: Mapping[str, Predictor], pixels: np.ndarray) -> tuple[int, dict[str, tuple[float, str]]]:
    """Return the number of images, and of each runtime the largest difference and why it is refused, if so."""
    reference, began, n = ready[ONNX_RUNTIME], time.perf_counter(), 0
    largest, changed = dict.fromkeys(ready, 0.0), dict.fromkeys(ready, 0)
    for start in range(0, min(len(pixels), MOST), BATCH):
        if n >= FEWEST and time.perf_counter() - began > SECONDS:
            break
        part = pixels[start : start + BATCH]
        n += len(part)
        answers = {name: one.run_batch(part) for name, one in ready.items()}
        expected = _answers(reference, answers[ONNX_RUNTIME])
        for name, given in answers.items():
            off = np.abs(given.probabilities - answers[ONNX_RUNTIME].probabilities).max()
            largest[name] = float(np.maximum(largest[name], off))  # which keeps what is not a number
            changed[name] += sum(a != b for a, b in zip(expected, _answers(reference, given), strict=True))
    return n, {name: (largest[name], _why_refused(changed[name], n, largest[name])) for name in ready}


def _why_refused(changed: int, n: int, largest: float) -> str:
    if changed:
        return f"another answer, or another 'unknown', for {changed} of {n} images"
    return "" if largest <= TOLERANCE else f"a probability differs by {largest:.2g}"


def _answers(predictor: Predictor, answers: Answers) -> list[tuple[Any, ...]]:
    """Return what is said of each image: its class or labels, whether it is "unknown", why there is no answer."""

    def said(result: ImageResult) -> tuple[Any, ...]:
        chosen = [p.index for p in result.predictions if getattr(p, "selected", True)]
        return result.reason, result.refusal and result.refusal.kind, sorted(chosen)

    return [said(one) for one in predictor.results(list(answers.probabilities), answers, topk=1)]


def _timed(ready: Mapping[str, Predictor], pixels: np.ndarray) -> dict[str, dict[str, float]]:
    """Return the images per second of each runtime at batches of 1 and of 32: the best of some rounds.

    They are asked in turn, so that other programs hold up all of them, but some times in a row: the first one finds the
    processor's caches full of the weights of another runtime.
    """
    batches = {size: pixels[np.arange(size) % len(pixels)] for size in (1, ready[ONNX_RUNTIME].batch_size)}
    rates = {name: dict.fromkeys(map(str, batches), 0.0) for name in ready}
    began = time.perf_counter()
    for number in count():
        if number > ROUNDS or (number > 1 and time.perf_counter() - began > SECONDS):
            return rates
        for size, batch in batches.items():
            for (name, predictor), _ in product(ready.items(), range(min(BATCH // size, IN_A_ROW))):
                start = time.perf_counter()
                predictor.run_batch(batch)
                if number:  # the first round reserves memory
                    rate = size / max(time.perf_counter() - start, 1e-9)
                    rates[name][str(size)] = max(rates[name][str(size)], round(rate, 1))
    return rates


def quickest(predictor: Predictor, use: str, others: Mapping[str, Open] | None = None) -> Predictor:
    """Return the same, computed by the runtime that was chosen for FOLDERS or for the SERVICE on this machine.

    The predictor itself where none was chosen; also, after a warning, where the choice does not hold any more.
    """
    path = predictor.bundle / CHOICE
    if predictor.runtime != ONNX_RUNTIME or not path.is_file():
        return predictor
    others = other_runtimes() if others is None else others
    try:
        name, made_with = _read(predictor.bundle, use)
        if name == ONNX_RUNTIME:
            return predictor
        if name not in others:
            raise ModelFileError(f"{printable(path)} chose {printable(name)[:40]}, which is not installed")
        now = _made_with(predictor)
        if changed := [key for key in now if made_with.get(key) != now[key]]:
            raise ModelFileError(f"{printable(path)} was measured with another `{changed[0]}`")
        return predictor.by(name, others[name])
    except ConvScopeError as problem:
        log.warning("%s; ONNX Runtime answers, and `convscope export` measures anew", problem)
        return predictor


def _read(bundle: Path, use: str) -> tuple[str, dict[str, Any]]:
    try:
        choice = json.loads(read_part(bundle, CHOICE, MAX_BYTES))
        name, made_with = choice["runtime"][use], choice["made_with"]
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise ModelFileError(f"{printable(bundle)}: {CHOICE} is damaged") from problem
    if not isinstance(name, str) or not isinstance(made_with, dict):
        raise ModelFileError(f"{printable(bundle)}: {CHOICE} is damaged")
    return name, made_with


def _made_with(predictor: Predictor) -> dict[str, Any]:
    """Return all on which the choice depends: it holds as long as each is the same."""
    digest = hashlib.sha256((predictor.bundle / GRAPH).read_bytes()).hexdigest()
    versions = {name: _version(name) for name in ("onnxruntime", "openvino")}
    return {"graph": digest, "processor": _processor(), "cores": available_cores(), "versions": versions}


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def write_choice(bundle: Path, choice: dict[str, Any] | None) -> None:
    """Keep a choice beside the graph of a bundle; without one, remove the former one."""
    if choice is None:
        (bundle / CHOICE).unlink(missing_ok=True)
    else:
        write_atomically(bundle / CHOICE, dump_json(choice, indent=2) + "\n")
