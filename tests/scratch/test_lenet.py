"""The NumPy LeNet is the LeNet of `convscope.models`: same weights, same logits, same gradients. And it learns."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file

import convscope as cs
from convscope.scratch.lenet import Network, lenet_relu, lenet_sigmoid
from convscope.scratch.losses import cross_entropy
from convscope.scratch.train import load_digits, main

from .gradients import close


@pytest.mark.parametrize("name, build, side", [("lenet_relu", lenet_relu, 32), ("lenet_sigmoid", lenet_sigmoid, 28)])
@pytest.mark.parametrize("classes, channels", [(10, 1), (3, 3)])
def test_same_weights_same_logits_same_gradients(name, build, side, classes, channels):
    torch.manual_seed(0)
    theirs = cs.create_model(name, num_classes=classes, in_channels=channels).double()
    ours: Network = build(classes, channels)
    ours.load({key: tensor.numpy() for key, tensor in theirs.state_dict().items()})
    images = torch.randn(4, channels, side, side, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 1])

    logits = theirs(images)
    F.cross_entropy(logits, labels).backward()
    answer = ours.forward(images.detach().numpy())
    _, dlogits = cross_entropy(answer, labels.numpy())
    close(answer, logits.detach())
    close(ours.backward(dlogits), images.grad)
    gradients = ours.gradients()
    for key, parameter in theirs.named_parameters():
        close(gradients[key], parameter.grad)
    assert set(gradients) == set(dict(theirs.named_parameters()))


def test_a_trained_classifier_can_be_loaded(digits_run):
    network = lenet_relu()
    network.load(load_file(digits_run.folder / "classifier" / "model.safetensors"))
    images = np.random.default_rng(0).normal(size=(3, 1, 32, 32))
    with torch.no_grad():
        theirs = digits_run.classifier.network.double().eval()(torch.tensor(images))
    digits_run.classifier.network.float()
    close(network.forward(images), theirs)


def test_weights_of_another_network_are_refused():
    network = lenet_relu()
    with pytest.raises(ValueError, match=r"missing \['classifier.0.bias', .*unknown \['1.bias'"):
        network.load(lenet_sigmoid().parameters())
    with pytest.raises(ValueError, match=r"classifier.4.weight has the shape \(10, 84\) here and \(3, 84\) there"):
        network.load(lenet_relu(3).parameters())
    with pytest.raises(ValueError, match="takes N x 400 numbers, got 2 x 256: images of another size"):
        network.forward(np.zeros((2, 1, 28, 28)))


def test_it_has_as_many_parameters_as_the_pytorch_network():
    for build in (lenet_relu, lenet_sigmoid):
        sizes = [array.size for array in build().parameters().values()]
        assert sizes[::2] == [150, 2400, 48000, 10080, 840] and sum(sizes) == 61_706


def test_the_splits_share_no_image():
    splits = load_digits()
    assert [len(split.labels) for split in splits] == [1257, 180, 360]
    images = np.concatenate([split.images for split in splits])
    assert images.shape == (1797, 1, 32, 32) and images.min() == 0 and images.max() == 1
    assert len(np.unique(images.reshape(1797, -1), axis=0)) == 1797


@pytest.mark.parametrize(
    ("words", "epochs", "least"), [(["--epochs", "3"], 3, 0.93), pytest.param([], 10, 0.97, marks=pytest.mark.slow)]
)
def test_it_learns_to_read_digits(capsys, words, epochs, least):
    assert main(words) >= least
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "LeNet in NumPy: 61,706 parameters, 1,257 handwritten digits for training"
    assert len(lines) == epochs + 2 and lines[1].startswith(f"epoch 1 of {epochs}: mean error ")
    assert lines[-1].startswith("Result: ") and "360 test digits correct" in lines[-1]


def test_the_command_needs_numpy_and_nothing_else_of_ours():
    code = "import sys; from convscope.scratch import train; train.main(['--epochs', '1']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    modules = set(done.stdout.splitlines()[-1].split())
    assert "torch" not in modules
    ours = {name for name in modules if name.startswith("convscope") and "scratch" not in name}
    assert ours <= {"convscope", "convscope.version"}


def test_the_command_refuses_to_train_for_no_epoch():
    wrong = subprocess.run([sys.executable, "-m", "convscope.scratch", "--epochs", "0"], capture_output=True, text=True)
    assert wrong.returncode == 2 and wrong.stderr.endswith("error: --epochs must be at least 1\n")
