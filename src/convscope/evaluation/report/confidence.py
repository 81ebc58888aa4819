"""What the report says about confidence: calibration, coverage, and when the answer is "unknown"."""

from __future__ import annotations

from typing import Any

from ...messages.translate import in_chinese
from .confidence_charts import coverage_chart, reliability_chart


def confidence_of(trust: dict[str, Any]) -> dict[str, Any]:
    """Return what the page shows about calibration and coverage."""
    before, after = trust["calibration"]["before"], trust["calibration"]["after"]
    return {
        "ece": before["ece"],
        "bins": len(before["reliability"]),
        "temperature": after and after["temperature"],
        "ece_after": after and after["ece"],
        "smooth": before["smooth_ece"],
        "chance": before["smooth_ece_by_chance"],
        "smooth_after": after and after["smooth_ece"],
        "chance_after": after and after["smooth_ece_by_chance"],
        "reliability": reliability_chart(before["curve"], after and after["curve"]),
        "coverage": coverage_chart(trust["coverage"]),
        "steps": trust["coverage"],
        "unknown": unknown_texts(trust["unknown"]) if trust.get("unknown") else None,
    }


def unknown_texts(unknown: dict[str, Any]) -> tuple[str, str]:
    """Return in both languages when the classifier answers "unknown", as its bundle stores it."""
    en, zh = [], []
    if unknown["risk"] is not None:
        answered, n, risk = f"{unknown['answered']:.1%}", f"{unknown['n']:,}", f"{unknown['risk']:.2%}"
        en.append(
            f"It says “unknown” where its confidence is too low: of {n} validation images that chose nothing "
            f"{answered} are answered, and with 95 % confidence at most {risk} of such answers are wrong."
        )
        zh.append(
            f"置信度过低时它回答“未知”：{n} 张未用于挑选的验证图像中有 {answered} 得到作答，"
            f"有 95% 的把握其中至多 {risk} 有误。"
        )
    if unknown["kept"] is not None:
        en.append(
            "Pictures whose features are far from those of all training images are “close to no class”: "
            f"{unknown['kept']:.1%} of its own are near enough."
        )
        zh.append(
            f"特征远离所有训练图像的图片被判为“不接近任何类别”；自身类别的图像有 {unknown['kept']:.1%} 足够接近。"
        )
    if here := unknown["here"]:
        share, right = f"{here['answered']:.1%}", "–" if here["top1"] is None else f"{here['top1']:.1%}"
        en.append(f"Of the images above {share} are answered, {right} of them rightly.")
        zh.append(f"上述图像中有 {share} 得到作答，其中 {right} 正确。")
    if unknown["note"]:
        en.append(f"Not found out: {unknown['note']}.")
        zh.append(f"未能确定：{in_chinese(unknown['note'])}。")
    return " ".join(en), "".join(zh)
