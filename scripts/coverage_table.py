"""docs/coverage.yaml as a page: for each item of the five tutorials, where it is explained and what checks it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).parents[1] / "docs"
WORDS: dict[str, dict[str, Any]] = {
    "zh": {
        "title": "教程里的每一项在哪里",
        "intro": "五篇教程的 95 个概念（A）、39 项网络与训练（B）、6 个没有回答的问题（D）和 45 处错误（M）："
        "对照页上怎么说，课程的哪一章讲，由什么检验。",
        "parts": {"A": "概念与运算", "B": "网络、训练、任务", "D": "留下的问题", "M": "错误与正确的说法"},
        "head": "| 项 | 对照页上的话 | 课程 | 检验 |",
        "page": "页上的代码",
        "text": "—",
    },
    "en": {
        "title": "Where each item of the tutorials is",
        "intro": "The 95 concepts (A), 39 items on networks and training (B), 6 open questions (D) and 45 mistakes (M) "
        "of the five tutorials: what their page says, which chapter of the course tells it, and what checks it.",
        "parts": {
            "A": "Concepts and operations",
            "B": "Networks, training, tasks",
            "D": "Open questions",
            "M": "Mistakes and the right statement",
        },
        "head": "| item | words | course | checked by |",
        "page": "code on the page",
        "text": "—",
    },
}


def coverage_table(language: str) -> str:
    """Return the page."""
    words = WORDS[language]
    items = yaml.safe_load((DOCS / "coverage.yaml").read_text(encoding="utf-8"))
    lines = [f"# {words['title']}", "", words["intro"], ""]
    for part, title in words["parts"].items():
        lines += [f"## {title}", "", words["head"], "|---|---|---|---|"]
        lines += [_row(item, entry, words, language) for item, entry in items.items() if item[0] == part]
        lines.append("")
    return "\n".join(lines)


def _row(item: str, entry: dict[str, str], words: dict[str, Any], language: str) -> str:
    chapter = DOCS / language / "course" / f"{entry['course']}.md"
    heading = re.search(r"^# \d+\s*(.+?)(?:[：:].*)?$", chapter.read_text(encoding="utf-8"), flags=re.M)
    assert heading is not None
    quoted = entry[language].replace("|", "&#124;").replace("*", "").replace("`", "")
    check = words.get(entry["check"]) or f"`{entry['check'].rpartition('::')[2]}`"
    chapter_link = f"[{int(entry['course'][:2])} {heading[1]}](../course/{chapter.name})"
    return f"| {item} | [{quoted}](../{entry['page']}) | {chapter_link} | {check} |"
