"""What a page is looking at: few, small, forgotten after a while, and known only to who made them."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from torch import Tensor

from ..insight import Trace
from .classifiers import Served
from .http.errors import Refusal
from .what_if import Edits

MAX_SESSIONS = 200
MAX_OF_A_PAGE = 24
LIFETIME = 3600.0
MAX_TRACE_BYTES = 400_000_000


@dataclass(frozen=True)
class Session:
    """One image in one network: all that is needed to compute everything about it again.

    `pixels` is the uint8 input 1 x C x H x W before normalisation and before any edit.
    """

    served: Served
    epoch: int | None
    pixels: Tensor
    edits: Edits
    page: str | None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(18))

    def edited(self, edits: Edits) -> Session:
        """A new session of the same image with these edits instead of its own."""
        return Session(self.served, self.epoch, self.pixels, edits, self.page)


class Sessions:
    """The sessions by their id. The oldest is forgotten when there are too many, of all or of one page."""

    def __init__(self) -> None:
        self.known: OrderedDict[str, tuple[Session, float]] = OrderedDict()

    def add(self, session: Session) -> None:
        """Remember it."""
        self._forget_old()
        own = [id for id, (other, _) in self.known.items() if session.page is not None and other.page == session.page]
        for id in own[: max(len(own) + 1 - MAX_OF_A_PAGE, 0)]:
            del self.known[id]
        while len(self.known) >= MAX_SESSIONS:
            self.known.popitem(last=False)
        self.known[session.id] = session, time.monotonic()

    def get(self, id: str) -> Session:
        """The session of this id, which lives on for a while; 404 if it was forgotten."""
        self._forget_old()
        found = self.known.pop(id, None)
        if found is None:
            raise Refusal(
                404,
                "this look into the network is no longer there: send the image again",
                "这次观察已被清除，请重新提交图像",
            )
        self.known[id] = found[0], time.monotonic()
        return found[0]

    def _forget_old(self) -> None:
        horizon = time.monotonic() - LIFETIME
        while self.known and next(iter(self.known.values()))[1] < horizon:
            self.known.popitem(last=False)


class Traces:
    """The traces of the last sessions, as many as fit; any other is computed again. For one thread."""

    def __init__(self) -> None:
        self.kept: OrderedDict[str, tuple[Trace, int]] = OrderedDict()

    def get(self, id: str) -> Trace | None:
        """The trace of a session, if it is still there."""
        found = self.kept.get(id)
        if found is None:
            return None
        self.kept.move_to_end(id)
        return found[0]

    def add(self, id: str, trace: Trace, size: int) -> None:
        """Keep a trace whose outputs have `size` bytes; older ones make room."""
        self.kept[id] = trace, size
        while len(self.kept) > 1 and sum(size for _, size in self.kept.values()) > MAX_TRACE_BYTES:
            self.kept.popitem(last=False)
