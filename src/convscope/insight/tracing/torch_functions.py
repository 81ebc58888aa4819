"""The functions of torch by name: what kind of operation each is, and what its arguments are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from torch import Tensor

from .graph import Call


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ACTIVATIONS = _words(
    "relu relu6 leaky_relu prelu rrelu elu selu celu gelu silu mish sigmoid tanh hardtanh hardsigmoid hardswish "
    "softplus softsign tanhshrink softshrink hardshrink threshold log_sigmoid logsigmoid clamp clamp_min clamp_max clip"
)
ARITHMETIC = _words(
    "add sub rsub mul div rdiv neg abs exp log log1p sqrt rsqrt square pow rpow sin cos erf reciprocal sign floor "
    "round maximum minimum where"
)
# These change nothing but number type or memory; dropout does nothing in evaluation mode.
PASSES = _words("to float half double bfloat16 type type_as contiguous clone detach alias data cpu cuda")
DROPOUTS = _words("dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout")
POINTWISE = ACTIVATIONS | ARITHMETIC | PASSES | DROPOUTS
JOINS = _words("cat stack hstack vstack")
REARRANGEMENTS = _words(
    "view reshape flatten unflatten permute transpose t T mT movedim squeeze unsqueeze getitem narrow select chunk "
    "split unbind expand expand_as roll flip repeat pixel_shuffle pixel_unshuffle channel_shuffle view_as reshape_as "
    "rot90 swapaxes tile index_select"
)
WINDOWS = _words("max_pool2d avg_pool2d lp_pool2d max_pool1d avg_pool1d max_pool3d avg_pool3d")
ADAPTIVE = frozenset({f"adaptive_{kind}_pool{n}d" for kind in ("avg", "max") for n in (1, 2, 3)})
REDUCTIONS = frozenset({"mean", "sum", "amax", "amin"})

_KINDS = {
    **dict.fromkeys((f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3)), "conv"),
    **dict.fromkeys(WINDOWS | ADAPTIVE, "pool"),
    **dict.fromkeys(("linear", "matmul", "bmm", "mm", "addmm", "bilinear"), "linear"),
    **dict.fromkeys(
        ("batch_norm", "layer_norm", "group_norm", "instance_norm", "local_response_norm", "rms_norm", "normalize"),
        "norm",
    ),
    **dict.fromkeys(ARITHMETIC, "other"),
    **dict.fromkeys(ACTIVATIONS, "activation"),
    **dict.fromkeys(("add", "sub", "rsub"), "add"),
    **dict.fromkeys(("mul", "div"), "multiply"),
    **dict.fromkeys(JOINS, "concat"),
    **dict.fromkeys(DROPOUTS, "dropout"),
    **dict.fromkeys(("softmax", "log_softmax", "softmin"), "softmax"),
    **dict.fromkeys(REARRANGEMENTS, "reshape"),
    **dict.fromkeys(PASSES, "identity"),
    "flatten": "flatten",
    "pad": "pad",
}

_POOL = "input kernel_size stride=None padding=0"
SIGNATURES = {
    "conv2d": "input weight bias=None stride=1 padding=0 dilation=1 groups=1",
    "conv_transpose2d": "input weight bias=None stride=1 padding=0 output_padding=0 groups=1 dilation=1",
    "max_pool2d": f"{_POOL} dilation=1 ceil_mode=False return_indices=False",
    "avg_pool2d": f"{_POOL} ceil_mode=False count_include_pad=True divisor_override=None",
    **dict.fromkeys(("lp_pool1d", "lp_pool2d", "lp_pool3d"), "input norm_type kernel_size stride=None ceil_mode=False"),
    **dict.fromkeys(("max_pool1d", "max_pool3d"), f"{_POOL} dilation=1 ceil_mode=False return_indices=False"),
    "avg_pool1d": f"{_POOL} ceil_mode=False count_include_pad=True",
    "avg_pool3d": f"{_POOL} ceil_mode=False count_include_pad=True divisor_override=None",
    **dict.fromkeys((f"max_unpool{n}d" for n in (1, 2, 3)), f"input indices {_POOL[6:]} output_size=None"),
    "adaptive_avg_pool2d": "input output_size",
    "adaptive_max_pool2d": "input output_size return_indices=False",
    "linear": "input weight bias=None",
    "batch_norm": "input running_mean running_var weight=None bias=None training=False momentum=0.1 eps=1e-05",
    "instance_norm": "input running_mean=None running_var=None weight=None bias=None use_input_stats=True "
    "momentum=0.1 eps=1e-05",
    "layer_norm": "input normalized_shape weight=None bias=None eps=1e-05",
    "group_norm": "input num_groups weight=None bias=None eps=1e-05",
    "local_response_norm": "input size alpha=0.0001 beta=0.75 k=1.0",
    "softmax": "input dim=None",
    "log_softmax": "input dim=None",
    "dropout": "input p=0.5 training=True inplace=False",
    **dict.fromkeys(("dropout1d", "dropout2d", "dropout3d"), "input p=0.5 training=True inplace=False"),
    **dict.fromkeys(("alpha_dropout", "feature_alpha_dropout"), "input p=0.5 training=False inplace=False"),
    "leaky_relu": "input negative_slope=0.01",
    "elu": "input alpha=1.0",
    "celu": "input alpha=1.0",
    "gelu": "input approximate='none'",
    "softplus": "input beta=1 threshold=20",
    "hardtanh": "input min_val=-1.0 max_val=1.0",
    "clamp": "input min=None max=None",
    "prelu": "input weight",
    "pad": "input pad mode='constant' value=None",
    "add": "input other alpha=1",
    "sub": "input other alpha=1",
    "rsub": "input other alpha=1",
    "mul": "input other",
    "div": "input other rounding_mode=None",
    "maximum": "input other",
    "minimum": "input other",
    "matmul": "input other",
    "cat": "tensors dim=0",
    "stack": "tensors dim=0",
    "flatten": "input start_dim=0 end_dim=-1",
    "mean": "input dim=None keepdim=False",
    "sum": "input dim=None keepdim=False",
    "amax": "input dim=() keepdim=False",
    "amin": "input dim=() keepdim=False",
}
_ALIASES = {
    "truediv": "div", "rtruediv": "rdiv", "true_divide": "div", "divide": "div", "multiply": "mul", "subtract": "sub",
    "radd": "add", "rmul": "mul", "iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "div", "idiv": "div",
    "concat": "cat", "concatenate": "cat", "negative": "neg", "absolute": "abs", "rmatmul": "matmul", "ipow": "pow",
    "feature_dropout": "dropout2d",
    **{f"{kind}{n}d_with_indices": f"{kind}{n}d" for kind in ("max_pool", "adaptive_max_pool") for n in (1, 2, 3)},
}  # fmt: skip
_PAIRS = {"kernel_size", "stride", "padding", "dilation", "output_padding", "output_size"}


@cache
def name_of(function: Callable[..., Any]) -> str:
    """Return one name for all forms of a function: `Tensor.__iadd__`, `torch.add` and `Tensor.add_` are `add`."""
    name = getattr(function, "__name__", type(function).__name__)
    if name == "__get__":
        name = getattr(getattr(function, "__self__", None), "__name__", name)
    name = name.strip("_")
    return _ALIASES.get(name, name)


@cache
def writes_in_place(function: Callable[..., Any]) -> bool:
    """Tell whether a function writes its result into its first argument: `relu_`, `x *= y`, `x[0] = y`."""
    name = getattr(function, "__name__", "").partition(".")[0]
    if name.startswith("__"):
        return name == "__setitem__" or (name.startswith("__i") and name not in ("__invert__", "__index__", "__int__"))
    return name.endswith("_")


@cache
def _signature(name: str) -> tuple[tuple[str, Any], ...]:
    from ast import literal_eval

    words = [word.partition("=") for word in SIGNATURES.get(name, "input").split()]
    return tuple((word, literal_eval(default) if default else None) for word, _, default in words)


def bind(call: Call) -> dict[str, Any]:
    """Return the arguments of a call by name, with the defaults of those that were left out."""
    signature = _signature(call.name)
    bound = dict(signature)
    bound.update(zip((word for word, _ in signature), call.arguments, strict=False))
    bound.update(call.options)
    if "kernel_size" in bound and bound.get("stride") in (None, [], ()):
        bound["stride"] = bound["kernel_size"]
    return bound


def pair(value: Any) -> tuple[int, int]:
    """Return a setting for rows and columns that is given as one number for both, or as one each."""
    if isinstance(value, int):
        return value, value
    values = [int(v) for v in value]
    return (values[0], values[1]) if len(values) > 1 else (values[0], values[0])


def own_padding(main: Call, calls: Sequence[Call]) -> dict[str, Any]:
    """Return how a layer pads its maps before its convolution or pooling, which then has no padding itself.

    `padding_mode` is that of PyTorch, `padding` rows and columns at each side, or `pad` all four sides if they differ.
    """
    pads = [bind(call) for call in calls if call is not main and call.name == "pad"]
    if main.name == "pad" or len(pads) != 1:
        return {}
    sides, mode = [int(side) for side in pads[0]["pad"]], str(pads[0]["mode"])
    if len(sides) != 4 or bind(main).get("padding") not in (0, (0, 0), [0, 0]):
        return {"padding_mode": mode, "pad": sides}
    if sides[:1] * 2 != sides[:2] or sides[2:3] * 2 != sides[2:]:
        return {"padding_mode": mode, "pad": sides}
    return {"padding_mode": mode, "padding": [sides[2], sides[0]]}


def attributes_of(call: Call) -> dict[str, Any]:
    """Return the settings of a call as JSON values."""
    settings: dict[str, Any] = {}
    bound = bind(call)
    for name, value in bound.items():
        if isinstance(value, bool | str) or (isinstance(value, int | float) and name not in _PAIRS):
            settings[name] = value
        elif name in _PAIRS and value is not None and call.name in SIGNATURES:
            spatial = value if isinstance(value, str) or None in _listed(value) else pair(value)
            settings[name] = spatial if isinstance(spatial, str) else list(spatial)
        elif name in ("dim", "pad", "normalized_shape") and value is not None:
            settings[name] = _listed(value)
    weight = bound.get("weight")
    if isinstance(weight, Tensor) and _KINDS.get(call.name) in ("conv", "linear"):
        settings["bias"] = bound.get("bias") is not None
        if weight.ndim > 2:
            settings["kernel_size"] = list(weight.shape[2:])
    if call.name not in ("conv2d", "linear"):
        settings["function"] = call.name
    for name in ("inplace", "training", "momentum", "return_indices"):
        settings.pop(name, None)
    return settings


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, int) or value is None else list(value)


def kind_of(calls: tuple[Call, ...], before: tuple[int, ...], after: tuple[int, ...]) -> str:
    """Return the kind of a node by its calls; `before` and `after` are the shapes of one image."""
    names = [call.name for call in calls]
    kinds = {_KINDS.get(name, "other") for name in names if name not in POINTWISE and name != "pad"}
    if not names:
        return "identity"
    if not kinds:
        rest = [name for name in names if name not in PASSES] or names
        return _KINDS.get(rest[0], "other") if len(rest) == 1 else "pad" if "pad" in names else "activation"
    if len(kinds) > 1:
        kinds.discard("reshape")
    kind = kinds.pop() if len(kinds) == 1 else "other"
    if kind == "pool" and names[0] in ADAPTIVE and all(size == 1 for size in after[1:]):
        return "global_pool"
    if kind == "other" and len(names) == 1 and names[0] in REDUCTIONS and len(before) == 3 and len(after) in (1, 3):
        return "global_pool" if all(size == 1 for size in after[1:]) and after[:1] == before[:1] else kind
    if kind == "reshape" and len(after) == 1 and len(before) > 1:
        return "flatten"
    return kind
