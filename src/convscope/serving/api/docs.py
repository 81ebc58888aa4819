"""`GET /docs`: the API described on one page, in English and Chinese, which loads nothing from elsewhere."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response

from .describing import CHINESE

FOLDER = Path(__file__).parent
WORDS = {
    "en": {
        "title": "API of this service", "try": "Try it", "image": "One image or several", "send": "Send", "in": "in",
        "parameters": "Parameters", "name": "name", "type": "type", "default": "default", "meaning": "meaning",
        "body": "Body", "answers": "Answers", "curl": "From the command line", "key": "With an API key, add",
        "other": "中文", "page": "The page",
    },
    "zh": {
        "title": "本服务的 API", "try": "试一试", "image": "一张或多张图像", "send": "发送", "in": "位置",
        "parameters": "参数", "name": "名称", "type": "类型", "default": "默认", "meaning": "含义",
        "body": "请求内容", "answers": "应答", "curl": "命令行", "key": "若设有 API 密钥，加上",
        "other": "English", "page": "网页",
    },
}  # fmt: skip
CODE = re.compile("`([^`]*)`")


def add_docs_route(app: FastAPI, has_page: bool) -> None:
    """Add `/docs` and its style sheet; it links to the page if there is one."""

    @app.get("/docs", include_in_schema=False)
    def docs(request: Request, lang: str = "") -> Response:
        chosen = lang if lang in WORDS else preferred(request.headers.get("accept-language", ""))
        origin = str(request.base_url).rstrip("/")
        html = _template().render(
            operations=operations(app.openapi()), words=WORDS[chosen], lang=chosen, origin=origin, has_page=has_page,
            other={"en": "zh", "zh": "en"}[chosen],
        )  # fmt: skip
        # With the usual policy a browser would not say that the form comes from here.
        headers = {"Cache-Control": "no-cache", "Referrer-Policy": "same-origin"}
        return Response(html, media_type="text/html; charset=utf-8", headers=headers)

    @app.get("/docs.css", include_in_schema=False)
    def style() -> Response:
        content = (FOLDER / "docs.css").read_bytes()
        return Response(content, media_type="text/css; charset=utf-8", headers={"Cache-Control": "no-cache"})


def preferred(accepted: str) -> str:
    """Return the first of our languages that a browser names."""
    for part in accepted.lower().split(","):
        if (language := part.strip()[:2]) in WORDS:
            return language
    return "en"


def operations(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the routes as OpenAPI describes them, with what is needed to show them."""
    found = []
    for path, methods in schema["paths"].items():
        for method, described in methods.items():
            body = described.get("requestBody", {}).get("content", {})
            found.append(
                {
                    "method": method.upper(),
                    "path": path,
                    "en": {"summary": described.get("summary"), "description": described.get("description")},
                    "zh": described.get("x-zh", {}),
                    "parameters": [_parameter(one) for one in described.get("parameters", [])],
                    "body": list(body),
                    "answers": [(status, one["description"]) for status, one in described["responses"].items()],
                    "options": "" if method == "get" else f"-X {method.upper()} ",
                }
            )
    return found


def _parameter(described: dict[str, Any]) -> dict[str, Any]:
    schema = described["schema"]
    kinds = [schema, *schema.get("anyOf", [])]
    kind = next((one["type"] for one in kinds if one.get("type") not in (None, "null")), "")
    default = schema.get("default")
    return {
        "name": described["name"],
        "in": described["in"],
        "type": kind,
        "default": "" if default is None else json.dumps(default),
        "description": described.get("description", ""),
    }


@cache
def _template() -> Any:
    import jinja2
    from markupsafe import Markup, escape

    loader = jinja2.FileSystemLoader(FOLDER)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)

    def told(text: str | None, lang: str) -> Any:
        """Return a description in a language, what stands between backticks as code."""
        chosen = CHINESE.get(text or "", text) if lang == "zh" else text
        parts = CODE.split(chosen or "")
        shown = [Markup("<code>{}</code>").format(part) if i % 2 else escape(part) for i, part in enumerate(parts)]
        return Markup("").join(shown)

    environment.filters["told"] = told
    return environment.get_template("docs.html.j2")
