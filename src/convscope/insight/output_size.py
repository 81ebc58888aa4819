"""The output size of a convolution, a pool or a transposed convolution, and why some settings are impossible."""

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
    """Return how many rows (or columns) a "conv", a "pool" or a "transposed" convolution makes of `size` of them.

    conv, pool: floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1; a pool with `ceil_mode` rounds up,
    but has no window that would begin behind the image. transposed: (size - 1) stride - 2 padding +
    dilation (kernel - 1) + 1. The formulas are PyTorch's. ValueError says in one line why a setting is impossible.

    >>> output_size("conv", 227, kernel=11, stride=4)
    55
    >>> output_size("pool", 6, kernel=3, stride=2), output_size("pool", 6, kernel=3, stride=2, ceil_mode=True)
    (2, 3)
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind '{kind}'; choose one of {', '.join(KINDS)}")
    for name, value in (("size", size), ("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    if padding < 0:
        raise ValueError(f"padding must not be negative, not {padding}")
    if ceil_mode and kind != "pool":
        raise ValueError("only a pool can round up: leave ceil_mode off")
    span = dilation * (kernel - 1) + 1
    if kind == "transposed":
        count = (size - 1) * stride - 2 * padding + span
        if count < 1:
            raise ValueError(f"padding {padding} on both sides removes all {(size - 1) * stride + span} output pixels")
        return count
    if kind == "pool" and 2 * padding > kernel:
        raise ValueError(f"padding {padding} is more than half of the kernel of {kernel}: some windows would be empty")
    count = (size + 2 * padding - span + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    if count < 1:  # the page says the same, in `convolution.why` of its translations
        spread = f" with dilation {dilation} reaches over {span}, which" if dilation > 1 else ""
        around = f" even with padding {padding}" if padding else ""
        raise ValueError(
            f"a kernel of {kernel}{spread} is larger than the input of {size}{around}; nothing would come out"
        )
    return count
