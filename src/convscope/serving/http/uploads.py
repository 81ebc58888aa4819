"""Bodies of requests: read piece by piece, never more than the limit, and given up when they come too slowly."""

from __future__ import annotations

import asyncio
import json
import mmap
import re
from email.message import Message
from typing import Any

from fastapi import Request

from ...data.image_file import UnreadableImage
from .errors import Refusal, plain_refusal
from .upload_pace import Pace

MAX_IMAGE_BYTES = 16_000_000
MAX_JSON_BYTES = 1_000_000
IMAGE_TYPES = re.compile(r"image/(?!svg)[\w.+-]+|application/octet-stream|application/x-www-form-urlencoded|")
# How our reader begins when the content is no image at all, rather than a damaged one.
ANOTHER_TYPE = "not an image that can be read (it looks like"


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Refusal 413 as soon as it is known to be longer than `limit`, 408 if it does not come."""
    declared = request.headers.get("content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    # Memory of its own, that goes back to the system as a whole; what is not written to takes no room.
    with mmap.mmap(-1, limit) as content:
        pace, stream = Pace(), request.stream()
        while True:
            try:
                piece = await asyncio.wait_for(anext(stream), max(pace.left(), 0.01))
            except StopAsyncIteration:
                return content[: content.tell()]
            except asyncio.TimeoutError:
                raise plain_refusal(408) from None
            if content.tell() + len(piece) > limit:
                raise _too_large(limit)
            pace.add(len(piece))
            content.write(piece)


async def read_image_body(request: Request) -> bytes:
    """An encoded image: the body itself, or the field `file` of a form. Refusal 415 for another type of content."""
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    kind = header.get_content_type() if header["content-type"] else ""
    if kind == "multipart/form-data":
        content = file_of_form(await read_body(request, MAX_IMAGE_BYTES + 10_000), header.get_boundary())
    elif IMAGE_TYPES.fullmatch(kind):
        content = await read_body(request, MAX_IMAGE_BYTES)
    else:
        raise Refusal(
            415,
            f"send an image (image/* or application/octet-stream), not {kind}",
            f"请发送图像（image/* 或 application/octet-stream），而不是 {kind}",
        )
    if not content:
        raise Refusal(400, "the image is empty", "图像内容为空")
    return content


def read_json(body: bytes) -> Any:
    """The document of a JSON body; Refusal 400 for what is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise Refusal(400, f"the body is no valid JSON ({str(problem)[:100]})", "请求内容不是有效的 JSON") from None


def file_of_form(body: bytes, boundary: str | None) -> bytes:
    """The content of the field `file` of a multipart/form-data body; Refusal 400 if there is none."""
    if boundary:
        for part in body.split(b"--" + boundary.encode("latin-1", "replace")):
            head, gap, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            if gap and _field_name(head) == "file":
                return content.removesuffix(b"\r\n")
    raise Refusal(400, "the form has no field 'file' with an image", "表单中没有包含图像的字段“file”")


def refuse_image(problem: UnreadableImage) -> Refusal:
    """413 for too many pixels, 415 for something else than an image, 400 for a damaged one."""
    reason = str(problem)
    if "megapixels" in reason:
        return Refusal(413, f"the image is too large: {reason}", f"图像过大：{reason}")
    if reason.startswith(ANOTHER_TYPE):
        return Refusal(415, reason, f"这不是可以读取的图像（{reason}）")
    return Refusal(400, f"the image cannot be used: {reason}", f"这张图像无法使用（{reason}）")


def _field_name(head: bytes) -> object:
    for line in head.split(b"\r\n"):
        name, _, value = line.decode("utf-8", "replace").partition(":")
        if name.strip().lower() == "content-disposition":
            header = Message()
            header["content-disposition"] = value.strip()
            return header.get_param("name", header="content-disposition")
    return None


def _too_large(limit: int) -> Refusal:
    return Refusal(
        413,
        f"more than {limit / 1e6:g} MB: send a smaller image",
        f"超过 {limit / 1e6:g} MB，请发送更小的图像",
    )
