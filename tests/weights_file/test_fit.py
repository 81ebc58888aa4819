"""Weights from a file: whichever program wrote them, all fit the network or none is taken."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

import convscope as cs
from convscope.errors import ModelFileError, UsageError
from convscope.weights_file import classes_in, fit_weights

SIZE = (3, 32, 32)


def network(classes: int = 4, channels: int = 3, width: int = 6) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3), nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        nn.Linear(4 * width, 8), nn.ReLU(), nn.Linear(8, classes),
    )  # fmt: skip


def same(a: nn.Module, b: nn.Module) -> bool:
    other = b.state_dict()
    return all(torch.equal(value, other[key]) for key, value in a.state_dict().items())


@pytest.mark.parametrize(
    "prefix", ["", "module.", "_orig_mod.", "model.", "module._orig_mod.", "net.", "model.backbone."]
)
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model", "model_state_dict", "state_dict_ema"])
def test_wrappers_and_prefixes_are_understood(tmp_path, prefix, wrapper):
    theirs, ours = network(), network()
    state = {prefix + key: value for key, value in theirs.state_dict().items()}
    torch.save(state if wrapper is None else {"epoch": 3, wrapper: state}, tmp_path / "w.pt")
    assert not same(theirs, ours)
    notes = fit_weights(ours, tmp_path / "w.pt", "net", SIZE).notes
    assert same(theirs, ours)
    assert bool(notes) == (wrapper == "state_dict_ema")


def test_real_wrappers(tmp_path):
    theirs = network()
    torch.save(torch.optim.swa_utils.AveragedModel(theirs).state_dict(), tmp_path / "averaged.pth")
    torch.save(torch.compile(nn.DataParallel(theirs)).state_dict(), tmp_path / "compiled.bin")
    safetensors.torch.save_file(theirs.state_dict(), tmp_path / "w.safetensors")
    for file in ("averaged.pth", "compiled.bin", "w.safetensors"):
        ours = network()
        assert fit_weights(ours, tmp_path / file, "net", SIZE).notes == []
        assert same(theirs, ours), file


def test_a_network_that_has_such_a_prefix_itself_keeps_it(tmp_path):
    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = network()

        def forward(self, images):
            return self.model(images)

    theirs, ours = Wrapped(), Wrapped()
    torch.save(nn.DataParallel(theirs).state_dict(), tmp_path / "w.pt")
    assert fit_weights(ours, tmp_path / "w.pt", "net", SIZE).notes == [] and same(theirs, ours)


def test_a_last_layer_of_another_size_begins_anew(tmp_path):
    theirs, ours = network(7), network(4)
    fresh = ours[7].weight.clone()
    torch.save(theirs.state_dict(), tmp_path / "w.pt")
    (note,) = fit_weights(ours, tmp_path / "w.pt", "net", SIZE).notes
    assert note == "w.pt: the last layer (7) has 7 outputs there and 4 here: it starts with random weights"
    assert torch.equal(ours[7].weight, fresh) and torch.equal(ours[5].weight, theirs[5].weight)
    assert classes_in(ours, tmp_path / "w.pt", "net", SIZE) == 7


def test_a_file_without_last_layer(tmp_path):
    theirs, ours = network(), network()
    torch.save({k: v for k, v in theirs.state_dict().items() if not k.startswith("7.")}, tmp_path / "w.pt")
    (note,) = fit_weights(ours, tmp_path / "w.pt", "net", SIZE).notes
    assert "has no last layer (7.bias, 7.weight)" in note and torch.equal(ours[5].weight, theirs[5].weight)
    assert classes_in(ours, tmp_path / "w.pt", "net", SIZE) is None


def test_colour_kernels_serve_gray_images(tmp_path):
    theirs, ours = network(), network(channels=1)
    torch.save(theirs.state_dict(), tmp_path / "w.pt")
    (note,) = fit_weights(ours, tmp_path / "w.pt", "net", (1, 32, 32)).notes
    assert "3 channels there, adapted to 1" in note
    gray = torch.rand(2, 1, 32, 32)
    assert torch.allclose(ours.eval()(gray), theirs.eval()(gray.expand(-1, 3, -1, -1)), atol=1e-5)


def test_another_network_is_refused_and_nothing_changes(tmp_path):
    ours = cs.create_model("resnet18", num_classes=3)
    before = {key: value.clone() for key, value in ours.state_dict().items()}
    with torch.device("meta"):
        shapes = cs.create_model("resnet34", num_classes=3).state_dict()
    torch.save({key: torch.zeros(value.shape) for key, value in shapes.items()}, tmp_path / "r34.pth")
    with pytest.raises(ModelFileError, match=r"^\S+r34.pth does not fit resnet18: it has 80 that the network has not"):
        fit_weights(ours, tmp_path / "r34.pth", "resnet18", (3, 64, 64))
    torch.save(network(width=5).state_dict(), tmp_path / "narrow.pth")
    with pytest.raises(ModelFileError, match=r"'0.weight' is 5 x 3 x 3 x 3, not 6 x 3 x 3 x 3; and \d+ more"):
        fit_weights(network(), tmp_path / "narrow.pth", "net", SIZE)
    assert all(torch.equal(value, before[key]) for key, value in ours.state_dict().items())


def test_other_names_in_the_same_order(tmp_path):
    theirs, ours = network(7), network(4)
    names = {"0": "stem.conv", "1": "stem.norm", "5": "hidden", "7": "fc"}
    state = {f"{names[key.partition('.')[0]]}.{key.partition('.')[2]}": v for key, v in theirs.state_dict().items()}
    torch.save(state, tmp_path / "w.pth")
    notes = fit_weights(ours, tmp_path / "w.pth", "net", SIZE).notes
    assert (
        "(stem.conv.weight is 0.weight)" in notes[0]
        and "in their order" in notes[0]
        and "starts with random weights" in notes[1]
    )
    assert torch.equal(ours[5].weight, theirs[5].weight) and torch.equal(ours[1].running_var, theirs[1].running_var)
    # Safetensors files are sorted by name, so that their order says nothing.
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(ModelFileError, match="it lacks 8 of the network's 10"):
        fit_weights(ours, tmp_path / "w.safetensors", "net", SIZE)
    swapped = dict(reversed(state.items()))
    torch.save(swapped, tmp_path / "swapped.pth")
    with pytest.raises(ModelFileError, match="does not fit net"):
        fit_weights(ours, tmp_path / "swapped.pth", "net", SIZE)


def test_a_checkpoint_of_lightning(tmp_path):
    theirs, ours = network(), network()
    optimizer = torch.optim.Adam(theirs.parameters())
    checkpoint = {
        "epoch": 3, "global_step": 10, "pytorch-lightning_version": "2.5.0", "loops": {}, "callbacks": {},
        "state_dict": {f"net.{key}": value for key, value in theirs.state_dict().items()},
        "optimizer_states": [optimizer.state_dict()], "hyper_parameters": {"lr": 0.1},
    }  # fmt: skip
    torch.save(checkpoint, tmp_path / "last.ckpt")
    assert fit_weights(ours, tmp_path / "last.ckpt", "net", SIZE).notes == [] and same(theirs, ours)


def test_weights_in_several_files(tmp_path):
    theirs, ours = network(), network()
    state = theirs.half().state_dict()
    files = {key: f"model-0000{1 + i % 2}-of-00002.safetensors" for i, key in enumerate(state)}
    for file in set(files.values()):
        safetensors.torch.save_file({k: v for k, v in state.items() if files[k] == file}, tmp_path / file)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": files}))
    assert fit_weights(ours, index, "net", SIZE).notes == []
    assert same(theirs.float(), ours) and classes_in(ours, index, "net", SIZE) == 4
    for change, said in (
        ({"0.weight": "../w.pt"}, "no file of weights beside it"),
        ({"0.weight": "missing.bin"}, "no such file"),
        ({"0.other": files["0.weight"]}, "where it should be"),
    ):
        index.write_text(json.dumps({"weight_map": files | change}))
        with pytest.raises(ModelFileError, match=said):
            fit_weights(network(), index, "net", SIZE)
    index.write_text("[]")
    with pytest.raises(ModelFileError, match="no weight_map"):
        fit_weights(network(), index, "net", SIZE)


@pytest.mark.parametrize("kind", [torch.int8, torch.uint8, torch.float8_e4m3fn])
def test_quantised_weights_are_not_taken_for_weights(tmp_path, kind):
    state = {key: value.to(kind) if value.ndim > 1 else value for key, value in network().state_dict().items()}
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(ModelFileError, match=r"3 of its weights are \w+ numbers, quantised \(0.weight"):
        fit_weights(network(), tmp_path / "w.pt", "net", SIZE)


def test_the_names_of_a_tutorial_with_another_last_layer(tmp_path):
    """As someone types it: a Sequential of linear layers; safetensors, since its order says nothing."""
    typed = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 7)
    )
    safetensors.torch.save_file(typed.state_dict(), tmp_path / "w.safetensors")
    ours = cs.create_model("mlp", num_classes=10)
    notes = fit_weights(ours, tmp_path / "w.safetensors", "mlp", (1, 28, 28)).notes
    assert "the names of another program are understood" in notes[0] and "7 outputs there and 10 here" in notes[1]
    assert torch.equal(ours.layers.fc2.weight, typed[3].weight)
    assert classes_in(ours, tmp_path / "w.safetensors", "mlp", (1, 28, 28)) == 7


def test_weights_of_rows_of_pixels_say_for_which_images_they_are(tmp_path):
    """The logo of a tutorial: rows of 1 x 16384 pixels, which are those of 128 x 128."""
    typed = nn.Linear(16384, 2)
    torch.save({f"fc.{key}": value for key, value in typed.state_dict().items()}, tmp_path / "w.pt")
    with pytest.raises(ModelFileError, match=r"2 x 16384, not 2 x 784; images of 128 x 128 .*: give --img-size 128$"):
        fit_weights(cs.create_model("softmax_regression", num_classes=2), tmp_path / "w.pt", "net", (1, 28, 28))
    ours = cs.create_model("softmax_regression", num_classes=2, img_size=128)
    fit_weights(ours, tmp_path / "w.pt", "net", (1, 128, 128))
    image = torch.rand(1, 1, 128, 128)
    assert torch.equal(ours(image), typed(image.flatten(1)))
    torch.save({f"fc.{key}": value for key, value in nn.Linear(1000, 2).state_dict().items()}, tmp_path / "w.pt")
    with pytest.raises(ModelFileError, match=r"2 x 1000, not 2 x 784$"):
        fit_weights(cs.create_model("softmax_regression", num_classes=2), tmp_path / "w.pt", "net", (1, 28, 28))


class _Hostile:
    def __reduce__(self):
        return Path.touch, (Path("touched"),)


def test_hostile_and_damaged_files_are_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"weights": _Hostile()}, "hostile.pt")
    Path("plain.pth").write_bytes(pickle.dumps(_Hostile()))
    torch.save(network(), "whole.pt")
    torch.jit.script(network()).save("program.pt")
    Path("text.pth").write_text("hello")
    Path("empty.bin").touch()
    Path("text.safetensors").write_text("hello")
    torch.save({"epoch": 3}, "none.pt")
    torch.save({"0.weight": torch.full((6, 3, 3, 3), torch.nan)}, "nan.pt")
    files = ["hostile.pt", "plain.pth", "whole.pt", "program.pt", "text.pth", "empty.bin", "text.safetensors",
             "none.pt", "nan.pt", "missing.pt"]  # fmt: skip
    for file in files:
        with pytest.raises(ModelFileError) as caught:
            fit_weights(network(), file, "net", SIZE)
        assert str(caught.value).startswith(file) and "\n" not in str(caught.value), caught.value
    assert not Path("touched").exists()
    with pytest.raises(UsageError, match="weights are read from"):
        fit_weights(network(), "net.h5", "net", SIZE)
