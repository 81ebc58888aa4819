"""The features of images: what a network's body makes of them, computed once and kept in the cache of decoded images.

A second training from the same weights on the same photos finds them there. They are kept under a digest of weights,
preprocessing and precision, by the digest of each image, so that new photos are the only ones to be computed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...data.decoded import Decoded
from ...data.decoding.cache import RowCache
from ...data.decoding.cache_writer import CacheWriter
from ...data.decoding.decoded_image import DecodedImage
from ...data.decoding.pixels import pixel_batches
from ...data.preprocess import Preprocess
from ...models.tools.layer_features import LayerFeatures
from ..hardware.folded_norms import find_pairs, folded
from ..hardware.runtime import Runtime

# To be raised when the same weights and images give other features than before.
VERSION = 1
BATCH = 32
# Kept features of so many images are computed again, since a person's own network may compute another thing with the
# same weights. They may differ by rounding, in units of the largest.
COMPARED, SAME = 4, 0.02


class Features:
    """Features N x width of images, and their labels."""

    def __init__(self, values: Tensor, labels: Tensor):
        self.values, self.labels = values, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, chosen: Tensor) -> Features:
        return Features(self.values[chosen], self.labels[chosen])


@dataclass(frozen=True)
class Keeping:
    """The folder where features are kept, None for nowhere, and the network's name for its listing.

    `advance` is told how many images were done just now.
    """

    root: Path | None = None
    name: str = ""
    advance: Callable[[int], object] = int


@dataclass(frozen=True)
class Extractor:
    """What gives the features of preprocessed images, of `width` numbers each."""

    extract: LayerFeatures
    preprocess: Preprocess
    runtime: Runtime
    width: int
    keeping: Keeping = Keeping()

    @torch.no_grad()
    def features_of(
        self, decoded: Decoded, mirror: bool = False, is_over: Callable[[], bool] | None = None
    ) -> tuple[Features, Tensor]:
        """Return the features of a split's images, or of their mirror images, and which images they are of.

        Those are all, in their order, unless `is_over` says that time is over: then as many of each class.
        """
        store, kept = None, {}
        if self.keeping.root is not None and (digests := _digests(decoded)):
            store = FeatureCache(self.keeping.root, self._settings(mirror))
            kept = store.find_features(digests)
            if not self._confirmed(decoded, mirror, kept):
                kept = {}
        missing = torch.tensor([i for i in range(len(decoded)) if i not in kept], dtype=torch.int64)
        if is_over is not None:
            missing = _mixed_by_class(decoded.labels, missing)
        self.keeping.advance(len(kept))
        done, values = self._computed(decoded, missing, mirror, is_over)
        if store is not None and len(done):
            store.add_features([digests[i] for i in done.tolist()], values)
        if kept:
            done = torch.cat([done, torch.tensor(list(kept), dtype=torch.int64)])
            values = torch.cat([values, torch.stack(list(kept.values())).to(values)])
        order = done.argsort()
        indices = done[order]
        return Features(values[order.to(values.device)], decoded.labels[indices].to(values.device)), indices

    def _computed(
        self, decoded: Decoded, indices: Tensor, mirror: bool, is_over: Callable[[], bool] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the indices of the images that were computed before time was over, and their features."""
        rows: list[Tensor] = []
        batches = list(indices.split(BATCH)) if len(indices) else []
        with folded(find_pairs(self.extract.network, self.runtime.lay_out(self._blank()))):
            for pixels in pixel_batches(decoded.pixels, batches, self.runtime.device) if batches else ():
                rows.append(self._of_batch(pixels, mirror))
                self.keeping.advance(len(pixels))
                if is_over is not None and is_over():
                    break
        values = torch.cat(rows) if rows else torch.empty(0, self.width, device=self.runtime.device)
        return indices[: len(values)], values

    def _of_batch(self, pixels: Tensor, mirror: bool) -> Tensor:
        images = self.preprocess.normalize(self.preprocess.centre(pixels))
        with self.runtime.autocast():
            return self.extract(self.runtime.lay_out(images.flip(-1) if mirror else images)).float()

    def _blank(self) -> Tensor:
        return torch.zeros(2, *self.preprocess.input_size, device=self.runtime.device)

    def _confirmed(self, decoded: Decoded, mirror: bool, kept: dict[int, Tensor]) -> bool:
        """Return whether some of the kept features are those that the network gives now."""
        if not kept:
            return True
        some = torch.tensor(list(kept)[:: max(len(kept) // COMPARED, 1)][:COMPARED], dtype=torch.int64)
        before = torch.stack([kept[i] for i in some.tolist()])
        now = replace(self, keeping=Keeping())._computed(decoded, some, mirror)[1].cpu()
        return now.shape == before.shape and bool((now - before).abs().max() <= SAME * before.abs().max())

    def _settings(self, mirror: bool) -> dict[str, Any]:
        """Return what the features depend on besides the image, and what the listing of the cache shows."""
        return {
            "version": VERSION,
            "torch": version("torch"),
            "input_size": [1, 1, 4 * self.width],
            "features": self.width,
            "of": self.keeping.name,
            "weights": weights_digest(self.extract.network, self.extract.last),
            "layers": list(self.extract.names),
            "preprocess": self.preprocess.to_dict(),
            "precision": self.runtime.precision,
            "mirrored": mirror,
        }


class FeatureCache(RowCache):
    """Features in the cache folder: rows of float32, found by the digests of the images."""

    def __init__(self, root: Path, settings: dict[str, Any]):
        super().__init__(root, (1, 1, 4 * settings["features"]), settings)

    def find_features(self, digests: Sequence[bytes]) -> dict[int, Tensor]:
        """Return the features of the images that there are any of, by the number of the image."""
        known, found = self.by_digest(), {}
        for number, digest in enumerate(digests):
            if digest in known and (row := self.read(known[digest])) is not None:
                found[number] = torch.from_numpy(row.pixels.reshape(-1).view(np.float32).copy())
        for file in self.files:
            file.touch()
        return found

    def add_features(self, digests: Sequence[bytes], values: Tensor) -> None:
        """Keep the features N x width of the images with these digests, if there is room."""
        rows = values.cpu().contiguous().numpy().view(np.uint8)
        moments = np.zeros((2, 1), np.int64)
        with CacheWriter(self, digests, self.settings["of"]) as writer:
            for number, (digest, row) in enumerate(zip(digests, rows, strict=True)):
                writer.add(number, digest, DecodedImage(row.reshape(1, -1, 1), digest, moments))
            writer.finish()


def weights_digest(network: nn.Module, without: nn.Module | None = None) -> str:
    """Return a digest of all weights and statistics of a network, except those of the layer `without`."""
    left_out = {id(tensor) for tensor in without.state_dict(keep_vars=True).values()} if without else set()
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in network.state_dict(keep_vars=True).items():
        if id(tensor) not in left_out:
            content = tensor.detach().cpu().contiguous()
            digest.update(f"{name} {content.dtype} {tuple(content.shape)}".encode())
            digest.update(content.view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _digests(decoded: Decoded) -> list[bytes]:
    """Return a digest per image: that of its file, or of its pixels where there is no file."""
    if decoded.digests:
        return decoded.digests
    if not isinstance(decoded.pixels, Tensor):
        return []
    pixels = decoded.pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return [hashlib.blake2b(image.data, digest_size=16).digest() for image in pixels]


def _mixed_by_class(labels: Tensor, indices: Tensor) -> Tensor:
    """Return the indices in a fixed random order, so that those of any beginning are of all classes alike."""
    shuffled = indices[torch.randperm(len(indices), generator=torch.Generator().manual_seed(0))]
    if labels.ndim != 1:
        return shuffled
    order = shuffled[labels[shuffled].argsort(stable=True)]
    sorted_labels = labels[order]
    first = torch.searchsorted(sorted_labels, sorted_labels)
    return order[(torch.arange(len(order)) - first).argsort(stable=True)]
