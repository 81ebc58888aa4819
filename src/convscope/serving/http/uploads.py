"""Uploads: read request bodies piece by piece, within a limit of size and of time."""

from __future__ import annotations

import asyncio
import json
import mmap
import re
from email.message import Message
from typing import Any

from fastapi import Request

from ...data.image_file import MAX_PIXELS, NotAnImage, TooManyPixels, UnreadableImage
from ...errors import printable
from ...messages.translate import in_chinese
from .errors import HttpError, invalid, standard_error
from .upload_pace import UploadPace

MAX_IMAGE_BYTES = 16_000_000
MAX_JSON_BYTES = 1_000_000
# Bodies that are read without a mapping and a timer of their own, which would take longer than all the rest.
SMALL_BYTES = 200_000
# Parts of a form, and values and lists in a JSON document: each takes many times the memory of its text.
MAX_PARTS, MAX_VALUES = 300, 10_000


async def read_body(request: Request, limit: int) -> bytes:
    """Return the whole body. HttpError 413 once it is known to be longer than `limit`, 408 if it comes too slowly."""
    declared = request.headers.get("content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    if declared is not None and declared.isdigit() and int(declared) <= SMALL_BYTES:
        return await request.body()  # the connection itself ends if it comes too slowly (`slow_clients`)
    # A mapping goes back to the system as a whole afterwards; pages that are never written to take no memory.
    with mmap.mmap(-1, limit) as content:
        pace, stream = UploadPace(), request.stream()
        while True:
            try:
                piece = await asyncio.wait_for(anext(stream), max(pace.seconds_left(), 0.01))
            except StopAsyncIteration:
                return content[: content.tell()]
            except asyncio.TimeoutError:
                raise standard_error(408) from None
            if content.tell() + len(piece) > limit:
                raise _too_large(limit)
            pace.add(len(piece))
            content.write(piece)


def read_json(body: bytes, most_values: int = MAX_VALUES) -> Any:
    """Return the document of a JSON body; HttpError 400 if it is not JSON, 413 if it has too many values."""
    if body.count(b",") + body.count(b"[") + body.count(b"{") > most_values:
        raise HttpError(413, f"more than {most_values:,} values in the JSON", f"JSON 中的值超过 {most_values:,} 个")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise HttpError(400, f"the body is not valid JSON ({str(problem)[:100]})", "请求内容不是有效的 JSON") from None


def file_of_form(body: bytes, boundary: str | None) -> bytes:
    """Return the field `file` of a multipart/form-data body; HttpError as `files_of_form`, and 422 for several."""
    first, *others = files_of_form(body, boundary)
    if others:
        raise invalid("the form has several images: send one", "表单中有多张图像：请只发送一张")
    return first


def files_of_form(body: bytes, boundary: str | None) -> list[bytes]:
    """Return the fields `file` of a multipart/form-data body; HttpError 400 if there is none, 422 for other fields.

    A value such as `topk`, or an image under another name, would be left out without a word. A form without its end
    was cut off, perhaps between two images: 400.
    """
    files, others = [], []
    delimiter = b"\r\n--" + (boundary or "").encode("latin-1", "replace")
    _, *parts = (b"\r\n" + body).split(delimiter, MAX_PARTS) if boundary else [b""]
    for part in parts:
        head, gap, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = _field_name(head) if gap else None
        if name == "file":
            files.append(content)
        elif name is not None:
            others.append(printable(name)[:100])
    if files and not parts[-1].startswith(b"--") and len(parts) < MAX_PARTS:
        raise HttpError(400, "the form was cut off: its end is missing", "表单不完整：缺少结尾")
    if files and others:
        raise invalid(
            f"the form has a field '{others[0]}': it takes images alone, each as 'file'; options belong into the "
            "address, such as /predict?topk=3",
            f"表单中有字段“{others[0]}”：表单只能包含图像（字段名均为“file”），选项请写在地址中，例如 /predict?topk=3",
        )
    if not files:
        raise HttpError(400, "the form has no field 'file' with an image", "表单中缺少包含图像的字段“file”")
    return files


def image_error(problem: UnreadableImage) -> HttpError:
    """Return 413 for too many pixels, 415 for content that is not an image, 400 for a damaged image."""
    if isinstance(problem, TooManyPixels):
        limit = f"图像像素过多，上限为 {MAX_PIXELS // 10_000} 万像素"
        return HttpError(413, f"the image is too large: {problem}", limit)
    if isinstance(problem, NotAnImage):
        return HttpError(415, str(problem), "内容不是可识别的图像，请发送 PNG、JPEG 等常见格式")
    return HttpError(
        400, f"the image cannot be used: {problem}", f"图像无法使用，文件可能已损坏（{in_chinese(str(problem))}）"
    )


PLAIN_FIELD = re.compile(rb'(?:^|\r\n)content-disposition: form-data; name="([\w.-]+)"', re.IGNORECASE)


def _field_name(head: bytes) -> object:
    if found := PLAIN_FIELD.match(head):
        return found[1].decode()
    for line in head.split(b"\r\n"):
        name, _, value = line.decode("utf-8", "replace").partition(":")
        if name.strip().lower() == "content-disposition":
            header = Message()
            header["content-disposition"] = value.strip()
            return header.get_param("name", header="content-disposition")
    return None


def _too_large(limit: int) -> HttpError:
    return HttpError(
        413,
        f"more than {limit / 1e6:g} MB: send a smaller image",
        f"超过 {limit / 1e6:g} MB，请发送更小的图像",
    )
