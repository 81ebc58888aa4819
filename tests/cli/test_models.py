"""`convscope models` and `convscope summary`."""

from __future__ import annotations

import json

import convscope as cs
from convscope.cli import main


def test_models_and_summary(capsys):
    assert main(["models", "lenet*"]) == 0
    assert "lenet5" in capsys.readouterr().out
    assert main(["models", "m*", "--json"]) == 0
    entries = {e["name"]: e for e in json.loads(capsys.readouterr().out)}
    assert set(entries) == {"mlp", "mnist_cnn", "mnist_fast", "mnist_best"} < set(cs.list_models())
    assert main(["models", "lenet*", "--json"]) == 0
    entries |= {e["name"]: e for e in json.loads(capsys.readouterr().out)}
    assert entries["lenet5"]["parameters"] == 60_000 and entries["lenet5"]["year"] == 1998
    assert {"name", "year", "family", "paper", "input_size", "parameters", "top1_error", "top5_error"} <= set(
        entries["mlp"]
    )
    assert main(["summary", "lenet5"]) == 0
    out = capsys.readouterr().out
    assert all(number in out for number in ("122,304", "48,120", "10,164", "60,000", "340,908"))
    assert main(["summary", "lenet5", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["model"], table["parameters"], table["connections"]) == ("lenet5", 60_000, 340_908)
    assert table["layers"][0]["name"] == "C1" and table["receptive_field"] == 32
    assert main(["summary", "mlp", "--img-size", "8", "--in-channels", "3", "--num-classes", "4", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 192 * 300 + 300 + 30_100 + 404
