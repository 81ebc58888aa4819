"""HTTP errors of the service: a status with a message in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import printable


class HttpError(Exception):
    """An error response: HTTP status, message in English and in Chinese, further headers."""

    def __init__(self, status: int, en: str, zh: str, headers: Mapping[str, str] | None = None):
        super().__init__(en)
        self.status, self.en, self.zh, self.headers = status, en, zh, dict(headers or {})

    def body(self, plain: bool = False) -> dict[str, Any]:
        """Return the JSON document that the client gets: the message in both languages, or one that is `plain`."""
        return {"error": printable(self.en) if plain else {"en": printable(self.en), "zh": printable(self.zh)}}


_MESSAGES = {
    400: ("this request is not valid HTTP", "请求格式有误"),
    403: ("access denied", "拒绝访问"),
    404: ("nothing found at this address", "该地址不存在"),
    405: ("this address does not support this method", "该地址不支持此请求方法"),
    408: ("the request arrived too slowly: send it again", "请求发送过慢，请重新发送"),
    413: ("the request is too large", "请求内容过大"),
    415: ("this content type is not supported here", "不支持该内容类型"),
    422: ("a parameter is missing or invalid", "参数缺失或无效"),
    500: ("internal error of the service", "服务内部错误"),
    503: ("the service is busy: try again in a moment", "服务繁忙，请稍后再试"),
    504: ("the computation took too long: try a smaller image or network", "计算超时，请改用更小的图像或网络"),
}


def standard_error(status: int, headers: Mapping[str, str] | None = None) -> HttpError:
    """Return the error with the usual message of a status."""
    en, zh = _MESSAGES.get(status, (f"the request failed with status {status}", f"请求失败，状态码 {status}"))
    return HttpError(status, en, zh, headers)


def not_found(kind: str, kind_zh: str, name: object) -> HttpError:
    """Return the 404 for a classifier, session, layer ... that does not exist."""
    shown = printable(name)[:100]
    return HttpError(404, f"there is no {kind} '{shown}'", f"没有名为“{shown}”的{kind_zh}")


def invalid(en: str, zh: str) -> HttpError:
    """Return the 422 for a parameter with an invalid value."""
    return HttpError(422, en, zh)
