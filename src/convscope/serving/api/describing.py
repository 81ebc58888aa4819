"""How the routes are described in OpenAPI, in English and Chinese, with the errors that each can answer."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from .answers import ErrorAnswer

REASONS = {
    200: ("The answer.", "应答。"),
    400: ("The image is damaged, or the body is not what its type says.", "图像损坏，或内容与类型不符。"),
    403: ("The request names another host, or comes from a foreign web page.", "主机名不符，或请求来自其他网页。"),
    404: ("There is no classifier of that name.", "没有这个名字的分类器。"),
    408: ("The body arrived too slowly.", "请求内容发送过慢。"),
    413: ("Too many bytes, pixels, images or values.", "字节、像素、图像或数值过多。"),
    415: ("The body is not of a type that is read here.", "不支持该内容类型。"),
    422: ("A parameter or a field is wrong.", "参数或字段有误。"),
    500: ("An unexpected error; the log has it under the request's id.", "意外错误，日志中按请求编号可查。"),
    503: ("Busy or ending: try again after the seconds in Retry-After.", "繁忙或正在停止，请在 Retry-After 秒后重试。"),
    504: ("The answer took longer than the deadline.", "应答超过时限。"),
}
# What is described by the framework, not by `described`: parameters, in Chinese.
CHINESE = dict(REASONS.values())


def said(english: str, chinese: str) -> str:
    """Return a description in English, and keep the Chinese one for the documentation page."""
    CHINESE[english] = chinese
    return english


def errors(*statuses: int, model: type[BaseModel] = ErrorAnswer) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of all answers; every route may answer 200, 403 and 500."""
    found: dict[int | str, dict[str, Any]] = {200: {"description": REASONS[200][0]}}
    for status in sorted({403, 500, *statuses}):
        found[status] = {"model": model, "description": REASONS[status][0]}
    return found


def described(en: str, zh: str, zh_summary: str, **more: Any) -> dict[str, Any]:
    """Return a route's description in English, and in Chinese for the documentation page."""
    return {"description": en, "openapi_extra": {"x-zh": {"summary": zh_summary, "description": zh}, **more}}


def whole_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a body that a route reads itself, in one piece: references lead to nothing in OpenAPI."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def in_one_piece(value: Any) -> Any:
        if isinstance(value, list):
            return [in_one_piece(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return in_one_piece(parts[value["$ref"].rpartition("/")[2]])
        return {name: in_one_piece(one) for name, one in value.items()}

    return dict(in_one_piece(schema))
