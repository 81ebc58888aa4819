"""Images in request bodies: one as it is, several in a form, several as base64 in JSON."""

from __future__ import annotations

import base64
import binascii
import re
from email.message import Message
from typing import Any

from fastapi import Request

from .errors import HttpError
from .uploads import MAX_IMAGE_BYTES, file_of_form, files_of_form, read_body, read_json

IMAGE_TYPES = re.compile(r"image/(?!svg)[\w.+-]+|application/octet-stream|application/x-www-form-urlencoded|")
# Most content types need no parser for mail headers, which takes as long as a small network.
PLAIN_TYPE = re.compile(r"([a-z]+/[a-z0-9.+-]+)(?:; ?boundary=([\w-]+))?")
# Base64 takes four bytes for three.
MAX_BASE64_BYTES = MAX_IMAGE_BYTES * 4 // 3 + 10_000
MAX_IMAGES = 64


async def read_image_body(request: Request) -> bytes:
    """Return an encoded image: the body, or the field `file` of a form. HttpError 415 for another content type."""
    kind, boundary = content_type(request)
    if kind == "multipart/form-data":
        content = file_of_form(await read_body(request, MAX_IMAGE_BYTES + 10_000), boundary)
    else:
        content = await _read_plain(request, kind)
    if not content:
        raise _empty()
    return content


async def read_images(request: Request) -> tuple[list[bytes], bool]:
    """Return the encoded images of a request, and whether it asks for a list of answers.

    That is a form with several fields `file`, or JSON with `images`; of an image as the body, of a form with one and
    of JSON with `image` the answer is one. HttpError 400, 413, 415 or 422 says what is wrong.
    """
    kind, boundary = content_type(request)
    if kind == "multipart/form-data":
        images = files_of_form(await read_body(request, MAX_IMAGE_BYTES + 10_000), boundary)
        several = len(images) > 1
    elif kind == "application/json":
        images, several = images_of_json(read_json(await read_body(request, MAX_BASE64_BYTES)))
    else:
        images, several = [await _read_plain(request, kind)], False
    if len(images) > MAX_IMAGES:
        raise HttpError(
            413,
            f"{len(images)} images: send at most {MAX_IMAGES} at once",
            f"图像数量 {len(images)} 过多，一次最多 {MAX_IMAGES} 张",
        )
    if not several and not images[0]:
        raise _empty()
    return images, several


def content_type(request: Request) -> tuple[str, str | None]:
    """Return the type of a body, "" if none is named, and the boundary of a form; HttpError 415 if it is compressed."""
    if request.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
        raise HttpError(415, "send the body as it is, without Content-Encoding", "请求内容请勿压缩（Content-Encoding）")
    text = request.headers.get("content-type", "")
    if not text:
        return "", None
    if found := PLAIN_TYPE.fullmatch(text):
        return found[1], found[2]
    header = Message()
    header["content-type"] = text
    return header.get_content_type(), header.get_boundary()


def images_of_json(document: Any) -> tuple[list[bytes], bool]:
    """Return the images of `{"image": BASE64}` or `{"images": [BASE64, ...]}`, and whether they are a list."""
    if isinstance(document, dict) and set(document) == {"image"}:
        return [_decoded(document["image"], "image")], False
    if isinstance(document, dict) and set(document) == {"images"} and isinstance(document["images"], list):
        texts = document["images"]
        if not texts:
            raise HttpError(422, "images: the list is empty", "images：列表为空")
        return [_decoded(text, f"images[{number}]") for number, text in enumerate(texts[: MAX_IMAGES + 1])], True
    raise HttpError(
        422,
        'send {"image": "..."} or {"images": ["...", ...]} with images in base64, and nothing else',
        '请发送 {"image": "..."} 或 {"images": ["...", ...]}，图像为 base64，不含其他字段',
    )


def _decoded(text: Any, where: str) -> bytes:
    """Return an image from base64, or from a data URL with base64."""
    if isinstance(text, str):
        if text.startswith("data:"):
            text = text.partition(",")[2]
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise HttpError(422, f"{where}: not an image in base64", f"{where}：不是 base64 编码的图像")


async def _read_plain(request: Request, kind: str) -> bytes:
    if not IMAGE_TYPES.fullmatch(kind):
        raise HttpError(
            415,
            f"send an image (image/* or application/octet-stream), not {kind}",
            f"请发送图像（image/* 或 application/octet-stream），而不是 {kind}",
        )
    return await read_body(request, MAX_IMAGE_BYTES)


def _empty() -> HttpError:
    return HttpError(400, "the image is empty", "图像内容为空")
