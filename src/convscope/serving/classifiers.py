"""The registry of classifiers: the requested run and the bundled ones, each loaded when first used."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..bundle_config import BUNDLED, bundled_names, find_bundle
from ..classifier import Classifier, card_of, load
from ..errors import ModelFileError, UsageError, printable
from ..insight import Node, Trace, trace
from ..models import Card
from ..opening import Opened, code_of_bundle, names_network, network_of, open_network
from ..run_folder import METRICS, RunFolder, find_run, read_metrics, run_of_bundle
from ..snapshots import load_snapshot, snapshot_epochs
from ..target import Target, as_target
from .describing import description, in_python
from .http.errors import not_found
from .layer_maps import LayerMaps, layer_maps
from .shared_weights import copy_modules

# Networks of saved epochs that stay in memory, each once per worker.
MAX_EPOCHS_IN_MEMORY = 4


class ServedClassifier:
    """One classifier of the registry. `run_folder` is None for a bundle without a run, `model` the card of a
    person's own network."""

    def __init__(
        self,
        id: str,
        source: Path,
        run_folder: RunFolder | None,
        device: torch.device,
        model: Card | None = None,
    ):
        self.model = model
        self.id, self.source, self.run_folder, self.device = id, source, run_folder, device
        self.caution: dict[str, str] | None = None
        self.is_on_disk, self.is_bundled = True, False
        self.target: Target | None = None  # of a network by name
        self.lock = threading.RLock()
        self.networks: OrderedDict[tuple[int | None, str], nn.Module] = OrderedDict()

    @classmethod
    def of(cls, opened: Opened, device: torch.device) -> ServedClassifier:
        """Return one that is loaded already and belongs to no run."""
        served = cls(opened.name, Path(opened.name), None, device)
        opened.classifier.network.to(device).eval()
        served.__dict__["classifier"] = opened.classifier
        served.caution, served.is_on_disk = opened.caution, False
        return served

    @cached_property
    def classifier(self) -> Classifier:
        """The classifier as saved; of an unfinished run, its newest snapshot."""
        with self.lock:
            return self._read()

    def _read(self) -> Classifier:
        unfinished = self.is_unfinished()
        classifier = load_snapshot(self.source, None, self.model) if unfinished else load(self.source, self.model)
        classifier.network.to(self.device).eval()
        return classifier

    def is_loaded(self) -> bool:
        """Return whether the classifier is in memory."""
        return "classifier" in self.__dict__

    def reload(self) -> None:
        """Read the classifier again; ModelFileError if it fails: the former one stays. A network by name stays."""
        if not self.is_on_disk:
            return
        classifier = self._read()
        with self.lock:
            for derived in ("structure", "nodes", "layer_maps", "graph"):
                self.__dict__.pop(derived, None)
            self.networks.clear()
            self.__dict__["classifier"] = classifier

    def switch_to_finished(self) -> None:
        """Replace the newest snapshot of an unfinished run by the final classifier, once the training has saved it."""
        if self.run_folder is None or not self.is_unfinished():
            return
        with self.lock:
            if self.run_folder.is_finished():
                self.source = self.run_folder.classifier
                self.__dict__.pop("classifier", None)
                self.networks.clear()

    def is_unfinished(self) -> bool:
        """Return whether the classifier is the newest snapshot of a run that has none yet."""
        return self.run_folder is not None and self.source == self.run_folder.snapshots

    @property
    def snapshots(self) -> Path:
        """The folder that the snapshots are in, if there are any: the run's, or the bundle itself."""
        return self.source if self.run_folder is None else self.run_folder.snapshots

    def epochs(self) -> list[int]:
        """Return the epochs of which there is a snapshot; 0 stands for the first, random weights."""
        return snapshot_epochs(self.snapshots) if self.is_on_disk else []

    def metrics(self) -> list[dict[str, float | None]]:
        """Return the rows of the training's table of metrics: the run's, or those that the bundle came with."""
        if self.run_folder is not None:
            return self.run_folder.read_metrics()
        return read_metrics(self.source / METRICS) if self.is_on_disk else []

    def network(self, epoch: int | None = None, user: str = "") -> nn.Module:
        """Return the network as trained, or after an epoch with a snapshot; HttpError 404 if there is none.

        Every `user` (a worker) gets modules of its own over the same weights, since hooks are attached to a network
        while it is traced.
        """
        key = (epoch, user)
        with self.lock:
            if key in self.networks:
                self.networks.move_to_end(key)
                return self.networks[key]
            if epoch is None:
                network = self.classifier.network
            elif epoch not in self.epochs():
                raise not_found("saved epoch", "已保存的轮次", epoch)
            else:
                network = load_snapshot(self.snapshots, epoch, self.model).network.to(self.device).eval()
            self.networks[key] = copy_modules(network)
            while len(self.networks) > 2 * MAX_EPOCHS_IN_MEMORY:
                self.networks.popitem(last=False)
            return self.networks[key]

    @cached_property
    def structure(self) -> Trace:
        """The nodes of the network, without their outputs."""
        with self.lock:
            images = torch.zeros(1, *self.classifier.preprocess.input_size, device=self.device)
            return trace(copy_modules(self.classifier.network), images, keep=())

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """The nodes by name."""
        return {node.name: node for node in self.structure.nodes}

    @cached_property
    def layer_maps(self) -> dict[str, LayerMaps]:
        """How the layers are shown whose outputs are no maps."""
        return layer_maps(self.structure.nodes)

    @cached_property
    def graph(self) -> dict[str, Any]:
        """The network as nodes, edges and groups, with the classes and the preprocessing, as JSON."""
        preprocess = self.classifier.preprocess
        graph = self.structure.graph()
        shown = {name: maps.to_dict() for name, maps in self.layer_maps.items()}
        return {
            **graph,
            "nodes": [node | shown.get(node["name"], {}) for node in graph["nodes"]],
            "classifier": self.id,
            "input_size": list(preprocess.input_size),
            "class_names": self.classifier.class_names,
            **self.classifier.task.to_config(),
            "preprocessing": preprocess.to_dict(),
        }

    def _name(self) -> str:
        """The name of the run or the bundle, which the id may have more than."""
        if self.is_bundled:
            return self.id
        return self.source.name if self.run_folder is None else self.run_folder.path.resolve().name

    def entry(self) -> dict[str, Any]:
        """Return the classifier's entry in the list of classifiers, as JSON."""
        self.switch_to_finished()
        classifier = self.classifier
        code = None if self.model is None else classifier.architecture
        return {
            "id": self.id,
            "name": self.id,
            "architecture": classifier.architecture,
            "class_names": classifier.class_names,
            "input_size": list(classifier.preprocess.input_size),
            "metrics": classifier.metrics,
            "description": description(classifier),
            "python": in_python(self.target, self._name(), code, self.is_bundled),
            "caution": self.caution,
            "has_snapshots": bool(self.epochs()),
        }


class Registry:
    """All classifiers by id: those that were asked for, then the bundled ones; the page shows `current` first."""

    def __init__(self, targets: Sequence[str | Target], device: torch.device):
        self.by_id: dict[str, ServedClassifier] = {}
        self.device = device
        self.on_add: Callable[[ServedClassifier], None] = lambda served: None
        for target in _settled([as_target(target) for target in targets]):
            served = serve_target(target, device)
            served.id = self._free(served)
            self.by_id[served.id] = served
        for name in bundled_names():
            bundled = ServedClassifier(name, BUNDLED / name, None, device)
            bundled.is_bundled = True
            self.by_id.setdefault(name, bundled)
        if not self.by_id:
            raise ModelFileError(
                "no bundled classifier is installed: give a run folder or a bundle, or `last` for the newest run"
            )
        self.current = next(iter(self.by_id))
        # Load them now: an error must come before the service starts, and the first pass through a network is slow.
        for served in list(self.by_id.values())[: max(len(targets), 1)]:
            _ = served.structure

    def add(self, target: Target) -> str:
        """Add a classifier while the service runs, and return its id."""
        served = serve_target(target, self.device)
        served.id = self._free(served)
        _ = served.structure
        self.by_id = {**self.by_id, served.id: served}  # others may be reading the former one
        self.on_add(served)
        return served.id

    def _free(self, served: ServedClassifier) -> str:
        """Return the name of a classifier, with its folder where another one has the same."""
        taken, name = self.by_id, served.id
        if name in taken and served.run_folder is not None:
            name = f"{name} ({printable(served.run_folder.path.resolve().parent.name)})"
        numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
        return next(free for free in [name, *numbered] if free not in taken)

    def get(self, id: str | None) -> ServedClassifier:
        """Return the classifier with this id, the current one for None; HttpError 404 if there is none."""
        served = self.by_id.get(self.current if id is None else id)
        if served is None:
            raise not_found("classifier", "分类器", id)
        served.switch_to_finished()
        return served


def serve_target(target: Target, device: torch.device) -> ServedClassifier:
    """Return what a target means: a run that may still be in training, a bundle, or a network by name."""
    card = network_of(target)
    if card is not None:
        served = ServedClassifier.of(open_network(card, target), device)
        served.target = target
        return served
    source, run_folder = _locate(target.source)
    path = run_folder.path if run_folder else source
    name = printable(path.resolve().name.removesuffix(".zip")) or "classifier"
    return ServedClassifier(name, source, run_folder, device, card_of(target.model))


def _settled(targets: list[Target]) -> list[Target]:
    """Return targets of which each has only those of the common options that it takes.

    UsageError for an option that none of them takes, or that can be meant for one network alone.
    """
    if len(targets) < 2:
        return targets
    networks = [target for target in targets if names_network(target.source)]
    for name in ("weights", "labels"):
        if getattr(targets[0], name) is not None and len(networks) > 1:
            raise UsageError(f"--{name} belongs to one network, but {len(networks)} are given: serve them one by one")
    settled = []
    for target in targets:
        if target in networks:
            settled.append(replace(target, model=None))
            continue
        code = code_of_bundle(_locate(target.source)[0], target.model)
        settled.append(Target(target.source, model=code) if networks else replace(target, model=code))
    if targets[0].model is not None and all(target.model is None for target in settled):
        raise UsageError("--model: none of these is a run of a network of one's own: leave --model out")
    return settled


def _locate(run: str) -> tuple[Path, RunFolder | None]:
    """Return the bundle and its run folder (None if it has none); of an unfinished run, the folder of its snapshots."""
    folder = find_run(run, bundled_names())
    if not folder.is_finished() and snapshot_epochs(folder.snapshots):
        return folder.snapshots, folder
    bundle = find_bundle(run)
    return bundle, run_of_bundle(bundle)
