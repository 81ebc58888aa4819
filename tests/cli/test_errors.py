"""Every error message of the verbs: one line that says what, where and what to do, with its exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import convscope as cs
from convscope.cli import main

ERRORS = [
    (["trian"], 2, "No such command 'trian'. Did you mean 'train'?"),
    (["train", "--epoch", "3"], 2, "No such option: --epoch"),
    (["compare", "digits", "--epochs", "3"], 2, "No such option: --epochs (give it as --option epochs=VALUE)"),
    (["train", "--epochs", "x"], 2, "Invalid value for '--epochs'"),
    (["export", "RUN", "--precision", "fp16"], 2, "Invalid value for '--precision': 'fp16' is not one of"),
    (["train", "--epochs", "0"], 2, "--epochs must be from 1 to 1,000,000, not 0"),
    (["train", "--lr", "nan"], 2, "--lr must be from 1e-12 to 10,000, not nan"),
    (["train", "--lr", "-1"], 2, "--lr must be from"),
    (["train", "--optimizer", "adamm"], 2, "--optimizer must be one of sgd, adamw, muon, not 'adamm'"),
    (["train", "--schedule", "x"], 2, "must be one of constant, linear, one-cycle, cosine, step, step3, not 'x'"),
    (["train", "--augment", "x"], 2, "augment: unknown augmentation 'x': choose from none, flip, alternating-flip"),
    (["train", "--augment", "flop,shift=2"], 2, "augment: unknown augmentation 'flop': did you mean flip?"),
    (["train", "--augment", "shift=x"], 2, "augment: shift must be a number from 0 to 10000, not 'x'"),
    (["train", "--mixup", "-1"], 2, "--mixup must be from 0 to 100, not -1"),
    (["train", "--tta", "spin"], 2, "--tta must be one of none, flip, shift, flip-shift, five-crop,"),
    (["train", "--layout", "nhwc"], 2, "--layout must be one of auto, contiguous, channels-last, not 'nhwc'"),
    (["train", "--monitor", "test/top1"], 2, "monitor test/top1: these data have one class per image: choose val/loss"),
    (["train", "--time-budget", "soon"], 2, "--time-budget must be a time such as 30s, 10m or 1h, not 'soon'"),
    (["train", "--in-channels", "2"], 2, "--in-channels must be one of 1, 3, not 2"),
    (["train", "--model", "lenet5", "--img-size", "28"], 2, "lenet5 takes images of N x 1 x 32 x 32"),
    (["train", "--model", "lenet"], 4, "unknown network 'lenet': did you mean lenet"),
    (["train", "--model-arg", "j"], 2, "--model-arg must be NAME=VALUE, not 'j'"),
    (["train", "--model", "lenet5", "--model-arg", "jj=3"], 2, "lenet5 has no option 'jj'; it takes num_classes"),
    (["train", "--nesterov"], 2, "nesterov goes with optimizer sgd"),
    (["train", "nosuch"], 3, "no data set and no folder 'nosuch'"),
    (["train", "minst"], 3, "no data set and no folder 'minst': did you mean mnist?"),
    (["train", "mnist", "--data-dir", "."], 3, "the four files train-images-idx3-ubyte"),
    (["train", "--recipe", "nosuch.yaml"], 2, "cannot read the recipe nosuch.yaml: give a YAML file"),
    (["train", "--name", "a/b"], 2, "--name must be a plain folder name, not 'a/b'"),
    (["train", "--resume", "nosuch"], 4, "nosuch: no run to go on with"),
    (["train", "--resume", "x", "--name", "y"], 2, "--resume continues in the run's own folder"),
    (["train", "--device", "tpu9"], 2, "unknown device 'tpu9'"),
    (["train", "--precision", "int4"], 2, "--precision must be one of auto, bf16, fp16, float32, not 'int4'"),
    (["predict"], 2, "Missing argument 'TARGET'"),
    (["predict", "nosuch", "x.png"], 4, "nosuch: no such run or bundle"),
    (["predict", "last", "x.png"], 4, "no run below the current directory"),
    (["predict", "RUN", "nosuch.png"], 3, "nosuch.png: no such file"),
    (["predict", "RUN", ""], 2, "an empty text is no image"),
    (["predict", "", "x.png"], 2, "TARGET is empty"),
    (["serve", "RUN", "", "--api"], 2, "TARGET is empty"),
    (["export", "RUN", "--output", ""], 7, "cannot write .: it names no file"),
    (["export", "RUN", "--img-size", "0"], 2, "is trained and has its own preprocessing: leave --img-size out"),
    (["predict", "RUN", "*.nosuch"], 3, "*.nosuch: no file matches this pattern"),
    (["predict", "RUN", "."], 3, ".: no images found in this folder"),
    (["predict", "RUN", "x.png", "--topk", "0"], 2, "Invalid value for '--topk'"),
    (["predict", "RUN", "x.png", "--format", "xml"], 2, "'--format'"),
    (["evaluate", "RUN", "--split", "dev"], 2, "--split must be train, val, test or all, not 'dev'"),
    (["evaluate", "RUN", "nosuch"], 3, "no data set and no folder 'nosuch'"),
    (["evaluate", "RUN/classifier/config.json"], 4, "no bundle: a file that is no zip"),
    (["summary", "lenet6"], 4, "unknown network 'lenet6': did you mean lenet5"),
    (["summary", "lenet5", "--img-size", "31"], 2, "lenet5 cannot take images of 31 x 31"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "message"), ERRORS, ids=lambda v: " ".join(v) if isinstance(v, list) else None
)
def test_errors_are_one_line_that_says_what_and_where(run, capsys, words, code, message):
    assert main([word.replace("RUN", run) for word in words]) == code
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1 and message in errors[0] and lines[-1] == errors[0]
    assert "Traceback" not in captured.err and captured.out == ""
    assert not Path("runs").exists(), "nothing is left behind by a command that could not start"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: [", "bad.yaml: no valid YAML"),
        ("- a\n- b", "bad.yaml: expected lines of `name: value`"),
        ("modle: mlp", "bad.yaml: unknown recipe field 'modle': did you mean model?"),
        ("epochs: many", "bad.yaml: epochs must be a whole number, not 'many'"),
        ("epochs: true", "bad.yaml: epochs must be a whole number, not True"),
        ("deterministic: 3", "bad.yaml: deterministic must be true or false, not 3"),
        ("!!python/object/apply:os.system [echo hi]", "bad.yaml: no valid YAML"),
    ],
)
def test_bad_recipes_are_one_line(run, capsys, text, message):
    Path("bad.yaml").write_text(text)
    assert main(["train", "--recipe", "bad.yaml"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["device", "machine"])
def test_no_memory_left_for_tensors_is_said(run, monkeypatch, capsys, kind):
    def fill(*_, **__):
        if kind == "device":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has ...")
        torch.empty(2**50)

    monkeypatch.setattr("convscope.training.train.set_up", fill)
    assert main(["train", "--epochs", "1"]) == 1
    assert "error: out of memory: use a smaller --batch-size or --img-size" in capsys.readouterr().err


def test_debug_shows_the_trace(run):
    with pytest.raises(cs.DataError):
        main(["train", "nosuch", "--debug"])


def stop(*given: object, **options: object) -> None:
    raise KeyboardInterrupt  # which Ctrl-C raises; the signal itself is ignored where tests run in the background


@pytest.mark.parametrize(
    ("words", "where", "said"),
    [
        (["models"], "convscope.models.list_models", "stopped"),
        (
            ["compare", "digits", "--models", "lenet_relu,mnist_fast"], "convscope.comparing.compare.run_trial",
            "stopped: the same command goes on, and repeats no run that is finished",
        ),
    ],
)  # fmt: skip
def test_ctrl_c_is_one_line_that_says_how_to_go_on(words, where, said, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(where, stop)
    assert main(words) == 130
    assert capsys.readouterr().err.strip() == said
