"""What computes a bundle's graph: a session of ONNX Runtime, or of OpenVINO, which is asked in the same way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .data.decoding.ahead import available_cores
from .errors import ModelFileError, printable

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# The reference, whose answers were compared with the network's before the graph was written.
ONNX_RUNTIME = "onnxruntime"
# What is tried beside it where OpenVINO is installed, with OpenVINO's names of the numbers that it computes with.
OPENVINO = {"openvino-float32": "f32", "openvino-bf16": "bf16"}


class Session(Protocol):
    """A graph that is ready to compute. Several threads may use one."""

    def run(self, output_names: Sequence[str], input_feed: Mapping[str, np.ndarray], /) -> Sequence[np.ndarray]:
        """Return the outputs with these names."""


# Makes a session of a file, on so many threads (one for each core if None); ModelFileError if that fails.
Open = Callable[[Path, "int | None"], Session]


def other_runtimes() -> dict[str, Open]:
    """Return what can compute a graph beside ONNX Runtime, by name: what is installed, without importing it."""
    if find_spec("openvino") is None:
        return {}
    return {name: partial(OpenVinoSession, precision=precision) for name, precision in OPENVINO.items()}


def onnx_session(path: Path, threads: int | None = None) -> InferenceSession:
    """Return a session of ONNX Runtime; ModelFileError if the file is damaged."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_cores()
    options.log_severity_level = 3
    # Threads that wait for work must not keep the cores from those that decode.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as problem:  # ONNX Runtime has an exception of its own for each way to fail
        raise ModelFileError(f"{printable(path)} is damaged or no ONNX model ({_short(problem)})") from problem


class OpenVinoSession:
    """A graph computed by OpenVINO on the CPU, its sums in `precision`: "f32" or "bf16".

    ModelFileError if OpenVINO cannot compute it, or if the processor does not compute in that precision.
    """

    def __init__(self, path: Path, threads: int | None = None, precision: str = "f32"):
        import openvino

        core, cores = openvino.Core(), available_cores()
        if precision.upper() not in {"F32", *core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")}:
            raise ModelFileError(f"this processor does not compute in {precision}")
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": cores,
            # With one thread for each request, as many requests as there are cores are computed at the same time.
            "NUM_STREAMS": 1 if threads is None else cores,
            "ENABLE_CPU_PINNING": False,  # several processes would be put on the same cores
        }
        try:
            self.model = core.compile_model(str(path), "CPU", settings)
        except Exception as problem:  # OpenVINO raises RuntimeError, and what its parts raise
            raise ModelFileError(f"OpenVINO cannot compute {printable(path)} ({_short(problem)})") from problem
        self.of_thread = threading.local()

    def run(self, output_names: Sequence[str], input_feed: Mapping[str, np.ndarray], /) -> list[np.ndarray]:
        """Return the outputs with these names."""
        if not hasattr(self.of_thread, "request"):
            self.of_thread.request = self.model.create_infer_request()
        answers = self.of_thread.request.infer(dict(input_feed))
        return [answers[name] for name in output_names]


def _short(problem: Exception) -> str:
    return " ".join(printable(problem).split())[:200]
