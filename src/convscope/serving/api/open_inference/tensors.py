"""Tensors in requests and answers: as numbers in JSON, or as bytes after it (the binary tensor data extension)."""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ...http.errors import HttpError

TYPES = {"BOOL": np.dtype(bool), "UINT8": np.dtype("u1"), "FP32": np.dtype("<f4")}
PIXELS, IMAGE = "pixels", "image"
Values = list[Any]


class InputTensor(BaseModel):
    """One input: `data` row by row, flat or nested, or `binary_data_size` bytes after the JSON."""

    model_config = ConfigDict(strict=True)
    name: str = Field(max_length=100)
    shape: list[int] = Field(min_length=1, max_length=8)
    datatype: str = Field(max_length=20)
    parameters: dict[str, Any] = {}
    data: Values | None = None


class RequestedOutput(BaseModel):
    """One output that is asked for; `classification` K gives the K likeliest classes as `value:index:label`."""

    model_config = ConfigDict(strict=True)
    name: str = Field(max_length=100)
    parameters: dict[str, Any] = {}


class InferenceRequest(BaseModel):
    """Images for one classifier; without `outputs`, all of them are given."""

    model_config = ConfigDict(strict=True)
    id: str | None = Field(None, max_length=200)
    inputs: list[InputTensor] = Field(min_length=1, max_length=8)
    outputs: list[RequestedOutput] | None = Field(None, max_length=16)
    parameters: dict[str, Any] = {}


class OutputTensor(BaseModel):
    """One output."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Any] | None = None
    data: Values | None = None


class InferenceAnswer(BaseModel):
    """The outputs for all images of a request."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


def wrong(en: str, zh: str) -> HttpError:
    """Return the 400 of a tensor that cannot be used."""
    return HttpError(400, en, zh)


def images_of(request: InferenceRequest, binary: bytes, input_size: tuple[int, int, int]) -> list[bytes | np.ndarray]:
    """Return the images of a request: encoded ones of `image`, or uint8 H x W x C of `pixels`. HttpError 400 if none.

    `binary` is what follows the JSON.
    """
    parts = _binary_parts(request.inputs, binary)
    if len(request.inputs) != 1 or request.inputs[0].name not in (PIXELS, IMAGE):
        raise wrong("give one input, `pixels` or `image`", "请给出一个输入：`pixels` 或 `image`")
    given, part = request.inputs[0], parts[0]
    if given.name == IMAGE:
        return list(_encoded_images(given, part))
    return list(_pixels(given, part, input_size).transpose(0, 2, 3, 1))


def _binary_parts(inputs: list[InputTensor], binary: bytes) -> list[bytes | None]:
    parts: list[bytes | None] = []
    at = 0
    for given in inputs:
        size = given.parameters.get("binary_data_size")
        if size is None:
            parts.append(None)
            continue
        if type(size) is not int or not 0 <= size <= len(binary) - at:
            raise wrong(
                f"{given.name}: binary_data_size is {str(size)[:20]}, but {len(binary) - at} bytes are left",
                f"{given.name}：binary_data_size 与剩余的 {len(binary) - at} 字节不符",
            )
        parts.append(binary[at : at + size])
        at += size
    if at != len(binary):
        raise wrong(f"{len(binary) - at} bytes belong to no input", f"有 {len(binary) - at} 字节不属于任何输入")
    return parts


def _pixels(given: InputTensor, part: bytes | None, input_size: tuple[int, int, int]) -> np.ndarray:
    """Return uint8 N x C x H x W."""
    wanted = " x ".join(map(str, input_size))
    if given.datatype != "UINT8" or len(given.shape) != 4 or tuple(given.shape[1:]) != input_size or given.shape[0] < 1:
        raise wrong(f"pixels must be UINT8 N x {wanted}", f"pixels 必须是 UINT8，N x {wanted}")
    count = int(np.prod([int(length) for length in given.shape], dtype=object))
    values = _numbers(given) if part is None else np.frombuffer(part, np.uint8)
    if len(values) != count:
        raise wrong(f"pixels has {len(values)} values, not {count}", f"pixels 有 {len(values)} 个值，应为 {count} 个")
    return values.reshape(given.shape)


def _numbers(given: InputTensor) -> np.ndarray:
    try:
        values = np.asarray(given.data if given.data is not None else [])
    except ValueError:
        values = np.empty(0, object)
    if values.dtype.kind not in "iu" or (values.size and not 0 <= values.min() <= values.max() <= 255):
        raise wrong(
            f"{given.name}: data must be whole numbers from 0 to 255", f"{given.name}：data 必须是 0 到 255 的整数"
        )
    return values.astype(np.uint8).ravel()


def _encoded_images(given: InputTensor, part: bytes | None) -> list[bytes]:
    """Return encoded images: elements with their length in front, or base64 in JSON."""
    if given.datatype != "BYTES" or int(np.prod(given.shape, dtype=object)) < 1:
        raise wrong("image must be BYTES of shape [N]", "image 必须是 BYTES，形状为 [N]")
    images = [_from_base64(text) for text in given.data or []] if part is None else _elements(part)
    count = int(np.prod(given.shape, dtype=object))
    if len(images) != count:
        raise wrong(f"image has {len(images)} elements, not {count}", f"image 有 {len(images)} 个元素，应为 {count} 个")
    return images


def _elements(part: bytes) -> list[bytes]:
    elements, at = [], 0
    while at < len(part):
        length = int.from_bytes(part[at : at + 4], "little")
        if at + 4 + length > len(part):
            raise wrong("image: an element is longer than the data", "image：元素长度超出数据范围")
        elements.append(part[at + 4 : at + 4 + length])
        at += 4 + length
        if len(elements) > 1000:
            raise wrong("image: too many elements", "image：元素过多")
    return elements


def _from_base64(text: Any) -> bytes:
    if isinstance(text, str):
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise wrong("image: data must be images in base64", "image：data 必须是 base64 编码的图像")


def packed(name: str, values: np.ndarray | list[str], shape: list[int], binary: bool) -> tuple[dict[str, Any], bytes]:
    """Return an output's entry in the JSON, and the bytes that follow it if it is `binary`."""
    if isinstance(values, list):
        datatype = "BYTES"
        texts = [text.encode("utf-8", "backslashreplace") for text in values]
        content = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    else:
        datatype = next(kind for kind, dtype in TYPES.items() if dtype == values.dtype)
        content = np.ascontiguousarray(values).tobytes()
    entry: dict[str, Any] = {"name": name, "datatype": datatype, "shape": shape}
    if binary:
        return {**entry, "parameters": {"binary_data_size": len(content)}}, content
    return {**entry, "data": values if isinstance(values, list) else values.ravel().tolist()}, b""
