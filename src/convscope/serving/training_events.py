"""A training as it goes on: a server-sent event for every row that appears in its table of figures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from .http.binary_response import to_json
from .snapshots import Snapshots

LOOK_EVERY = 0.5
# A browser that lost the line comes back by itself; a comment now and then shows whether it is still there.
ALIVE_EVERY, LONGEST = 10.0, 3600.0


async def follow(snapshots: Snapshots | None, stopping: Callable[[], bool]) -> AsyncIterator[bytes]:
    """All rows so far and then each new one, as `data: {...}`; at last `event: end`, when the training is over."""
    if snapshots is None:
        yield b"event: end\ndata: {}\n\n"
        return
    sent, waited, silent = 0, 0.0, 0.0
    while waited < LONGEST and not stopping():
        running = snapshots.running()
        rows = snapshots.rows()
        if len(rows) < sent:  # the run began anew
            sent = 0
        for row in rows[sent:]:
            yield b"data: " + to_json({**row, "epochs": snapshots.epochs()}) + b"\n\n"
        silent = 0.0 if len(rows) > sent else silent + LOOK_EVERY
        sent = len(rows)
        if not running:
            yield b"event: end\ndata: {}\n\n"
            return
        if silent >= ALIVE_EVERY:
            silent = 0.0
            yield b": still training\n\n"
        await asyncio.sleep(LOOK_EVERY)
        waited += LOOK_EVERY
