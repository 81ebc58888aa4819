"""Sessions: one image in one network each, few, small, and deleted after a while; and the cache of their traces."""

from __future__ import annotations

import secrets
import time
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
MAX_TRACE_BYTES = 400_000_000


def _new_id() -> str:
    return secrets.token_urlsafe(18)


@dataclass(frozen=True)
class Session:
    """One image in one network: all that is needed to compute anything about it again.

    `pixels` is the uint8 input 1 x C x H x W before normalisation and before any what-if change. The `id` cannot be
    guessed, so that only the client that made a session can use it.
    """

    served: ServedClassifier
    epoch: int | None
    pixels: Tensor
    page: str | None
    what_if: WhatIf = field(default_factory=WhatIf)
    id: str = field(default_factory=_new_id)

    def with_what_if(self, what_if: WhatIf) -> Session:
        """Return a new session of the same image with these changes instead of its own."""
        return replace(self, what_if=what_if, id=_new_id())


class Sessions:
    """The sessions by id. The least recently used is deleted when there are too many, in total or of one page."""

    def __init__(self) -> None:
        self.by_id: OrderedDict[str, tuple[Session, float]] = OrderedDict()

    def add(self, session: Session) -> None:
        """Store a session."""
        self._delete_expired()
        own = [id for id, (other, _) in self.by_id.items() if session.page is not None and other.page == session.page]
        for id in own[: max(len(own) + 1 - MAX_PER_PAGE, 0)]:
            del self.by_id[id]
        while len(self.by_id) >= MAX_SESSIONS:
            self.by_id.popitem(last=False)
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
    """The traces of the most recently used sessions, within a limit of memory. For one thread."""

    def __init__(self) -> None:
        self.by_id: OrderedDict[str, tuple[Trace, int]] = OrderedDict()

    def get(self, id: str) -> Trace | None:
        """Return the trace of a session, None if it is not stored."""
        entry = self.by_id.get(id)
        if entry is None:
            return None
        self.by_id.move_to_end(id)
        return entry[0]

    def add(self, id: str, trace: Trace, size: int) -> None:
        """Store a trace whose outputs have `size` bytes; the least recently used are deleted to make room."""
        self.by_id[id] = trace, size
        while len(self.by_id) > 1 and sum(size for _, size in self.by_id.values()) > MAX_TRACE_BYTES:
            self.by_id.popitem(last=False)
