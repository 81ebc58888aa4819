"""The documentation: every route is on the page, in both languages, and the page loads nothing from elsewhere."""

from __future__ import annotations

import re

import pytest

from convscope.serving.api.describing import CHINESE


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_describes_every_route_and_loads_nothing_from_elsewhere(client, lang):
    answer = client.get("/docs", headers={"accept-language": {"en": "fr, en;q=0.5", "zh": "zh-CN,zh;q=0.9"}[lang]})
    assert answer.headers["content-type"].startswith("text/html") and f'<html lang="{lang}">' in answer.text
    schema = client.get("/openapi.json").json()
    routes = [(path, one) for path, methods in schema["paths"].items() for one in methods.values()]
    assert len(routes) >= 12
    for path, described in routes:
        assert f"<code>{path}</code>" in answer.text
        assert described["summary"] and described["description"]
        summary = described["summary"] if lang == "en" else described["x-zh"]["summary"]
        assert summary and summary in answer.text, path
    if lang == "zh":  # every description has its Chinese words
        parts = [one["description"] for _, described in routes for one in described.get("parameters", [])]
        parts += [one["description"] for _, described in routes for one in described["responses"].values()]
        assert {part for part in parts if part not in CHINESE} == set()
    loaded = re.findall(r'(?:src|href|action)="([^"]*)"', answer.text)
    assert loaded and not any(":" in address.removeprefix("data:,") or address.startswith("/") for address in loaded)
    assert "<script" not in answer.text and "style=" not in answer.text
    assert client.get("/docs.css").headers["content-type"].startswith("text/css")
    assert client.get("/docs?lang=" + {"en": "zh", "zh": "en"}[lang]).text != answer.text
