"""Loading public weights: the real code, with files that the tests serve."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
import torchvision.models as tv
from torch import nn

from convscope.errors import ConvScopeError, DataError, ModelFileError, UsageError
from convscope.models import CATALOGUE
from convscope.models.tools.pretrained import WEIGHTS, fetch, find_weights, load_pretrained


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Torch's folder for downloads, empty and ours."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    return tmp_path / "torch" / "hub" / "checkpoints"


class Handler(SimpleHTTPRequestHandler):
    """A quiet server; of files whose name has `cut` it sends half."""

    def log_message(self, *_: object) -> None:
        pass

    def copyfile(self, source, outputfile) -> None:  # type: ignore[no-untyped-def]
        data = source.read()
        outputfile.write(data[: len(data) // 2] if "cut" in self.path else data)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server on 127.0.0.1: its address, and the folder that it serves."""
    folder = tmp_path_factory.mktemp("site")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", folder
    server.shutdown()
    thread.join()
    server.server_close()


def publish(state: object, folder: Path, stem: str) -> str:
    """Save a file as a publisher does, with the first digits of its hash; the name without suffix."""
    file = folder / "new"
    torch.save(state, file)
    name = f"{stem}-{hashlib.sha256(file.read_bytes()).hexdigest()[:8]}"
    file.rename(folder / f"{name}.pth")
    return name


def served(monkeypatch: pytest.MonkeyPatch, name: str, address: str, file: str) -> None:
    monkeypatch.setitem(WEIGHTS, name, replace(WEIGHTS[name], site=address, file=file))


@pytest.fixture(scope="module")
def resnet18(site: tuple[str, Path]) -> tuple[nn.Module, str]:
    """Torchvision's network with weights of its own, and the name of the file that holds them."""
    torch.manual_seed(0)
    network = tv.resnet18()
    return network.eval(), publish(network.state_dict(), site[1], "resnet18")


def one_line(problem: ConvScopeError) -> str:
    assert "\n" not in str(problem)
    return str(problem)


def leftovers(cache: Path) -> list[Path]:
    return list(cache.iterdir()) if cache.exists() else []


def test_weights_come_over_the_network_once(site, resnet18, cache, monkeypatch, capsys):
    theirs, file = resnet18
    served(monkeypatch, "resnet18", site[0], file)
    ours = CATALOGUE["resnet18"].build()
    assert load_pretrained(ours, "resnet18") is WEIGHTS["resnet18"]
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(images), theirs(images))
    assert [path.name for path in cache.iterdir()] == [f"{file}.pth"]
    assert capsys.readouterr().out == ""
    served(monkeypatch, "resnet18", "http://127.0.0.1:1/", file)  # nobody is there: it must come from the folder
    again = CATALOGUE["resnet18"].build()
    load_pretrained(again, "resnet18")
    assert all(torch.equal(t, again.state_dict()[key]) for key, t in theirs.state_dict().items())


def test_another_number_of_classes_keeps_the_fresh_head(site, resnet18, cache, monkeypatch):
    theirs, file = resnet18
    served(monkeypatch, "resnet18", f"{site[1].as_uri()}/", file)
    torch.manual_seed(1)
    ours = CATALOGUE["resnet18"].build(num_classes=7)
    fresh = {key: tensor.clone() for key, tensor in ours.state_dict().items()}
    load_pretrained(ours, "resnet18", {"num_classes"})
    for key, tensor in ours.state_dict().items():
        expected = fresh[key] if key.startswith("fc.") else theirs.state_dict()[key]
        assert torch.equal(tensor, expected), key
    assert ours(torch.randn(2, 3, 32, 32)).shape == (2, 7)


@pytest.mark.parametrize("channels", [1, 2, 4, 6])
def test_another_number_of_channels_answers_grey_pictures_alike(site, resnet18, cache, monkeypatch, channels):
    theirs, file = resnet18
    served(monkeypatch, "resnet18", f"{site[1].as_uri()}/", file)
    ours = CATALOGUE["resnet18"].build(in_channels=channels).eval()
    load_pretrained(ours, "resnet18")
    if channels == 1:
        torch.testing.assert_close(ours.conv1.weight, theirs.conv1.weight.sum(1, keepdim=True))
    if channels in (1, 6):  # for 2 and 4 some colours count more than others
        grey = torch.rand(2, 1, 64, 64)
        with torch.no_grad():
            torch.testing.assert_close(
                ours(grey.expand(-1, channels, -1, -1)), theirs(grey.expand(-1, 3, -1, -1)), rtol=1e-3, atol=1e-4
            )
    else:
        kernels = [theirs.conv1.weight[:, i % 3] * 3 / channels for i in range(channels)]
        torch.testing.assert_close(ours.conv1.weight, torch.stack(kernels, 1))


def test_files_from_before_dots_were_forbidden(site, cache, monkeypatch):
    torch.manual_seed(0)
    theirs = tv.densenet121()
    old = {
        re.sub(r"(denselayer\d+\.)(norm|conv)([12])", r"\1\2.\3", key): tensor
        for key, tensor in theirs.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    served(monkeypatch, "densenet121", site[0], publish(old, site[1], "densenet121"))
    ours = CATALOGUE["densenet121"].build()
    load_pretrained(ours, "densenet121")
    assert all(torch.equal(tensor, theirs.state_dict()[key]) for key, tensor in ours.state_dict().items())


def expect_untouched(name: str, error: type[ConvScopeError], match: str, cache: Path, left: int = 0) -> str:
    network = CATALOGUE[name].build()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    with pytest.raises(error, match=match) as caught:
        load_pretrained(network, name)
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    assert len(leftovers(cache)) == left
    return one_line(caught.value)


def test_a_file_that_is_not_what_its_name_says_is_refused(site, resnet18, cache, monkeypatch):
    (site[1] / "resnet18-00000000.pth").write_bytes((site[1] / f"{resnet18[1]}.pth").read_bytes())
    served(monkeypatch, "resnet18", site[0], "resnet18-00000000")
    line = expect_untouched("resnet18", DataError, r"resnet18-00000000\.pth \(wrong SHA-256\)", cache)
    assert str(cache / "resnet18-00000000.pth") in line


def test_a_download_that_breaks_off_leaves_nothing(site, resnet18, cache, monkeypatch):
    file = f"resnet18_cut-{resnet18[1][-8:]}"
    (site[1] / f"{file}.pth").write_bytes((site[1] / f"{resnet18[1]}.pth").read_bytes())
    served(monkeypatch, "resnet18", site[0], file)
    expect_untouched("resnet18", DataError, "wrong SHA-256|cannot download", cache)


def test_a_damaged_file_in_the_folder_is_named(site, resnet18, cache, monkeypatch):
    served(monkeypatch, "resnet18", site[0], resnet18[1])
    cache.mkdir(parents=True)
    (cache / f"{resnet18[1]}.pth").write_bytes(b"half a file")
    line = expect_untouched("resnet18", DataError, "damaged", cache, left=1)
    assert str(cache / f"{resnet18[1]}.pth") in line and "delete it" in line


def test_offline_is_one_line_with_the_file_and_its_place(resnet18, cache, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"  # bound, but nobody listens
        served(monkeypatch, "resnet18", address, resnet18[1])
        line = expect_untouched("resnet18", DataError, "^resnet18: cannot download", cache)
    assert f"{address}{resnet18[1]}.pth" in line and str(cache / f"{resnet18[1]}.pth") in line
    assert "refused" in line


def test_a_page_that_is_not_there_is_one_line(site, cache, monkeypatch):
    served(monkeypatch, "resnet18", site[0], "gone-12345678")
    assert "404" in expect_untouched("resnet18", DataError, "cannot download gone-12345678", cache)


def test_a_folder_that_cannot_be_made_is_one_line(site, resnet18, cache, monkeypatch):
    cache.parent.parent.write_text("a file where the folder should be")
    served(monkeypatch, "resnet18", site[0], resnet18[1])
    with pytest.raises(DataError, match="cannot download") as caught:
        fetch(WEIGHTS["resnet18"].url, "resnet18")
    one_line(caught.value)


def test_a_file_by_hand_is_enough(site, resnet18, cache, monkeypatch):
    served(monkeypatch, "resnet18", "http://127.0.0.1:1/", resnet18[1])
    cache.mkdir(parents=True)
    (cache / f"{resnet18[1]}.pth").write_bytes((site[1] / f"{resnet18[1]}.pth").read_bytes())
    load_pretrained(CATALOGUE["resnet18"].build(), "resnet18")


class Trap:
    """What a malicious file would do when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return Path.touch, (Path("trap-was-sprung"),)  # type: ignore[return-value]


def test_nothing_in_a_file_is_executed(site, cache, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    served(monkeypatch, "resnet18", site[0], publish({"fc.weight": Trap()}, site[1], "resnet18"))
    expect_untouched("resnet18", DataError, "contains no weights", cache, left=1)
    assert not Path("trap-was-sprung").exists()


def test_another_networks_file_is_refused_whole(site, resnet18, cache, monkeypatch):
    served(monkeypatch, "resnet34", site[0], resnet18[1])
    line = expect_untouched(
        "resnet34", ModelFileError, "do not fit this network: the file has no layer1", cache, left=1
    )
    assert line.startswith("the public weights of resnet34")
    served(monkeypatch, "resnet50", site[0], resnet18[1])
    expect_untouched("resnet50", ModelFileError, "do not fit", cache, left=1)


def test_variants_and_networks_without_weights_are_refused(cache):
    network = CATALOGUE["resnet18"].build(shortcut="A")
    with pytest.raises(UsageError, match=r"resnet18: .* without 'shortcut'; leave it out"):
        load_pretrained(network, "resnet18", ["num_classes", "shortcut"])
    with pytest.raises(UsageError, match=r"no public weights for densenet264; did you mean densenet\d+ or .*\?"):
        load_pretrained(network, "densenet264")
    with pytest.raises(UsageError, match=r"no public weights for mlp$"):
        find_weights("mlp")
    assert leftovers(cache) == []
