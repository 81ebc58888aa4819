"""Keep what torch's exporters say about their own work away from the user."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the exporters' notes on their own progress away from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    # Of a network that it cannot export, the older one prints the whole graph on stdout, also if its log is disabled.
    log, torch._C._jit_onnx_log = torch._C._jit_onnx_log, lambda *_: None
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            with contextlib.redirect_stderr(io.StringIO()):
                yield
    finally:
        torch._C._jit_onnx_log = log
        logging.disable(before)
