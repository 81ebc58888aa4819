"""`POST /predict`: all forms of images and of several give the same answers as the classifier."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from convscope.png import png_bytes


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture(scope="module")
def digits(digits_run) -> list[bytes]:
    """Five test images."""
    import convscope as cs

    return [png_bytes(np.asarray(image)) for image in cs.load_data("digits").splits["test"].images[:5]]


def test_every_form_gives_the_same_answer(client, digits_run, digit):
    expected = digits_run.classifier.predict(digit, topk=5)
    asked = [
        {"content": digit},
        {"content": digit, "headers": {"content-type": "image/png"}},
        {"files": {"file": ("a.png", digit, "image/png")}},
        {"json": {"image": encoded(digit)}},
        {"json": {"image": "data:image/png;base64," + encoded(digit)}},
    ]
    for request in asked:
        answer = client.post("/predict", **request).json()
        assert [row["label"] for row in answer["predictions"]] == [row.label for row in expected]
        got = [row["probability"] for row in answer["predictions"]]
        assert np.allclose(got, [row.probability for row in expected], atol=1e-6)


def test_several_images_in_order_each_with_its_own_error(client, digits_run, digits):
    bad = [*digits[:2], b"no image", *digits[2:], b""]
    expected = [digits_run.classifier.predict(image)[0].label for image in digits]
    as_form = client.post("/predict?topk=2", files=[("file", (f"{i}.png", image)) for i, image in enumerate(bad)])
    as_json = client.post("/predict?topk=2", json={"images": list(map(encoded, bad))})
    for answer in (as_form, as_json):
        assert answer.status_code == 200
        results = answer.json()["results"]
        assert len(results) == 7
        assert [row["status"] for row in results if "error" in row] == [415, 415]
        assert results[2]["error"]["zh"] and results[6]["error"]["en"]
        good = [row for row in results if "error" not in row]
        assert [row["predictions"][0]["label"] for row in good] == expected
        assert all(len(row["predictions"]) == 2 and row["abstained"] in (True, False) for row in good)
    assert len(client.post("/predict", json={"images": [encoded(digits[0])]}).json()["results"]) == 1


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({}, 422),
        ([], 422),
        ({"image": 5}, 422),
        ({"image": "!"}, 422),
        ({"image": ""}, 400),
        ({"images": []}, 422),
        ({"images": [None]}, 422),
        ({"image": "AAAA", "more": 1}, 422),
        ({"images": ["AAAA"] * 65}, 413),
        ({"images": [[[]]] * 10_000}, 413),
    ],
)
def test_json_that_holds_no_images(client, document, status):
    answer = client.post("/predict", json=document)
    assert answer.status_code == status and set(answer.json()["error"]) == {"en", "zh"}


def test_a_body_of_nothing_but_boundaries_takes_little_memory(client):
    body = b"--x\r\n" * 1_000_000
    answer = client.post("/predict", content=body, headers={"content-type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 400


def test_another_classifier_by_its_name(client, digit):
    answer = client.post("/predict", content=digit, params={"classifier": "mnist-lenet5"})
    assert answer.json()["model"] == "mnist-lenet5"
    assert client.post("/predict", content=digit, params={"classifier": "nobody"}).status_code == 404


def test_what_is_asked_for_under_another_name_is_not_left_out(client, digit):
    unknown = client.post("/predict?topk=2&model=mnist-lenet5", content=digit)
    field = client.post("/predict", files={"file": digit}, data={"topk": "1"})
    file = {"file": ("a.png", digit), "second": ("b.png", digit)}
    for answer, en, zh in (
        (client.post("/predict", files=file), "a field 'second': it takes images alone", "表单中有字段“second”"),
        (client.post("/predict", files={"file": digit}, data={"filename": "a"}), "a field 'filename'", "filename"),
        (unknown, "no parameter 'model': classifier, topk", "没有名为“model”的参数"),
        (field, "a field 'topk': it takes images alone", "表单中有字段“topk”"),
        (client.post("/predict?topk=2&topk=3", content=digit), "topk: give it once", "topk 只能出现一次"),
        (client.post("/predict?topk=0", content=digit), "topk: Input should be", "topk 无效（应不小于 1）"),
        (client.post("/predict?set_coverage=0.9999", content=digit), "sets with a coverage", "的集合需要"),
    ):
        assert answer.status_code == 422
        assert en in answer.json()["error"]["en"] and zh in answer.json()["error"]["zh"]


def test_a_set_of_classes_is_given_where_it_is_asked_for(client, digits_run, digits):
    rows = digits_run.classifier.predict(digits, topk=1, set_coverage=0.99)
    expected = [[p.label for p in row if p.in_set] for row in rows]
    images = {"images": list(map(encoded, digits))}
    results = client.post("/predict?topk=1&set_coverage=0.99", json=images).json()["results"]
    assert [row["set"] for row in results] == expected and {row["set_coverage"] for row in results} == {0.99}
    assert all(len(row["predictions"]) == 1 and row["predictions"][0]["in_set"] for row in results)
    assert "set" not in client.post("/predict", content=digits[0]).json()
    for query in ("set_coverage=0.9999", "set_coverage=1", "set_coverage=0.9&format=hf"):
        refused = client.post(f"/predict?{query}", content=digits[0])
        assert refused.status_code == 422 and refused.json()["error"]["zh"]


@pytest.mark.parametrize("query", ["format=json", "set_coverage=2", "topk=0"])
def test_a_wrong_parameter_is_named_as_it_was_given(client, digit, query):
    error = client.post(f"/predict?{query}", content=digit).json()["error"]
    assert error["en"].startswith(f"{query.partition('=')[0]}: ") and f" {query.partition('=')[0]} " in error["zh"]
