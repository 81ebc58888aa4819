"""Workers that cannot start: the others answer on, they are tried again, and only if none can start does it end."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from convscope.errors import ConvScopeError, ModelFileError
from convscope.serving import workers
from convscope.serving.workers import Made, Workers


class Server:
    """Serves nothing until it is told to end."""

    should_exit, hung_up, exit_code = False, False, 0

    def run(self, sockets: list[socket.socket]) -> None:
        while not self.should_exit:
            signal.pause()


@dataclass(frozen=True)
class Maker:
    """Makes a service if `folder` has no file `broken`, and is killed while it does if there is one named `deadly`."""

    folder: Path

    def __call__(self) -> Made:
        (self.folder / f"try-{os.getpid()}").touch()
        if (self.folder / "deadly").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        if (self.folder / "broken").exists():
            raise ModelFileError("the classifier is broken")
        server = Server()
        signal.signal(signal.SIGTERM, lambda number, frame: setattr(server, "should_exit", True))
        return Made(SimpleNamespace(by_id={"lenet": 0}, close=lambda: True), server)  # type: ignore[arg-type]


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Two workers, tried again without long pauses, in a process whose signal handlers stay as they are."""
    monkeypatch.setattr(workers, "FIRST_PAUSE", 0.01)
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with socket.socket() as listening:
        yield Workers(2, Maker(tmp_path), listening)
    signal.set_wakeup_fd(-1)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("fault", "said"), [("broken", "the classifier is broken"), ("deadly", "ended by SIGKILL")])
def test_if_none_can_start_the_first_reason_is_the_error(made, tmp_path, fault, said, caplog):
    (tmp_path / fault).touch()
    with pytest.raises(ConvScopeError, match=said):
        made.run(lambda names: pytest.fail("none is ready"))
    assert not caplog.messages and len(list(tmp_path.glob("try-*"))) == 2


def test_one_that_cannot_start_again_is_tried_while_the_other_answers(made, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(workers, "STARTS_IN_VAIN", 1)
    broken = tmp_path / "broken"

    def kill(*numbers: int) -> None:
        for number in numbers:
            os.kill(made.places[number].process.pid, signal.SIGKILL)

    def until(happened: Callable[[], object]) -> None:
        end = time.monotonic() + 60
        while not happened() and time.monotonic() < end:
            time.sleep(0.01)

    def tell() -> None:
        broken.touch()
        kill(0)
        until(lambda: caplog.text.count("is broken") >= 2)  # one more than ends a service whose other worker fails too
        broken.unlink()
        until(lambda: made.places[0].ready_at)
        lives.append(made.places[0].ready_at is not None and made.places[1].ready_at is not None)
        broken.touch()
        kill(0, 1)

    lives: list[bool] = []
    with pytest.raises(ModelFileError, match="the classifier is broken"):
        made.run(lambda names: threading.Thread(target=tell).start())
    assert lives == [True]
    assert "worker 1 was ended by SIGKILL: it is started again in 0.01 s" in caplog.messages
    assert "worker 1 ended with exit code 4: it is started again in 0.02 s" in caplog.messages
