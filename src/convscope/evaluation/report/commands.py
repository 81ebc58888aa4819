"""The commands with which to go on with a run."""

from __future__ import annotations

import shlex


def next_commands(run: str) -> list[tuple[str, str, str]]:
    """Return commands, each with what it is for in English and in Chinese; none without a run."""
    if not run:
        return []
    place = shlex.quote(run)
    return [
        (f"convscope predict {place} IMAGE", "answers for your own images", "对自己的图像给出回答"),
        (f"convscope explain {place} IMAGE", "one image, layer by layer", "逐层解释一张图像"),
        (f"convscope serve {place}", "the network live in the browser", "在浏览器中查看网络"),
        (f"convscope export {place}", "ONNX, for answers without torch", "导出 ONNX，无需 torch 即可预测"),
        (f"convscope share {place}", "the live page as one file, for anybody", "将交互页面存为一个文件，便于分享"),
    ]  # fmt: skip


def robustness_command(run: str, multi_label: bool) -> str:
    """Return the command that measures the robustness of a run; empty without one, or for several labels per image."""
    return f"convscope report {shlex.quote(run)} --robustness" if run and not multi_label else ""
