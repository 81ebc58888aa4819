"""Links into the file, `page.html#...`, as a teacher sends them: the whole view travels, and it is computed anew."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
import torch
from playwright.sync_api import expect

from convscope.serving.classifiers import serve_target
from convscope.serving.examples import Examples
from convscope.target import Target

from ..page.conftest import answered, chances, written

KERNEL = np.array([[2, 0, -1, 0, 1], [0.5] * 5, [0] * 5, [-0.25] * 5, [1, 1, 0, -1, -1]], np.float32)


def packed(values: np.ndarray) -> str:
    return base64.urlsafe_b64encode(values.tobytes()).decode().rstrip("=")


def changed_answer(epoch: int) -> dict[str, float]:
    """PyTorch's answer to example 5 after an epoch, with a kernel replaced and five maps switched off, in per cent."""
    served = serve_target(Target("mnist-relu"), torch.device("cpu"))
    network, preprocess = served.network(epoch), served.classifier.preprocess
    pixels = served.classifier.pixels(Examples().of(served)[5].content(preprocess.levels)[0])
    with torch.no_grad():
        network.features[0].weight[2, 0] = torch.from_numpy(KERNEL)
        network.features[3].register_forward_hook(lambda module, inputs, maps: maps * keep)
        keep = torch.ones(1, 16, 1, 1)
        keep[0, [1, 2, 3, 4, 9]] = 0
        chances_of = network(preprocess.normalize(pixels[None])).softmax(1)[0]
    return {str(digit): 100 * float(chance) for digit, chance in enumerate(chances_of)}


def test_a_view_with_changes_of_an_epoch_travels(visit_file, relu_file):
    link = (
        "#v=1&model=mnist-relu&tab=network&example=5&at=features.3~5~4~3&term=7&off=features.3~1~2~3~4~9"
        f"&kernel={f'features.0~2~0~5~{packed(KERNEL)}'.replace('~', '%7E')}&direction=backward&truth=3&epoch=3"
        "&maps=features.3~16&scale=network&open=features&open=classifier&lang=zh"
    )
    page = visit_file(relu_file, link)
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator(".path")).to_have_text(re.compile(r"features\.3"))
    expect(page.get_by_role("button", name="撤销 6 处改动")).to_be_visible()
    expect(page.locator("#toolbar select")).to_have_value("3")
    expect(page.locator("#epochs")).to_contain_text(re.compile(r"第\s*3\s*轮"))
    answered(page)
    assert chances(page) == pytest.approx(changed_answer(3), abs=0.06)
    assert set(written(page).split("#")[1].replace("%7E", "~").split("&")) == set(
        link[1:].replace("%7E", "~").split("&")
    )


OTHERS = {  # link -> what is then in sight
    "example=3&3d=1": ".three-canvas",
    "example=3&tab=training&epoch=6": "#tab-training .epoch-slider",
    "example=3&tab=lesson&step=3": ".lesson-count",
    "example=3&at=features.0~1&with=epoch~0": ".beside-words",
    "example=3&why=occlusion&cover=14.14.4": ".why-controls",
    "tab=convolution": ".conv-sum output",
}


def test_other_views_travel(visit_file, relu_file):
    page = visit_file(relu_file, "#example=1&lang=en")
    for link, place in OTHERS.items():
        page.goto("about:blank")  # otherwise only the part behind # would change
        page.goto(f"{relu_file.as_uri()}#{link}&lang=en")
        expect(page.locator(place).first).to_be_visible()
        expect(page.locator("#notice")).to_be_hidden()
        asked, got = (set(text.split("&")) for text in (link, written(page).split("#")[1]))
        assert asked <= got, (asked, got)


def test_an_epoch_that_the_file_does_not_hold_is_said(visit_file, relu_file):
    page = visit_file(relu_file, "#example=3&epoch=5&lang=en")
    expect(page.locator("#notice p")).to_contain_text("Epoch 5")
    answered(page)
