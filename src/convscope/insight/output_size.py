"""How large the output of a window operation is, and why some settings are impossible."""

from __future__ import annotations

KINDS = ("conv", "pool", "transposed")


def output_size(
    kind: str,
    size: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """The rows (or columns) that a "conv", a "pool" or a "transposed" convolution makes of `size` of them.

    conv, pool: floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1; a pool with `ceil_mode` rounds up,
    but gives no window that would begin behind the image. transposed: (size - 1) stride - 2 padding +
    dilation (kernel - 1) + 1. As PyTorch counts. ValueError says in one line why a setting is impossible.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind '{kind}'; choose one of {', '.join(KINDS)}")
    for name, value in (("size", size), ("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    if padding < 0:
        raise ValueError(f"padding must not be negative, not {padding}")
    if ceil_mode and kind != "pool":
        raise ValueError("only a pool rounds up; leave ceil_mode off")
    reach = dilation * (kernel - 1) + 1
    what = f"a kernel of {kernel}" + (f" with dilation {dilation} reaches over {reach}, which" if dilation > 1 else "")
    if kind == "transposed":
        found = (size - 1) * stride - 2 * padding + reach
        if found < 1:
            raise ValueError(f"padding {padding} cuts away more than the {(size - 1) * stride + reach} that there are")
        return found
    if kind == "pool" and 2 * padding > kernel:
        raise ValueError(f"padding {padding} is more than half of the kernel of {kernel}: some windows would be empty")
    found = (size + 2 * padding - reach + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (found - 1) * stride >= size + padding:
        found -= 1
    if found < 1:
        around = f" even with padding {padding}" if padding else ""
        raise ValueError(f"{what} is larger than the input of {size}{around}; nothing would come out")
    return found
