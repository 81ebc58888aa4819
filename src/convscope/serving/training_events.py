"""Training events: a server-sent event for every row that a running training adds to its table of metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from ..run_folder import RunFolder
from ..snapshots import snapshot_epochs
from .http.json_bytes import to_json

POLL_SECONDS = 0.5
# A comment now and then shows whether the browser is still there; one that was disconnected connects again by itself.
KEEP_ALIVE_SECONDS, MAX_SECONDS = 10.0, 3600.0


async def training_events(run_folder: RunFolder | None, stopping: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Yield all rows so far and then each new one, as `data: {...}`; `event: end` once the training has ended."""
    if run_folder is None:
        yield b"event: end\ndata: {}\n\n"
        return
    sent, waited, silent = 0, 0.0, 0.0
    while waited < MAX_SECONDS and not stopping():
        running = run_folder.is_running()
        rows = run_folder.read_metrics()
        if len(rows) < sent:  # the run was started again
            sent = 0
        for row in rows[sent:]:
            yield b"data: " + to_json({**row, "epochs": snapshot_epochs(run_folder.snapshots)}) + b"\n\n"
        silent = 0.0 if len(rows) > sent else silent + POLL_SECONDS
        sent = len(rows)
        if not running:
            yield b"event: end\ndata: {}\n\n"
            return
        if silent >= KEEP_ALIVE_SECONDS:
            silent = 0.0
            yield b": still training\n\n"
        await asyncio.sleep(POLL_SECONDS)
        waited += POLL_SECONDS
