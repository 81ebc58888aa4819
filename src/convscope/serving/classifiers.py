"""The classifiers that can be chosen: the one that was asked for, and the bundled ones; each read when first used."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..bundle import BUNDLED, SNAPSHOT_FOLDER, bundled_names, find_bundle
from ..classifier import Classifier, load
from ..errors import ModelFileError, printable
from ..insight import Node, Trace, trace
from .http.errors import unknown
from .snapshots import Snapshots, load_snapshot

# Networks of other epochs that stay in memory.
KEPT_EPOCHS = 4


class Served:
    """One classifier of the list. `folder` is its run folder; None for a bundle by itself."""

    def __init__(self, id: str, source: Path, folder: Path | None, device: torch.device):
        self.id, self.source, self.folder, self.device = id, source, folder, device
        self.snapshots = Snapshots(folder) if folder is not None else None
        self.reading = threading.RLock()
        self.epochs: OrderedDict[tuple[int | None, str], nn.Module] = OrderedDict()

    @cached_property
    def classifier(self) -> Classifier:
        """The classifier as saved; of a run that is still going on, its newest snapshot."""
        with self.reading:
            going_on = self.source.name == SNAPSHOT_FOLDER.name
            classifier = load_snapshot(self.source, None) if going_on else load(self.source)
            classifier.network.to(self.device).eval()
            return classifier

    def catch_up(self) -> None:
        """Once a training that was going on has finished, what came of it takes the place of its newest snapshot."""
        if self.folder is None or self.source.name != SNAPSHOT_FOLDER.name:
            return
        with self.reading:
            if (finished := self.folder / "classifier").exists():
                self.source = finished
                self.__dict__.pop("classifier", None)
                self.epochs.clear()

    def network(self, epoch: int | None = None, user: str = "") -> nn.Module:
        """The network, as trained or after an epoch of which there is a snapshot.

        Every `user` (a thread) has modules of its own over the same weights: whoever looks into a network hangs hooks
        into it for a moment.
        """
        key = (epoch, user)
        with self.reading:
            if key in self.epochs:
                self.epochs.move_to_end(key)
                return self.epochs[key]
            if epoch is None:
                network = self.classifier.network
            elif self.snapshots is None or epoch not in self.snapshots.epochs():
                raise unknown("saved epoch", "已保存的轮次", epoch)
            else:
                network = load_snapshot(self.snapshots.place, epoch).network.to(self.device).eval()
            self.epochs[key] = with_own_modules(network)
            while len(self.epochs) > 2 * KEPT_EPOCHS:
                self.epochs.popitem(last=False)
            return self.epochs[key]

    @cached_property
    def structure(self) -> Trace:
        """The nodes of the network, without their outputs."""
        with self.reading:
            images = torch.zeros(1, *self.classifier.preprocess.input_size, device=self.device)
            return trace(with_own_modules(self.classifier.network), images, keep=())

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """The nodes by name."""
        return {node.name: node for node in self.structure.nodes}

    @cached_property
    def graph(self) -> dict[str, Any]:
        """The network as nodes, edges and groups, with what the page needs to know beside it."""
        preprocess = self.classifier.preprocess
        return {
            **self.structure.graph(),
            "classifier": self.id,
            "input_size": list(preprocess.input_size),
            "class_names": self.classifier.class_names,
            "preprocessing": preprocess.to_dict(),
        }

    def entry(self) -> dict[str, Any]:
        """A line of the list of classifiers."""
        self.catch_up()
        classifier = self.classifier
        return {
            "id": self.id,
            "name": self.id,
            "architecture": classifier.architecture,
            "class_names": classifier.class_names,
            "input_size": list(classifier.preprocess.input_size),
            "metrics": classifier.metrics,
            "description": _describe(classifier),
            "has_snapshots": bool(self.snapshots and self.snapshots.epochs()),
        }


class Shelf:
    """All classifiers that can be chosen; `current` is the one that the page begins with."""

    def __init__(self, run: str | None, device: torch.device):
        self.served: dict[str, Served] = {}
        if run is not None:
            source, folder = _find(run)
            name = printable((folder or source).resolve().name.removesuffix(".zip")) or "classifier"
            self.served[name] = Served(name, source, folder, device)
        for name in bundled_names():
            self.served.setdefault(name, Served(name, BUNDLED / name, None, device))
        if not self.served:
            raise ModelFileError(
                "no bundled classifier is installed: give a run folder or a bundle, `last` for the newest"
            )
        self.current = next(iter(self.served))
        _ = self.served[self.current].structure  # what cannot be used is to be known now; the first pass is slow, too

    def get(self, id: str | None) -> Served:
        """The classifier of this id, the current one without; 404 if there is none."""
        found = self.served.get(self.current if id is None else id)
        if found is None:
            raise unknown("classifier", "分类器", id)
        found.catch_up()
        return found


def with_own_modules(network: nn.Module, changed: tuple[str, ...] = ()) -> nn.Module:
    """A copy with modules and hooks of its own over the same memory, except the parameters named in `changed`."""
    own = set(changed)
    shared: dict[int, Any] = {}
    for name, parameter in network.named_parameters():
        if name not in own:
            shared[id(parameter)] = nn.Parameter(parameter.detach(), requires_grad=parameter.requires_grad)
    for buffer in network.buffers():
        shared[id(buffer)] = buffer
    return copy.deepcopy(network, shared)


def _find(run: str) -> tuple[Path, Path | None]:
    """The bundle and the run folder behind it; of an unfinished run, the folder of its snapshots."""
    snapshots = Path(run) / SNAPSHOT_FOLDER
    if not (Path(run) / "classifier").exists() and Snapshots(Path(run)).epochs():
        return snapshots, Path(run)
    bundle = find_bundle(run)
    return bundle, bundle.parent if bundle.is_dir() and bundle.name == "classifier" else None


def _describe(classifier: Classifier) -> dict[str, str]:
    labels, figures = classifier.class_names, classifier.metrics.get("test") or classifier.metrics.get("val") or {}
    en = f"{classifier.architecture}, {len(labels)} classes"
    zh = f"{classifier.architecture}，{len(labels)} 个类别"
    if isinstance(figures, dict) and isinstance(figures.get("top1"), float) and isinstance(figures.get("n"), int):
        kind_en, kind_zh = ("test", "测试") if "test" in classifier.metrics else ("validation", "验证")
        en += f", {figures['top1']:.2%} of {figures['n']:,} {kind_en} images right"
        zh += f"，在 {figures['n']:,} 张{kind_zh}图像上正确率 {figures['top1']:.2%}"
    return {"en": en, "zh": zh}
