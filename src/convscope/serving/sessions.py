"""Sessions: one image in one network each, few, small, and deleted after a while, each with its trace.

What the page service keeps of its readers' pictures is bounded by `MAX_PICTURE_BYTES` and `MAX_TRACE_BYTES` together.
"""

from __future__ import annotations

import secrets
import threading
import time
import weakref
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from torch import Tensor

from ..insight import Trace
from .classifiers import ServedClassifier
from .http.errors import HttpError
from .what_if import WhatIf

MAX_SESSIONS = 200
MAX_PER_PAGE = 24
LIFETIME_SECONDS = 3600.0
MAX_PICTURE_BYTES, MAX_TRACE_BYTES = 100_000_000, 200_000_000
# What the objects of a trace take beside the outputs, per operation.
OPERATION_BYTES = 8_000


def _new_id() -> str:
    return secrets.token_urlsafe(18)


class Kept:
    """The trace of a session, while it is kept."""

    trace: Trace | None = None
    size = 0


@dataclass(frozen=True, eq=False)
class Session:
    """One image in one network: all that is needed to compute anything about it again.

    `pixels` is the uint8 input 1 x C x H x W before normalisation and before any what-if change. The `id` cannot be
    guessed, so that only the client that made a session can use it. `kept` goes with the session.
    """

    served: ServedClassifier
    epoch: int | None
    pixels: Tensor
    page: str | None
    what_if: WhatIf = field(default_factory=WhatIf)
    id: str = field(default_factory=_new_id)
    kept: Kept = field(default_factory=Kept, repr=False)

    def with_what_if(self, what_if: WhatIf) -> Session:
        """Return a new session of the same image with these changes instead of its own."""
        return replace(self, what_if=what_if, id=_new_id(), kept=Kept())


class Sessions:
    """The sessions by id. The least recently used is deleted when there are too many, in total or of one page.

    Their pictures have at most `MAX_PICTURE_BYTES` together.
    """

    def __init__(self) -> None:
        self.by_id: OrderedDict[str, tuple[Session, float]] = OrderedDict()

    def add(self, session: Session) -> None:
        """Store a session."""
        self._delete_expired()
        own = [id for id, (other, _) in self.by_id.items() if session.page is not None and other.page == session.page]
        for id in own[: max(len(own) + 1 - MAX_PER_PAGE, 0)]:
            del self.by_id[id]
        held = sum(other.pixels.nbytes for other, _ in self.by_id.values()) + session.pixels.nbytes
        while self.by_id and (len(self.by_id) >= MAX_SESSIONS or held > MAX_PICTURE_BYTES):
            held -= self.by_id.popitem(last=False)[1][0].pixels.nbytes
        self.by_id[session.id] = session, time.monotonic()

    def get(self, id: str) -> Session:
        """Return the session with this id and extend its lifetime; HttpError 404 if it was deleted."""
        self._delete_expired()
        entry = self.by_id.pop(id, None)
        if entry is None:
            raise HttpError(404, "this session has expired: send the image again", "会话已过期，请重新提交图像")
        self.by_id[id] = entry[0], time.monotonic()
        return entry[0]

    def _delete_expired(self) -> None:
        oldest = time.monotonic() - LIFETIME_SECONDS
        while self.by_id and next(iter(self.by_id.values()))[1] < oldest:
            self.by_id.popitem(last=False)


class TraceCache:
    """Bounds the traces of all sessions by `MAX_TRACE_BYTES`: those of the least recently used are computed again.

    A trace belongs to its session and ends with it, also if a session was never stored because its client had left.
    """

    def __init__(self) -> None:
        self.recent: OrderedDict[str, weakref.ref[Session]] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, session: Session) -> Trace | None:
        """Return the trace of a session, None if it is not kept."""
        with self.lock:
            if session.id in self.recent:
                self.recent.move_to_end(session.id)
            return session.kept.trace

    def add(self, session: Session, trace: Trace) -> None:
        """Keep a trace with its session; those of other sessions are dropped to make room."""
        outputs = sum(trace.output(node.name).nbytes for node in trace.nodes)
        with self.lock:
            session.kept.trace, session.kept.size = trace, outputs + OPERATION_BYTES * len(trace.nodes)
            self.recent[session.id] = weakref.ref(session)
            living = [(id, found) for id, ref in self.recent.items() if (found := ref()) is not None]
            self.recent = OrderedDict((id, weakref.ref(found)) for id, found in living)
            held = sum(found.kept.size for _, found in living)
            for id, oldest in living[:-1]:
                if held <= MAX_TRACE_BYTES:
                    break
                held -= oldest.kept.size
                oldest.kept.trace, oldest.kept.size = None, 0
                del self.recent[id]
