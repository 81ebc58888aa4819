"""The routes of the Open Inference Protocol: liveness, metadata, inference."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Path, Request, Response
from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from ....version import __version__
from ...http.errors import not_found
from ...http.image_bodies import MAX_IMAGES
from ...http.responses import json_response
from ..answering import Answering
from ..describing import described, errors, said, whole_schema
from ..hosting import Hosted, Hosting
from ..predict import note, usable
from .inference import OUTPUTS, VERSION, answer, read_request
from .tensors import IMAGE, PIXELS, InferenceAnswer, InferenceRequest, images_of, wrong

ID = said("The id of a classifier, as `/info` lists them.", "分类器的 id，见 `/info`。")
ONE = said("Always 1.", "总是 1。")
LENGTH = said("Bytes of JSON, if tensors follow as bytes.", "若张量以字节形式跟在后面，则为 JSON 的字节数。")
Name = Annotated[str, Path(max_length=300, description=ID)]
Version = Annotated[str, Path(max_length=20, description=ONE)]
Length = Annotated[int, Field(ge=0)] | SkipJsonSchema[None]
HeaderLength = Annotated[Length, Header(alias="Inference-Header-Content-Length", description=LENGTH)]
EXTENSIONS = ["binary_tensor_data", "classification", "model_configuration"]
# What the protocol calls the types of tensors, and Triton's configuration.
TRITON_TYPES = {"UINT8": "TYPE_UINT8", "BYTES": "TYPE_STRING", "FP32": "TYPE_FP32", "BOOL": "TYPE_BOOL"}


def only_version(version: Version) -> None:
    """HttpError 404 for a version that there is not."""
    if version != VERSION:
        raise not_found("version", "版本", version)


PATHS: dict[str, list[Any]] = {
    "/v2/models/{name}": [],
    "/v2/models/{name}/versions/{version}": [Depends(only_version)],
}


class PlainError(BaseModel):
    """Why there is no answer, as the protocol has it: a text."""

    error: str


class ServerMetadata(BaseModel):
    """The service."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(BaseModel):
    """One input or output; -1 stands for the number of images."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """One classifier. Its inputs are alternatives: give one of them."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ConfigTensor(BaseModel):
    """One input or output of one image, as Triton's configuration has it."""

    name: str
    data_type: str
    dims: list[int]


class ModelConfig(BaseModel):
    """How a classifier is served, in the words of Triton's configuration."""

    name: str
    platform: str
    backend: str
    max_batch_size: int
    input: list[ConfigTensor]
    output: list[ConfigTensor]
    dynamic_batching: dict[str, int]


def add_open_inference_routes(app: FastAPI, hosting: Hosting) -> None:
    """Add all routes below `/v2`."""
    _add_server_routes(app, hosting)
    _add_model_routes(app, hosting)
    _add_inference_routes(app, hosting)


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return errors(*statuses, model=PlainError)


def _add_server_routes(app: FastAPI, hosting: Hosting) -> None:
    text = described("For clients of Triton and KServe.", "供 Triton、KServe 的客户端使用。", "服务信息")

    @app.get(
        "/v2", summary="Metadata of the service", response_model=ServerMetadata, responses=_errors(), tags=["v2"],
        **text,
    )  # fmt: skip
    async def server() -> Response:
        return json_response({"name": "convscope", "version": __version__, "extensions": EXTENSIONS})

    text = described("200 as long as the process lives.", "进程存活即返回 200。", "服务是否存活")

    @app.get("/v2/health/live", summary="Does it live?", responses=_errors(), tags=["v2"], **text)
    async def live() -> dict[str, bool]:
        return {"live": True}

    text = described("200 if requests are answered.", "能应答请求时返回 200。", "能否应答请求")

    @app.get("/v2/health/ready", summary="Can it answer?", responses=_errors(503), tags=["v2"], **text)
    async def ready() -> Response:
        if hosting.is_ready():
            return json_response({"ready": True})
        return json_response({"error": "the service is ending"}, 503)


def _add_model_routes(app: FastAPI, hosting: Hosting) -> None:
    text = described(
        "Its inputs are alternatives: `pixels`, uint8 in the network's size, as an exported ONNX model takes them, or "
        "`image`, encoded images, which are resized as in training.",
        "输入二选一：`pixels`，网络大小的 uint8 像素，与导出的 ONNX 模型相同；或 `image`，编码后的图像，"
        "按训练时的方式缩放。",
        "分类器信息",
    )

    async def metadata(name: Name) -> Response:
        hosted = hosting.get(name)
        return json_response(_metadata(hosted, await hosted.answering()))

    text_config = described(
        "What clients of Triton read to learn the size of batches. Sizes are those of one image.",
        "供 Triton 客户端了解批次大小；各尺寸为单张图像的尺寸。",
        "分类器的服务配置",
    )

    async def config(name: Name) -> Response:
        hosted = hosting.get(name)
        return json_response(_config(_metadata(hosted, await hosted.answering()), hosting.limits.max_batch))

    text_ready = described("200 if the classifier answers.", "分类器能应答时返回 200。", "分类器是否就绪")

    async def ready(name: Name) -> Response:
        hosting.get(name)
        if hosting.is_ready():
            return json_response({"ready": True})
        return json_response({"error": "the service is ending"}, 503)

    for path, dependencies in PATHS.items():
        app.add_api_route(
            path, metadata, dependencies=dependencies, summary="Metadata of a classifier", response_model=ModelMetadata,
            responses=_errors(404, 422), tags=["v2"], **text,
        )  # fmt: skip
        app.add_api_route(
            f"{path}/config", config, dependencies=dependencies, summary="Configuration of a classifier",
            response_model=ModelConfig, responses=_errors(404, 422), tags=["v2"], **text_config,
        )  # fmt: skip
        app.add_api_route(
            f"{path}/ready", ready, dependencies=dependencies, summary="Can the classifier answer?",
            responses=_errors(404, 422, 503), tags=["v2"], **text_ready,
        )  # fmt: skip


def _add_inference_routes(app: FastAPI, hosting: Hosting) -> None:
    body = {
        "required": True,
        "content": {
            "application/json": {"schema": whole_schema(InferenceRequest)},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
    text = described(
        "Tensors are numbers in JSON, or bytes after it (`Inference-Header-Content-Length` is then the length of the "
        f"JSON, `binary_data_size` that of each tensor). Outputs: {', '.join(OUTPUTS)}.",
        "张量可以是 JSON 中的数字，也可以是其后的字节（此时 `Inference-Header-Content-Length` 为 JSON 的长度，"
        f"`binary_data_size` 为各张量的长度）。输出：{'、'.join(OUTPUTS)}。",
        "推理",
        requestBody=body,
    )

    async def infer(request: Request, name: Name, length: HeaderLength = None) -> Response:
        hosted = hosting.get(name)
        hosting.batcher_of(hosted).require_room()
        answering = await hosted.answering()
        asked, binary = await read_request(request)
        images = images_of(asked, binary, answering.input_size)
        if len(images) > MAX_IMAGES:
            raise wrong(f"send at most {MAX_IMAGES} images at once", f"一次最多 {MAX_IMAGES} 张图像")
        job = await hosting.answer(hosted, images, answering)
        note(request, hosting, hosted, job)
        return answer(hosted.id, asked, answering, [usable(output) for output in job.outputs])

    for path, dependencies in PATHS.items():
        app.add_api_route(
            f"{path}/infer", infer, dependencies=dependencies, methods=["POST"], summary="Infer",
            response_model=InferenceAnswer, responses=_errors(400, 404, 408, 413, 415, 422, 503, 504), tags=["v2"],
            **text,
        )  # fmt: skip


def _metadata(hosted: Hosted, answering: Answering) -> dict[str, Any]:
    classes = len(answering.class_names)
    return {
        "name": hosted.id,
        "versions": [VERSION],
        "platform": f"convscope_{answering.runtime}",
        "inputs": [
            {"name": PIXELS, "datatype": "UINT8", "shape": [-1, *answering.input_size]},
            {"name": IMAGE, "datatype": "BYTES", "shape": [-1]},
        ],
        "outputs": [
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, classes]},
            {"name": "logits", "datatype": "FP32", "shape": [-1, classes]},
            {"name": "abstained", "datatype": "BOOL", "shape": [-1]},
        ],
    }


def _config(metadata: dict[str, Any], max_batch: int) -> dict[str, Any]:
    tensors = {
        kind: [
            {
                "name": tensor["name"],
                "data_type": TRITON_TYPES[tensor["datatype"]],
                "dims": tensor["shape"][1:] or [1],
            }
            for tensor in metadata[f"{kind}s"]
        ]
        for kind in ("input", "output")
    }
    return {
        "name": metadata["name"],
        "platform": metadata["platform"],
        "backend": "convscope",
        "max_batch_size": max_batch,
        **tensors,
        "dynamic_batching": {"max_queue_delay_microseconds": 0},
    }
