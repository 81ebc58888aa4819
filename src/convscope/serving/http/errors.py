"""What the service refuses, in both languages: a status, a sentence, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import printable


class Refusal(Exception):  # noqa: N818 - most of these are nobody's fault
    """An answer that is no success: HTTP status, English and Chinese sentence, further headers."""

    def __init__(self, status: int, en: str, zh: str, headers: Mapping[str, str] | None = None):
        super().__init__(en)
        self.status, self.en, self.zh, self.headers = status, en, zh, dict(headers or {})

    def body(self) -> dict[str, Any]:
        """What the client gets as JSON."""
        return {"error": {"en": printable(self.en), "zh": printable(self.zh)}}


_SENTENCES = {
    400: ("this request cannot be understood", "无法理解这个请求"),
    403: ("not allowed", "不允许"),
    404: ("there is nothing at this address", "这个地址没有内容"),
    405: ("this address does not take this method", "这个地址不支持该请求方法"),
    408: ("the request came too slowly: send it again", "请求发送得太慢，请重新发送"),
    413: ("too large", "内容过大"),
    415: ("this type of content is not taken here", "不支持这种内容类型"),
    422: ("a parameter is missing or wrong", "参数缺失或有误"),
    500: ("something went wrong in the service", "服务内部出错"),
    503: ("too busy: try again in a moment", "服务繁忙，请稍后再试"),
    504: ("the answer took too long: try a smaller image or network", "计算超时，请换更小的图像或网络"),
}


def plain_refusal(status: int, headers: Mapping[str, str] | None = None) -> Refusal:
    """The usual sentence of a status."""
    en, zh = _SENTENCES.get(status, (f"refused with status {status}", f"请求被拒绝，状态码 {status}"))
    return Refusal(status, en, zh, headers)


def unknown(kind: str, zh: str, name: object) -> Refusal:
    """404 for a classifier, session, layer ... that is not there."""
    shown = printable(name)[:100]
    return Refusal(404, f"no {kind} '{shown}' here", f"没有名为“{shown}”的{zh}")


def wrong(en: str, zh: str) -> Refusal:
    """422 for a parameter that cannot be meant."""
    return Refusal(422, en, zh)
