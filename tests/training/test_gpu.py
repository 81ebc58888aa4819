"""Training on a CUDA device: precisions, layouts, CUDA graphs, copies, augmentation, memory; two processes by NCCL."""

from __future__ import annotations

import pytest
import torch

import convscope as cs
from convscope.data.augment import parse_augment
from convscope.data.batches import Batches
from convscope.data.decoded import Decoded
from convscope.data.decoding.pixels import LazyPixels, pixel_batches
from convscope.data.preprocess import Preprocess
from convscope.models import create_model
from convscope.training.hardware.precision import fastest_runtime
from convscope.training.hardware.runtime import choose_runtime
from tests.distributed.launched import ended, launch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
OPTIONS = {"show": False, "epochs": 4, "device": "cuda", "seed": 1}


@pytest.mark.parametrize("layout", ["contiguous", "channels-last"])
@pytest.mark.parametrize("precision", ["float32", "bf16", "fp16"])
def test_each_precision_and_layout_learns(tmp_path, precision, layout):
    run = cs.train("digits", "mnist_cnn", precision=precision, layout=layout, output=tmp_path, **OPTIONS)
    assert run.metrics["test"]["top1"] > 0.9 and run.metrics["precision"] == precision
    assert run.metrics["peak_device_bytes"] > 0


def test_compiled_as_cuda_graphs(tmp_path):
    run = cs.train("digits", "lenet_relu", compile=True, precision="float32", output=tmp_path, **OPTIONS)
    assert run.metrics["test"]["top1"] > 0.8


@pytest.mark.parametrize("precision", ["float32", "fp16"])
def test_parts_of_a_batch_add_up_outside_cuda_graphs(tmp_path, precision):
    """A graph's run overwrites the gradients of the one before, which the parts of a batch need."""
    options = {"precision": precision, "accumulate": 3, "augment": "none", "optimizer": "sgd", "lr": 0.002}
    losses = [
        cs.train("digits", "lenet_relu", compile=graphs, output=tmp_path, **(OPTIONS | options)).history[-1]
        for graphs in (True, False)
    ]
    assert losses[0]["train/loss"] == pytest.approx(losses[1]["train/loss"], rel=0.02)


@pytest.mark.parametrize("precision", ["float32", "fp16", "bf16"])
def test_a_resumed_training_ends_with_the_same_bits(tmp_path, precision):
    """With dropout, whose numbers the device draws, and with the scale of fp16."""
    options = OPTIONS | {
        "precision": precision, "layout": "contiguous", "deterministic": True, "accumulate": 2, "schedule": "constant",
    }  # fmt: skip
    whole = cs.train("digits", "mnist_cnn", output=tmp_path, **(options | {"epochs": 2}))
    half = cs.train("digits", "mnist_cnn", output=tmp_path, **(options | {"epochs": 1}))
    after = cs.resume(half.folder, epochs=2, show=False).classifier.network.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in whole.classifier.network.state_dict().items())


def test_the_device_and_the_cpu_begin_with_the_same_loss(tmp_path):
    settings = {"precision": "float32", "layout": "contiguous", "augment": "none", "epochs": 1, "optimizer": "sgd"}
    rows = [
        cs.train("digits", "lenet_relu", output=tmp_path, **(OPTIONS | settings | {"device": device})).history[0]
        for device in ("cpu", "cuda")
    ]
    assert rows[0]["train/loss"] == pytest.approx(rows[1]["train/loss"], rel=1e-3)


class InMemory(LazyPixels):
    """Images that are fetched batch by batch, as streamed ones are."""

    def take(self, indices):
        return (indices[:, None, None, None] % 256).to(torch.uint8).expand(-1, 8, 8, 1).contiguous().permute(0, 3, 1, 2)

    def take_batches(self, batches):
        return map(self.take, batches)


def test_streamed_batches_are_copied_from_pinned_memory_without_waiting(monkeypatch):
    copies, move = [], torch.Tensor.to

    def recorded(self, *where, **how):
        if how.get("non_blocking"):
            copies.append(self.is_pinned())
        return move(self, *where, **how)

    monkeypatch.setattr(torch.Tensor, "to", recorded)
    indices = list(torch.arange(100).split(30))
    found = list(pixel_batches(InMemory(100, (1, 8, 8)), indices, torch.device("cuda")))
    assert copies == [True] * 4 and {batch.device.type for batch in found} == {"cuda"}
    assert torch.cat(found)[:, 0, 0, 0].tolist() == list(range(100))


def test_images_in_memory_lie_on_the_device_and_are_augmented_there():
    seen = []

    def augment(images, context):
        seen.append(images.device.type)
        return parse_augment("affine,flip,brightness,erase")(images, context)

    pixels = torch.randint(0, 256, (64, 3, 32, 32), dtype=torch.uint8)
    decoded = Decoded(pixels, torch.arange(64) % 4, [str(i) for i in range(64)], [], [])
    half = (0.5,) * 3
    batches = Batches(decoded, Preprocess((3, 32, 32), half, half), 16, 0, torch.device("cuda"), augment)
    for images, labels in batches.epoch(0):
        assert images.device.type == labels.device.type == "cuda"
        assert images.is_contiguous(memory_format=torch.channels_last)
    assert batches.pixels.device.type == "cuda" and seen == ["cuda"] * 4


def test_images_that_would_fill_the_device_stay_in_memory(monkeypatch):
    pixels = torch.randint(0, 256, (64, 3, 32, 32), dtype=torch.uint8)
    decoded = Decoded(pixels, torch.arange(64) % 4, [str(i) for i in range(64)], [], [])
    device, preprocess = torch.device("cuda"), Preprocess((3, 32, 32), (0.5,) * 3, (0.5,) * 3)
    held = Batches(decoded, preprocess, 16, 0, device)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3 * pixels.nbytes, 10**10))
    left = Batches(decoded, preprocess, 16, 0, device)
    assert held.pixels.device.type == "cuda" and left.pixels.device.type == "cpu"
    for (images, _), (same, labels) in zip(held.epoch(0), left.epoch(0), strict=True):
        assert same.device.type == labels.device.type == "cuda" and torch.equal(images, same)


def test_the_trial_for_the_precision_takes_the_whole_batch():
    """A GPU that computes two large images only waits for its kernels, whatever the precision."""
    seen = []

    class Counting(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Conv2d(3, 4, 3)

        def forward(self, images):
            seen.append(len(images))
            return self.layer(images).mean((2, 3))

    images = torch.randn(24, 3, 224, 224, device="cuda")
    fastest_runtime(choose_runtime("cuda"), Counting().cuda(), images, torch.zeros(24, dtype=torch.long, device="cuda"))
    assert set(seen) == {24}


def test_channels_last_is_the_layout_of_kernels_maps_and_gradients():
    runtime = choose_runtime("cuda", "bf16", "channels-last")
    network = runtime.to_device(create_model("cifar_fast", num_classes=10, in_channels=3))
    maps = []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda module, inputs, output: maps.append(output))
    with runtime.autocast():
        network(runtime.lay_out(torch.randn(8, 3, 32, 32, device="cuda"))).float().sum().backward()
    layout = {"memory_format": torch.channels_last}
    assert maps and all(each.is_contiguous(**layout) and each.dtype == torch.bfloat16 for each in maps)
    kernels = [module.weight for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
    assert all(kernel.is_contiguous(**layout) and kernel.dtype == torch.float32 for kernel in kernels)
    assert all(kernel.grad.is_contiguous(**layout) for kernel in kernels if kernel.grad is not None)


def test_gradients_in_fp16_are_scaled_and_an_overflow_is_left_out():
    runtime = choose_runtime("cuda", "fp16", "contiguous")
    scaler, network = runtime.gradient_scaler(), torch.nn.Linear(4, 4).cuda()
    optimizer, before = torch.optim.SGD(network.parameters(), lr=0.1, fused=True), network.weight.detach().clone()
    with runtime.autocast():
        loss = network(torch.ones(2, 4, device="cuda")).float().sum()
    scaler.scale(loss * float("inf")).backward()
    scaler.step(optimizer)
    scaler.update()
    assert torch.equal(before, network.weight) and scaler.get_scale() < 2.0**16


def test_the_peak_memory_of_a_run_grows_with_its_batch(tmp_path):
    large, small = (
        cs.train("mnist-5k", "mnist_cnn", batch_size=size, output=tmp_path, **(OPTIONS | {"epochs": 1})).metrics
        for size in (1024, 32)  # the peak of the first is not that of the second
    )
    assert 0 < small["peak_device_bytes"] < large["peak_device_bytes"]


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_a_checkpoint_keeps_the_random_state_of_the_device_that_trains(tmp_path):
    options = OPTIONS | {"device": "cuda:1", "precision": "float32", "layout": "contiguous", "deterministic": True}
    options |= {"schedule": "constant"}
    whole = cs.train("digits", "mnist_cnn", output=tmp_path, **(options | {"epochs": 2}))
    half = cs.train("digits", "mnist_cnn", output=tmp_path, **(options | {"epochs": 1}))
    torch.cuda.manual_seed_all(5)
    after = cs.resume(half.folder, epochs=2, show=False).classifier.network.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in whole.classifier.network.state_dict().items())


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
@pytest.mark.parametrize("options", [["--sync-batch-norm"], ["--shard-weights", "--precision", "fp16"]])
def test_two_devices_share_norms_or_weights(tmp_path, options):
    words = ["-m", "convscope", "train", "digits", "--model", "mnist_cnn", "--epochs", "4", "--output", "runs"]
    results = ended(launch([*words, *options], tmp_path))
    assert [code for code, _, _ in results] == [0, 0], results


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_two_processes_train_on_two_devices(tmp_path):
    words = ["-m", "convscope", "train", "digits", "--model", "mnist_cnn", "--epochs", "4", "--output", "runs"]
    results = ended(launch(words, tmp_path))
    assert [code for code, _, _ in results] == [0, 0], results
    assert "accuracy" in results[0][1] and not results[1][1]
