"""One inference: from the body of a request to images, and from their outputs to the body of the answer."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from fastapi import Request, Response
from pydantic import ValidationError

from ...http.errors import HttpError
from ...http.image_bodies import MAX_BASE64_BYTES
from ...http.json_bytes import to_json
from ...http.responses import parameter_error
from ...http.uploads import read_body, read_json
from ..answering import Answering, Output
from .tensors import InferenceRequest, RequestedOutput, packed, wrong

HEADER_LENGTH = "Inference-Header-Content-Length"
# Numbers in JSON take many times the memory of bytes; whoever sends many sends them as binary tensor data.
MAX_NUMBERS = 2_000_000
OUTPUTS = ("probabilities", "logits", "abstained")
VERSION = "1"


async def read_request(request: Request) -> tuple[InferenceRequest, bytes]:
    """Return the JSON of a request and the bytes that follow it; HttpError 400 if it makes no sense."""
    body = _decompressed(await read_body(request, MAX_BASE64_BYTES), request.headers.get("content-encoding", ""))
    length = request.headers.get(HEADER_LENGTH)
    if length is None:
        text, binary = body, b""
    elif length.isascii() and length.isdigit() and int(length) <= len(body):
        text, binary = body[: int(length)], body[int(length) :]
    else:
        raise wrong(f"{HEADER_LENGTH} is not the length of the JSON", f"{HEADER_LENGTH} 与 JSON 的长度不符")
    try:
        return InferenceRequest.model_validate(read_json(text, MAX_NUMBERS)), binary
    except ValidationError as problem:
        error = parameter_error(problem.errors())
        raise wrong(error.en, error.zh) from None


def _decompressed(body: bytes, encoding: str) -> bytes:
    if encoding.lower() in ("", "identity"):
        return body
    if encoding.lower() not in ("gzip", "deflate"):
        raise HttpError(415, "send the body as it is, or as gzip or deflate", "请求内容请勿压缩，或使用 gzip、deflate")
    decompressor = zlib.decompressobj(wbits=47)  # either of the two
    try:
        content = decompressor.decompress(body, MAX_BASE64_BYTES)
    except zlib.error:
        raise wrong(f"the body is not {encoding.lower()}", f"请求内容不是 {encoding.lower()}") from None
    if decompressor.unconsumed_tail or not decompressor.eof:
        raise HttpError(413, "the body unpacks to too much, or is cut", "请求内容解压后过大，或不完整")
    return content


def answer(name: str, request: InferenceRequest, answering: Answering, outputs: list[Output]) -> Response:
    """Return the outputs that were asked for, as JSON or as JSON with bytes after it."""
    everywhere = request.parameters.get("binary_data_output") is True
    wanted = request.outputs or [RequestedOutput(name=output) for output in OUTPUTS]
    entries, contents = [], []
    for output in wanted:
        binary = output.parameters.get("binary_data", everywhere) is True
        entry, content = _packed(output, answering, outputs, binary)
        entries.append(entry)
        contents.append(content)
    document = {"model_name": name, "model_version": VERSION, "outputs": entries}
    if request.id is not None:
        document["id"] = request.id
    text = to_json(document)
    if not any("binary_data_size" in entry.get("parameters", {}) for entry in entries):
        return Response(text, media_type="application/json")
    headers = {HEADER_LENGTH: str(len(text))}
    return Response(b"".join([text, *contents]), media_type="application/octet-stream", headers=headers)


def _packed(
    wanted: RequestedOutput, answering: Answering, outputs: list[Output], binary: bool
) -> tuple[dict[str, Any], bytes]:
    if wanted.name not in OUTPUTS:
        raise wrong(f"there is no output '{wanted.name}': {', '.join(OUTPUTS)}", f"没有输出“{wanted.name}”")
    n, likeliest = len(outputs), wanted.parameters.get("classification", 0)
    if type(likeliest) is not int or likeliest < 0:
        raise wrong("classification must be a number of classes", "classification 必须是类别数")
    if wanted.name == "abstained":
        return packed("abstained", np.array([output.refusal is not None for output in outputs]), [n], binary)
    rows = np.stack([getattr(output, wanted.name) for output in outputs]).astype("<f4", copy=False)
    k = min(likeliest, rows.shape[1])
    if k == 0:
        return packed(wanted.name, rows, [n, rows.shape[1]], binary)
    order = np.argsort(-rows, axis=1, kind="stable")[:, :k]
    texts = [
        f"{row[index]:.6f}:{index}:{answering.class_names[index]}"
        for row, indices in zip(rows, order.tolist(), strict=True)
        for index in indices
    ]
    return packed(wanted.name, texts, [n, k], binary)
