"""Forward pass and loss mix no devices and fit the lower precisions: on a CUDA device that torch only makes believe.

Its fake tensors have device, type and shape but no values, and refuse what the device would refuse. They need no CUDA;
tests/training/test_gpu.py computes on a real device. Torch cannot go backward on them without one.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from convscope.models import create_model, find_card, list_models
from convscope.task import count_correct
from convscope.training.class_weights import weighted_loss
from convscope.training.hardware.runtime import Runtime
from convscope.training.outputs import main_logits, map_outputs

# One of each family; the slow test takes all.
SOME = [
    "mlp", "lenet5", "mnist_cnn", "alexnet_2012", "zfnet", "nin_cifar", "vgg11_lrn", "googlenet", "inception_resnet_v1",
    "resnet20", "preact_resnet164", "densenet40_k12", "efficientnet_b0", "mnist_best",
]  # fmt: skip


def loss_and_logits(network: nn.Module, size: tuple[int, int, int], precision: str) -> tuple[Tensor, Tensor]:
    """What a training step computes before its backward pass."""
    runtime = Runtime(torch.device("cuda"), precision, "channels-last")
    images, labels = torch.empty(8, *size, device="cuda"), torch.empty(8, dtype=torch.long, device="cuda")
    loss = weighted_loss(network, labels, "none")
    with runtime.autocast():
        logits = network(runtime.lay_out(images))
        mean = loss(map_outputs(Tensor.float, logits), labels, label_smoothing=0.1)
    assert count_correct(main_logits(logits).detach(), labels).device.type == "cuda"
    return mean, main_logits(logits)


def check(name: str, monkeypatch: pytest.MonkeyPatch, precision: str) -> torch.dtype:
    monkeypatch.setattr(nn.init, "trunc_normal_", lambda tensor, *_, **__: tensor)  # it looks at values
    monkeypatch.setattr("torch.cuda.amp.common.amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    size = find_card(name).input_size or (3, 64, 64)
    with FakeTensorMode():
        with torch.device("cuda"):
            network = create_model(name, num_classes=10, in_channels=size[0]).train()
        mean, logits = loss_and_logits(network, size, precision)
    assert mean.device.type == logits.device.type == "cuda" and mean.dtype == torch.float32
    return logits.dtype


@pytest.mark.parametrize("name", SOME)
def test_a_step_stays_on_its_device(name, monkeypatch):
    kind = check(name, monkeypatch, "fp16")
    assert kind == torch.float32 if name == "lenet5" else kind == torch.float16, kind


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("name", list_models())
def test_a_step_of_every_network_stays_on_its_device(name, precision, monkeypatch):
    check(name, monkeypatch, precision)


class Forgetful(nn.Module):
    """Makes a tensor on the CPU, whatever the device of the images."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(12, 10)

    def forward(self, images):
        return self.layer(images.flatten(1)) * torch.rand(len(images), 1)


def test_a_network_that_mixes_devices_is_caught():
    with FakeTensorMode():
        with torch.device("cuda"):
            network = Forgetful()
        with pytest.raises(RuntimeError, match="same device"):
            loss_and_logits(network, (3, 2, 2), "float32")


def test_a_device_without_a_number_stays_the_current_one(monkeypatch):
    """Torch refuses to make a device current that has no number, as the one of `--device cuda` and `auto`."""
    seen = []
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: seen.append(torch.cuda._get_device_index(device)))
    for name in ("cuda", "cuda:1", "cpu"):
        Runtime(torch.device(name), "float32").make_current()
    assert seen == [1]
