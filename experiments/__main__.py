"""Write docs/zh/experiments.md and docs/en/experiments.md from the plans and the results.

convscope compare experiments/NAME.yaml --setting quick --json > NAME.quick.json
python -m experiments NAME.quick.json     # add a result; without a file only the pages are written
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from convscope.comparing.comparison import DOES_NOT, SHOWS, TOO_FEW
from convscope.comparing.page import shown
from convscope.comparing.plan import Plan, read_plan
from convscope.comparing.statistics import Spread, spread

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
WORDS = {
    "en": {
        "title": "Experiments: do the claims show here?",
        "intro": "Each claim of the tutorials and papers is a short YAML file in `experiments/`, a plan for "
        "`convscope compare`: what was claimed and by whom, what is trained, and what should come out. The quick "
        "setting takes a few minutes on two cores, the full one as long as it says. A claim **shows** if every pair of "
        "runs with the same seed has the expected sign; else it **does not show here**, which says something about "
        "these networks, images and epochs, not that the claim is wrong. Accuracies are in per cent, mean ± standard "
        "deviation over the seeds; the images of the quick setting are few, so look at n and the deviation. "
        "Where a run never reached the value of an `epochs to` figure, it counts as one epoch more than there were.",
        "by": "Claimed by", "run": "run", "not_run": "Not run yet.", "quick": "quick", "full": "full",
        "about": "about {} min", "n": "n", "parameters": "parameters", "agree": "{} of {} pairs",
        "where": "Measured with torch {torch}, {cores} cores, ConvScope {convscope}, data {data}.",
        SHOWS: "shows", DOES_NOT: "does not show here", TOO_FEW: "too few runs to say",
    },
    "zh": {
        "title": "实验：这些说法在这里成立吗？",
        "intro": "教程和论文的每个说法都是 `experiments/` 里一个简短的 YAML 文件，即"
        " `convscope compare` 的计划：谁说了什么，训练什么，应当得到什么。q"
        "uick 设置在两个核心上几分钟就能跑完，full 设置所需的时间写在旁边。同一随机种子"
        "的每一对训练都符合预期的方向，才算**成立**；否则是**在这里不成立**：这只说明在这"
        "些网络、图像和轮数下没有看到，并不表示说法是错的。准确率以百分数表示，写作各种子的平均 "
        "± 标准差；quick 设置的图像很少，请留意 n 和标准差。`epochs to` 一项若始终没有达到，记为总轮数加一。",
        "by": "出处", "run": "训练", "not_run": "尚未运行。", "quick": "quick", "full": "full",
        "about": "约 {} 分钟", "n": "n", "parameters": "参数量", "agree": "{1} 对中的 {0} 对",
        "where": "测量环境：torch {torch}，{cores} 个核心，ConvScope {convscope}，数据 {data}。",
        SHOWS: "成立", DOES_NOT: "在这里不成立", TOO_FEW: "次数太少，不能下结论",
    },
}  # fmt: skip


def page(language: str) -> str:
    """Return the page in one language."""
    words = WORDS[language]
    parts = [f"# {words['title']}", words["intro"]]
    for path in sorted(HERE.glob("*.yaml")):
        parts += _experiment(read_plan(path, "quick"), read_plan(path, "full"), path.stem, language)
    return "\n\n".join(parts) + "\n"


def _experiment(quick: Plan, full: Plan, name: str, language: str) -> list[str]:
    words = WORDS[language]
    minutes = [words["about"].format(f"{plan.minutes:g}") for plan in (quick, full)]
    command = f"convscope compare experiments/{name}.yaml --setting"
    parts = [
        f"## {quick.claim[language]}",
        f"{words['by']}: {quick.by[language]}" + (f" · {quick.note[language]}" if quick.note else ""),
        f"```sh\n{command} quick  # {minutes[0]}\n{command} full  # {minutes[1]}\n```",
    ]
    result = HERE / "results" / f"{name}.quick.json"
    if not result.exists():
        return [*parts, words["not_run"]]
    return [*parts, *_result(json.loads(result.read_text(encoding="utf-8")), language)]


def _result(found: dict[str, Any], language: str) -> list[str]:
    words, figure = WORDS[language], found["figure"]
    share = not figure.endswith("loss") and not figure.startswith("epochs")
    moved = [name for name in found["trials"][0]["figures"] if " moved " in name and name != figure]
    columns = [words["run"], figure, words["n"], *moved, words["parameters"]]
    rows = [f"| {' | '.join(columns)} |", "|---|" + "---:|" * (len(columns) - 1)]
    for row in found["rows"]:
        own = [trial["figures"] for trial in found["trials"] if trial["variant"] == row["name"]]
        means = [shown(spread([figures[name] for figures in own]), share) for name in moved]
        cells = [row["name"], shown(Spread(**row["figure"]), share), str(row["figure"]["n"]), *means]
        rows.append(f"| {' | '.join([*cells, format(row['parameters'], ',')])} |")
    verdicts = [
        f"- **{words[verdict['word']]}**: `{verdict['expectation']}`, "
        f"{shown(Spread(**verdict['difference']), share, signed=True)}, "
        f"{words['agree'].format(verdict['agree'], verdict['difference']['n'])}, n = {verdict['difference']['n']}"
        for verdict in found["verdicts"]
    ]
    return ["\n".join(verdicts), "\n".join(rows), words["where"].format(data=found["data"], **found["environment"])]


def add(path: Path) -> None:
    """Put what `compare --json` has printed beside the other results, without where it lay on that machine."""
    found = json.loads(path.read_text(encoding="utf-8"))
    for options in (found["options"], *found["runs"].values()):
        if "model" in options:
            options["model"] = Path(options["model"]).name
    for trial in found["trials"]:
        trial.pop("folder", None)
    text = json.dumps(found, indent=1, ensure_ascii=False)
    (HERE / "results" / path.name).write_text(text + "\n", encoding="utf-8")


def main(words: list[str]) -> None:
    """Add the results that are named, and write both pages."""
    for word in words:
        add(Path(word))
    for language in WORDS:
        (DOCS / language / "experiments.md").write_text(page(language), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
