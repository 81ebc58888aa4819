"""Trainings that a reader of the page starts: one at a time, each a process that ends within the host's time limit."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ..evaluation.run_data import is_gone, source_of_run
from ..run_folder import RunFolder
from ..snapshots import snapshot_epochs
from ..target import Target
from .classifiers import Registry
from .http.errors import HttpError, invalid

# What every installation has, and networks that learn them within a minute on any machine.
DATA = ("digits", "mnist-5k")
NETWORKS = ("lenet_relu", "lenet5", "lenet_sigmoid", "mlp", "softmax_regression")
MOST_KEPT = 8  # trainings of one service, whose files lie in a folder for the time being
MOST_EPOCHS = 50
HUB = "hf:"
START_SECONDS, LOOK_SECONDS = 60.0, 0.2
FIRST_WORDS = ("error:", "convscope:")


class TrainingWish(BaseModel):
    """What a reader asks for: a data set and a network of the lists, and a number of epochs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Annotated[str, Field(max_length=1000)]
    network: Annotated[str, Field(max_length=200)]
    epochs: Annotated[int, Field(ge=1, le=MOST_EPOCHS)] = 12


@dataclass
class PageTrainings:
    """The trainings of one service; `seconds` is the limit of each, 0 where the host allows none."""

    registry: Registry
    seconds: int = 0
    running: subprocess.Popen[str] | None = None
    started: int = 0
    starting: bool = False
    folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    def offer(self) -> dict[str, Any]:
        """Return what can be trained, as JSON: the data sets and networks by name, and the limit in seconds."""
        if not self.seconds:
            return {"seconds": 0, "data": [], "networks": []}
        return {
            "seconds": self.seconds, "data": list(self._data()), "networks": list(self._networks()),
            "epochs": MOST_EPOCHS, "running": self._is_running(), "own": self._own(),
        }  # fmt: skip

    def _runs(self) -> list[RunFolder]:
        """Return the runs that the service was started with, and those that were trained here."""
        return [one.run_folder for one in self.registry.by_id.values() if one.run_folder is not None]

    def _data(self) -> dict[str, None]:
        sources = [source_of_run(run) for run in self._runs()]
        there = [one for one in sources if one and not one.startswith(HUB) and not is_gone(one)]  # no downloads
        return dict.fromkeys([*there, *DATA])

    def _networks(self) -> dict[str, None]:
        own = [run.read_recipe().get("model") for run in self._runs()]
        # Code of a person's own (FILE.py:CLASS) is run by the host alone.
        return dict.fromkeys([*NETWORKS, *(one for one in own if isinstance(one, str) and ":" not in one)])

    def _own(self) -> dict[str, dict[str, str]]:
        """Return by classifier what its own run was trained on and which network it is, as far as that is offered."""
        data, networks = self._data(), self._networks()
        own = {}
        for id, one in self.registry.by_id.items():
            if one.run_folder is not None:
                source, network = source_of_run(one.run_folder), one.run_folder.read_recipe().get("model")
                own[id] = {**({"data": source} if source in data else {}),
                           **({"network": network} if network in networks else {})}  # fmt: skip
        return own

    def _is_running(self) -> bool:
        return self.running is not None and self.running.poll() is None

    async def start(self, wish: TrainingWish, is_stopping: Callable[[], bool] = lambda: False) -> str:
        """Start a training and return the id of its classifier, once the page can show its first weights.

        HttpError 403 where the host allows none, 409 while one is running, 422 for what is not offered or fails.
        """
        self._check(wish)
        self.starting = True
        try:
            run, log = self._launch(wish)
            await self._first_weights(run, log, is_stopping)
            return await asyncio.to_thread(self.registry.add, Target(str(run)))
        finally:
            self.starting = False

    def _check(self, wish: TrainingWish) -> None:
        if not self.seconds:
            raise HttpError(
                403,
                "this service trains no networks: its host can allow it with `convscope serve --train 1m`",
                "本服务不提供训练；可由启动者用 `convscope serve --train 1m` 开启",
            )
        if self.starting or self._is_running():
            raise HttpError(409, "a training is running: wait for its end", "已有一个训练正在进行，请等它结束")
        if self.started >= MOST_KEPT:
            raise HttpError(
                409,
                f"this service has trained {MOST_KEPT} networks, which is all it keeps: start it again",
                f"本服务最多保留 {MOST_KEPT} 个训练，请重新启动服务",
            )
        if wish.data not in self._data():
            raise invalid("this data set is not offered here", "这里没有提供该数据集")
        if wish.network not in self._networks():
            raise invalid("this network is not offered here", "这里没有提供该网络")

    def _launch(self, wish: TrainingWish) -> tuple[Path, Path]:
        """Start the process; its run folder, which it makes, and the file with its words."""
        if self.folder is None:
            self.folder = tempfile.TemporaryDirectory(prefix="convscope-page-", ignore_cleanup_errors=True)
        self.started += 1
        place, name = Path(self.folder.name), f"trained-here-{self.started}"
        log = place / f"{name}.log"
        command = [
            sys.executable, "-m", "convscope", "train", wish.data, "--model", wish.network, "--name", name,
            "--epochs", str(wish.epochs), "--time-budget", f"{self.seconds}s", "--output", str(place),
            "--device", self.registry.device.type,
        ]  # fmt: skip
        with log.open("w") as words:
            self.running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, text=True)
        return place / name, log

    async def _first_weights(self, run: Path, log: Path, is_stopping: Callable[[], bool]) -> None:
        process, end = self.running, time.monotonic() + START_SECONDS
        assert process is not None
        while not snapshot_epochs(RunFolder(run).snapshots):
            if process.poll() is not None:
                reason = _last_words(log)
                raise invalid(f"the training failed: {reason}", f"训练失败：{reason}")
            if time.monotonic() > end or is_stopping():
                self.close_process()
                raise HttpError(504, "the training did not start in time", "训练未能及时开始")
            await asyncio.sleep(LOOK_SECONDS)

    def close_process(self) -> None:
        """End a training that is running."""
        if self.running is not None and self.running.poll() is None:
            self.running.terminate()
            try:
                self.running.wait(5)
            except subprocess.TimeoutExpired:
                self.running.kill()

    def close(self) -> None:
        """End what is running and remove the files."""
        self.close_process()
        if self.folder is not None:
            self.folder.cleanup()


def _last_words(log: Path) -> str:
    """Return the line of a log that says what was wrong."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    said = [line for line in lines if line.lower().startswith(FIRST_WORDS)]
    return (said or lines or ["it ended without a word"])[-1][:300]
