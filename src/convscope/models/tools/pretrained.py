"""Public weights (`--pretrained`): the networks as torchvision and timm trained them on ImageNet.

    network = resnet50(num_classes=7)
    load_pretrained(network, "resnet50")

Files are downloaded once into torch's own folder (`TORCH_HOME`, else `~/.cache/torch`, under hub/checkpoints), which
other programs use too. Each file name ends with the first digits of the file's SHA-256, which is checked on every load.
Nothing in a file is executed (`weights_only`). A folder of files that were downloaded elsewhere is searched first.

Each row below is the first set that was published for its network (torchvision calls it IMAGENET1K_V1), because its
training is the closest to the paper's. The two that torchvision lacks are timm's; they were converted from TensorFlow
and have one class more, "background", which comes first and is left out here.
"""

from __future__ import annotations

import hashlib
import pickle
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlparse

import torch
from torch import Tensor, nn

from ...errors import DataError, ModelFileError, UsageError, printable
from ...suggest import did_you_mean
from .weights_folder import find_downloaded

TORCHVISION = "https://download.pytorch.org/models/"
TIMM = "https://github.com/huggingface/pytorch-image-models/releases/download/"


@dataclass(frozen=True)
class Weights:
    """A public file of weights, and the preprocessing of images that its network expects.

    `head` are the layers that classify, `auxiliary` the parts that a network may be built without. Images are resized
    so that their shorter side is `resize`, the middle `crop` x `crop` is cut out, and each channel, in the range 0..1,
    has `mean` subtracted and is divided by `std`. `top1_error` is the publisher's, in per cent, with this
    preprocessing.
    """

    file: str
    head: tuple[str, ...]
    top1_error: float | None
    resize: int = 256
    crop: int = 224
    interpolation: str = "bilinear"
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    auxiliary: tuple[str, ...] = ()
    background: bool = False
    site: str = TORCHVISION

    @property
    def url(self) -> str:
        """The address of the file."""
        return f"{self.site}{self.file}.pth"

    def scaling(self, in_channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return `mean` and `std` for this number of channels; for others than three, the colours' average."""
        if in_channels == 3:
            return self.mean, self.std
        return (sum(self.mean) / 3,) * in_channels, (sum(self.std) / 3,) * in_channels


HALVES = (0.5, 0.5, 0.5)  # pixels from -1 to 1, with which GoogLeNet and its successors were trained

# fmt: off
WEIGHTS = {
    "alexnet":         Weights("alexnet-owt-7be5be79",             ("classifier.6",), 43.478),
    "vgg11":           Weights("vgg11-8a719046",                   ("classifier.6",), 30.980),
    "vgg11_bn":        Weights("vgg11_bn-6002323d",                ("classifier.6",), 29.630),
    "vgg13":           Weights("vgg13-19584684",                   ("classifier.6",), 30.072),
    "vgg13_bn":        Weights("vgg13_bn-abd245e5",                ("classifier.6",), 28.414),
    "vgg16":           Weights("vgg16-397923af",                   ("classifier.6",), 28.408),
    "vgg16_bn":        Weights("vgg16_bn-6c64b313",                ("classifier.6",), 26.640),
    "vgg19":           Weights("vgg19-dcbb9e9d",                   ("classifier.6",), 27.624),
    "vgg19_bn":        Weights("vgg19_bn-c79401a0",                ("classifier.6",), 25.782),
    "googlenet_bn":    Weights("googlenet-1378be20", ("fc", "aux1.fc2", "aux2.fc2"), 30.222,
                               mean=HALVES, std=HALVES, auxiliary=("aux1", "aux2")),
    "inception_v3":    Weights("inception_v3_google-0cc3c7bd", ("fc", "AuxLogits.fc"), 22.706, 342, 299,
                               mean=HALVES, std=HALVES, auxiliary=("AuxLogits",)),
    "resnet18":        Weights("resnet18-f37072fd",                ("fc",), 30.242),
    "resnet34":        Weights("resnet34-b627a593",                ("fc",), 26.686),
    "resnet50":        Weights("resnet50-0676ba61",                ("fc",), 23.870),
    "resnet101":       Weights("resnet101-63fe2227",               ("fc",), 22.626),
    "resnet152":       Weights("resnet152-394f9c45",               ("fc",), 21.688),
    "densenet121":     Weights("densenet121-a639ec97",             ("classifier",), 25.566),
    "densenet161":     Weights("densenet161-8d451a50",             ("classifier",), 22.862),
    "densenet169":     Weights("densenet169-b2777c0a",             ("classifier",), 24.400),
    "densenet201":     Weights("densenet201-c1103571",             ("classifier",), 23.104),
    "efficientnet_b0": Weights("efficientnet_b0_rwightman-7f5810bc", ("classifier.1",), 22.308, 256, 224, "bicubic"),
    "efficientnet_b1": Weights("efficientnet_b1_rwightman-bac287d4", ("classifier.1",), 21.358, 256, 240, "bicubic"),
    "efficientnet_b2": Weights("efficientnet_b2_rwightman-c35c1473", ("classifier.1",), 19.392, 288, 288, "bicubic"),
    "efficientnet_b3": Weights("efficientnet_b3_rwightman-b3899882", ("classifier.1",), 17.992, 320, 300, "bicubic"),
    "efficientnet_b4": Weights("efficientnet_b4_rwightman-23ab8bcd", ("classifier.1",), 16.616, 384, 380, "bicubic"),
    "efficientnet_b5": Weights("efficientnet_b5_lukemelas-1a07897c", ("classifier.1",), 16.556, 456, 456, "bicubic"),
    "efficientnet_b6": Weights("efficientnet_b6_lukemelas-24a108a5", ("classifier.1",), 15.992, 528, 528, "bicubic"),
    "efficientnet_b7": Weights("efficientnet_b7_lukemelas-c5b4e57e", ("classifier.1",), 15.878, 600, 600, "bicubic"),
    "inception_v4":    Weights("inceptionv4-8e4777a0", ("last_linear",), 19.856, 341, 299, "bicubic",
                               HALVES, HALVES, background=True, site=f"{TIMM}v0.1-cadene/"),
    "inception_resnet_v2": Weights("inception_resnet_v2-940b1cd6", ("classif",), None, 333, 299, "bicubic",
                                   HALVES, HALVES, background=True, site=f"{TIMM}v0.1-weights/"),
}
# fmt: on
# Constructor options with which the public weights still fit.
NEUTRAL = {"num_classes", "in_channels", "aux_logits", "drop_rate"}


def load_pretrained(
    network: nn.Module, name: str, options: Collection[str] = (), folder: str | Path | None = None
) -> Weights:
    """Load the public weights of the network called `name` into `network`, and return their description.

    With another number of classes the network keeps its fresh head (auxiliary ones as well). With one input channel its
    first kernels are the sum of the public ones over the colours; with another number, the public ones are repeated and
    scaled so that a grey image gives the same response. `options` are the names of the other arguments that the network
    was built with: variants have no public weights.
    `folder` is searched before anything is downloaded. Everything is checked before the network is changed. UsageError:
    there are no such weights; DataError: they cannot be downloaded; ModelFileError: they do not fit.
    """
    weights = find_weights(name)
    if variant := sorted(set(options) - NEUTRAL):
        raise UsageError(f"{name}: the public weights are those of the network without '{variant[0]}'; leave it out")
    state = fit(fetch(weights.url, name, folder), network, name)
    network.load_state_dict(state, strict=False)  # `fit` has checked what is missing
    return weights


def find_weights(name: str) -> Weights:
    """Return the public weights of a network; UsageError, with similar networks that have some, if there are none."""
    if name not in WEIGHTS:
        hint = did_you_mean(name, WEIGHTS)
        raise UsageError(f"there are no public weights for {name}" + (f"; {hint}" if hint else ""))
    return WEIGHTS[name]


def fetch(url: str, name: str, folder: str | Path | None = None) -> dict[str, Tensor]:
    """Return the weights in the file at `url`, from `folder` or torch's own if it is there.

    Broken downloads are not kept.
    """
    file_name = Path(urlparse(url).path).name
    file = find_downloaded(folder, [file_name]) or Path(torch.hub.get_dir()) / "checkpoints" / file_name
    promised = re.search(r"-([0-9a-f]{8,})\.\w+$", file.name)
    digits = promised[1] if promised else ""
    by_hand = printable(f"put the file from {url} at {file}")
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(file), digits, progress=sys.stderr.isatty())
        elif not _sha256(file).startswith(digits):
            raise DataError(f"{name}: {printable(file)} is damaged (wrong SHA-256); delete it to download it again")
    except (OSError, HTTPException) as problem:
        reason = problem if isinstance(problem, HTTPError) else getattr(problem, "reason", problem)
        raise DataError(
            f"{name}: cannot download {file.name} ({printable(reason)}); when offline, {by_hand}"
        ) from problem
    except RuntimeError as problem:  # the download was complete, but has another SHA-256
        raise DataError(
            f"{name}: the download is not {file.name} (wrong SHA-256); try again, or {by_hand}"
        ) from problem
    try:
        state: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
        return state
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as problem:
        reason = str(problem).splitlines()[0]
        raise DataError(f"{name}: {printable(file)} contains no weights ({printable(reason)})") from problem


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fit(state: dict[str, Tensor], network: nn.Module, name: str) -> dict[str, Tensor]:
    """Return `state` with names and shapes of `network`, without the layers that stay fresh.

    ModelFileError names what does not fit.
    """
    weights, wanted = find_weights(name), network.state_dict()
    # DenseNet's files are older than PyTorch's rule that a module's name has no dot.
    state = {re.sub(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.", r"\1\2.", key): t for key, t in state.items()}
    absent = [part for part in weights.auxiliary if not any(key.startswith(f"{part}.") for key in wanted)]
    state = {key: tensor for key, tensor in state.items() if key.split(".")[0] not in absent}
    fresh = set()
    for key in [f"{path}.{kind}" for path in weights.head for kind in ("weight", "bias")]:
        if key in state and key in wanted:
            rows = state.pop(key)[1:] if weights.background else state.pop(key)
            if len(rows) == len(wanted[key]):
                state[key] = rows
            else:
                fresh.add(key)
    first = next(key for key, tensor in wanted.items() if tensor.ndim == 4)
    if first in state:
        state[first] = for_channels(state[first], wanted[first].shape[1])
    # Files from before torch 0.4.1 lack the number of batches that a batch norm has seen; no output depends on it.
    needed = {key for key in wanted.keys() - fresh if not key.endswith("num_batches_tracked")}
    misfits = [f"the file has no {key}" for key in sorted(needed - state.keys())]
    misfits += [f"the network has no {key}" for key in sorted(state.keys() - wanted.keys())]
    misfits += [
        f"{key} is {_shape(state[key])}, not {_shape(wanted[key])}"
        for key in sorted(state.keys() & wanted.keys())
        if state[key].shape != wanted[key].shape
    ]
    if misfits:
        raise ModelFileError(f"the public weights of {name} do not fit this network: {misfits[0]}")
    return state


def for_channels(kernels: Tensor, channels: int) -> Tensor:
    """Return first kernels for another number of channels, such that a grey image gives the same response."""
    colours = kernels.shape[1]
    if channels == colours:
        return kernels
    repeated = kernels.repeat(1, -(-channels // colours), 1, 1)[:, :channels]
    return kernels.sum(1, keepdim=True) if channels == 1 else repeated * (colours / channels)


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape))
