"""Pre-activation ResNet-164 and ResNet-1001 for CIFAR's 32 x 32 images.

K. He, X. Zhang, S. Ren, J. Sun, *Identity Mappings in Deep Residual Networks*, arXiv 1603.05027, ECCV 2016.

Batch norm and ReLU come before each convolution, so that the shortcuts of a stage form an unchanged path: y = x + F(x),
and every block's output is the sum of all changes before it. As in the authors' code (KaimingHe/resnet-1k-layers): 9n +
2 layers in bottlenecks, the stride in the first 1 x 1 convolution, and where the shape changes the shortcut is a 1 x 1
convolution, without batch norm, of the output of the block's first batch norm and ReLU.

Departures from the paper: none known. Any input size works. Convolutions start as in the authors' code with He's normal
distribution over the fan-out, the last layer with torch's default but bias 0.
"""

from __future__ import annotations

from torch import Tensor, nn

from .resnet import init_he
from .tools.card import Card


class PreactBottleneck(nn.Module):
    """BN-ReLU-conv three times: y = x + F(x). N x inputs x H x W -> N x 4 width x H/stride x W/stride."""

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(inputs, width, 1, stride, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.relu3 = nn.ReLU()
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        same = (inputs, stride) == (4 * width, 1)
        self.downsample = None if same else nn.Conv2d(inputs, 4 * width, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return x + F(x); where the shape changes, projected x + F(x)."""
        active = self.relu1(self.bn1(x))
        change = self.conv2(self.relu2(self.bn2(self.conv1(active))))
        change = self.conv3(self.relu3(self.bn3(change)))
        return change + (x if self.downsample is None else self.downsample(active))


def stage(inputs: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    """Return `blocks` blocks of one width; the first of them changes the shape."""
    rest = (PreactBottleneck(4 * width, width, 1) for _ in range(blocks - 1))
    return nn.Sequential(PreactBottleneck(inputs, width, stride), *rest)


class PreactResNet(nn.Module):
    """Three stages of `n` blocks. Input N x C x H x W, output N x classes; shapes below are for 32 x 32."""

    def __init__(self, n: int, num_classes: int, in_channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        # N x 16 x 32 x 32
        self.layer1 = stage(16, 16, n, 1)
        # N x 64 x 32 x 32
        self.layer2 = stage(64, 32, n, 2)
        # N x 128 x 16 x 16
        self.layer3 = stage(128, 64, n, 2)
        # N x 256 x 8 x 8
        self.bn = nn.BatchNorm2d(256)
        self.relu = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(256, num_classes)
        init_he(self)
        nn.init.zeros_(self.fc.bias)

    @property
    def stages(self) -> dict[str, tuple[int, int]]:
        """Channels and stride of each stage: its sums, which only the last stage of the network activates."""
        return {"layer1": (64, 1), "layer2": (128, 2), "relu": (256, 4)}

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, N x classes."""
        maps = self.layer3(self.layer2(self.layer1(self.conv1(images))))
        return self.fc(self.flatten(self.avgpool(self.relu(self.bn(maps)))))


def preact_resnet164(num_classes: int = 10, in_channels: int = 3) -> PreactResNet:
    """Return pre-activation ResNet-164: 1,703,258 parameters."""
    return PreactResNet(18, num_classes, in_channels)


def preact_resnet1001(num_classes: int = 10, in_channels: int = 3) -> PreactResNet:
    """Return pre-activation ResNet-1001: 10,327,706 parameters."""
    return PreactResNet(111, num_classes, in_channels)


# Table 4 of the paper. 1001 layers reach 4.62 with batches of 64.
CARDS = [
    Card(
        build.__name__, build, 2016, "K. He, X. Zhang, S. Ren, J. Sun", "Identity Mappings in Deep Residual Networks",
        "https://arxiv.org/abs/1603.05027", "residual", (3, 32, 32), benchmark="CIFAR-10", top1_error=error,
    )
    for build, error in ((preact_resnet164, 5.46), (preact_resnet1001, 4.92))
]  # fmt: skip
