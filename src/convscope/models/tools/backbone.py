"""Use a network as the backbone of torchvision's detectors and segmentation networks.

    backbone = Backbone(cs.create_model("resnet18"), pyramid=64)
    detector = torchvision.models.detection.RetinaNet(backbone, num_classes=3, anchor_generator=...)

    backbone = Backbone(cs.create_model("resnet18"), {"layer4": "out"})
    segmenter = torchvision.models.segmentation.FCN(backbone, FCNHead(backbone.out_channels, 3))

The network is traced with `torch.fx` and cut behind the last stage that is asked for. Forward hooks would also work,
even for networks that cannot be traced. But the classifier would stay, with parameters that never get a gradient (an
error under `DistributedDataParallel`); a classifier for one image size would refuse others; and every pass would put
hooks on a network that other threads may use.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, fx, nn
from torchvision.models.feature_extraction import create_feature_extractor
from torchvision.ops import FeaturePyramidNetwork


class Backbone(nn.Module):
    """The maps of some stages of `network`, fine to coarse: N x C x H x W -> {name: N x channels x H/s x W/s}.

    `stages` are keys of `network.stages` (all of them if it is left out), or a mapping from those to the names that the
    detector expects. With `pyramid`, a feature pyramid (Lin et al., arXiv 1612.03144) brings all maps to that many
    channels. `channels` and `strides` are those of the outputs by name; `out_channels` is the number that torchvision's
    detectors read: that of the coarsest map, or of the pyramid.

    Parameters are shared with `network`, not copied; those behind the last stage are left out. Forward hooks on
    `network` itself or on its containers do not run, those on its layers do.
    """

    def __init__(
        self,
        network: nn.Module,
        stages: Sequence[str] | Mapping[str, str] | None = None,
        pyramid: int | None = None,
    ):
        super().__init__()
        known: dict[str, tuple[int, int]] = getattr(network, "stages", None) or {}
        names = _names(stages, known, type(network).__name__)
        self.channels = {names[stage]: channels for stage, (channels, _) in known.items() if stage in names}
        self.strides = {names[stage]: stride for stage, (_, stride) in known.items() if stage in names}
        self.body = _cut(network, names)
        self.fpn = None if pyramid is None else FeaturePyramidNetwork(list(self.channels.values()), pyramid)
        if pyramid is not None:
            self.channels = dict.fromkeys(self.channels, pyramid)
        self.out_channels = list(self.channels.values())[-1]

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """Return one map per stage, by name."""
        outputs = self.body(images)
        maps = OrderedDict((name, outputs[name]) for name in self.channels)
        return maps if self.fpn is None else self.fpn(maps)


def _names(
    stages: Sequence[str] | Mapping[str, str] | None, known: Mapping[str, tuple[int, int]], network: str
) -> dict[str, str]:
    if not known:
        raise ValueError(f"{network} has no property `stages` that names its stages, module -> (channels, stride)")
    stages = [stages] if isinstance(stages, str) else stages
    names = dict(stages) if isinstance(stages, Mapping) else {stage: stage for stage in stages or known}
    if unknown := [stage for stage in names if stage not in known]:
        raise ValueError(f"{network} has no stage '{unknown[0]}'; it has {', '.join(known)}")
    if len(set(names.values())) < len(names):
        raise ValueError(f"two stages of {network} cannot have the same name: {', '.join(names.values())}")
    return names


def _cut(network: nn.Module, names: dict[str, str]) -> nn.Module:
    """Return the network up to the last of the stages. Tracing switches modes; each module gets its own back."""
    modes = {module: module.training for module in network.modules()}
    checks = {"autowrap_functions": _size_checks(network)}
    try:
        return create_feature_extractor(network, names, tracer_kwargs=checks, suppress_diff_warning=True)
    except (fx.proxy.TraceError, RuntimeError) as problem:
        reason = str(problem).splitlines()[0]
        raise ValueError(f"{type(network).__name__} cannot be cut into stages: {reason}") from problem
    finally:
        for module, mode in modes.items():
            module.training = mode


def _size_checks(network: nn.Module) -> tuple[Callable[..., None], ...]:
    """Return the functions `require_...` that the network's files use.

    They check the image size that the classifier needs. Traced as single steps that lead to no map, they are removed
    together with it, so that the maps can be of any size.
    """
    files = {type(module).__module__ for module in network.modules()}
    items = (item for file in files for item in vars(sys.modules[file]).items())
    return tuple(value for name, value in items if name.startswith("require_"))
