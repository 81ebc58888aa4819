"""What the kinds of findings are called on the page, and what they mean, in English and in Chinese."""

from __future__ import annotations

SEVERITIES = ("error", "warning", "info")
Words = tuple[str, str]
# By kind: its title, and what to do about it.
KINDS: dict[str, tuple[Words, Words]] = {
    "refused": (
        ("Training would be refused", "训练将被拒绝"),
        ("No classifier can be trained until this is mended.", "修正之前无法训练分类器。"),
    ),
    "label": (
        ("Labels that are probably wrong", "可能有误的标签"),
        (
            "A classifier that has not seen the image finds another class likelier. Look at each: ticked images are "
            "left out.",
            "未见过该图像的分类器认为另一类别更可能。请逐张查看：勾选的图像将被排除。",
        ),
    ),
    "outlier": (
        ("Outliers", "离群图像"),
        (
            "The features of these images are far from those of all others: so many times as far from the fifth "
            "nearest image as is usual. Tick what does not belong here.",
            "这些图像的特征远离其他所有图像：到第五近图像的距离是通常距离的若干倍。请勾选不属于此处的图像。",
        ),
    ),
    "copy-two-labels": (
        ("The same image under two labels", "同一图像有两个标签"),
        ("At least one of the labels is wrong.", "其中至少一个标签有误。"),
    ),
    "copy-two-splits": (
        ("The same image in two splits", "同一图像出现在两个划分中"),
        (
            "What is measured on it is too good. The copy in training is ticked.",
            "在其上测得的结果偏高。训练集中的副本已勾选。",
        ),
    ),
    "near-two-labels": (
        ("Images that look the same under two labels", "外观相同但标签不同的图像"),
        ("Resized, brightened or recompressed copies.", "经缩放、调亮或重新压缩的副本。"),
    ),
    "near-two-splits": (
        ("Images that look the same in two splits", "外观相同且分属两个划分的图像"),
        ("Resized, brightened or recompressed copies.", "经缩放、调亮或重新压缩的副本。"),
    ),
    "transformed": (
        ("Mirrored or cropped copies", "镜像或裁剪的副本"),
        (
            "One is a part of the other, or its mirror image. One of the two is ticked.",
            "一张是另一张的局部或镜像。两张之一已勾选。",
        ),
    ),
    "frames": (
        ("Several pages or frames", "多页或多帧图像"),
        ("Only the first page or frame of each file is used.", "每个文件只使用第一页或第一帧。"),
    ),
    "blank": (
        ("Blank images", "空白图像"),
        ("One colour everywhere: nothing can be learned from them.", "整张只有一种颜色：无法从中学到任何东西。"),
    ),
    "dark": (
        ("Very dark images", "过暗的图像"),
        ("Nearly nothing can be seen on them.", "几乎看不到任何内容。"),
    ),
    "odd-size": (
        ("Unusual sizes", "尺寸异常"),
        ("Much is cut off or enlarged before the network sees them.", "网络看到之前会被大量裁切或放大。"),
    ),
    "gray": (
        ("Gray among colour images", "彩色图像中的灰度图像"),
        ("If one class is gray, the network learns that instead.", "若某一类别为灰度，网络学到的会是颜色而非内容。"),
    ),
    "unreadable": (
        ("Files that cannot be read", "无法读取的文件"),
        ("Training skips them.", "训练会跳过它们。"),
    ),
    "groups-cut": (
        ("Groups in more than one split", "同一组出现在多个划分中"),
        ("The figures become too good: keep each patient, video or object in one split.",
         "测得的结果会偏高：请让每位病人、每段视频或每个物体只出现在一个划分中。"),
    ),
    "likely-groups": (
        ("Images that seem to come in groups", "图像似乎成组出现"),
        ("If each group is one patient, video or object, keep it in one split with --group-by.",
         "如果每组是同一病人、视频或物体，请用 --group-by 让它只出现在一个划分中。"),
    ),
    "no-validation": (
        ("No validation images", "没有验证图像"),
        ("Training takes some of its images for it.", "训练时会从训练图像中分出一部分。"),
    ),
    "imbalance": (
        ("Classes of very different size", "类别数量悬殊"),
        ("Judge by the figures per class.", "请看各类别的指标。"),
    ),
}  # fmt: skip
