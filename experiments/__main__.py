"""Write docs/zh/experiments.md and docs/en/experiments.md from the plans and the results.

convscope compare experiments/NAME.yaml --setting quick --json > NAME.quick.json
python -m experiments NAME.quick.json     # add a result; without a file only the pages and plots are written
python -m experiments.calculations NAME   # repeat a calculation
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from convscope.comparing.comparison import DOES_NOT, SHOWS, TOO_FEW
from convscope.comparing.page import shown
from convscope.comparing.plan import Plan, read_plan
from convscope.comparing.statistics import Spread, spread

from . import plots

HERE = Path(__file__).parent
CALCULATIONS = HERE / "calculations"
# Networks of several kinds and sizes: their figures are drawn against their arithmetic.
AGAINST_ARITHMETIC = ("schools",)
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
        "by": "Claimed by: ", "colon": ": ", "comma": ", ", "run": "run", "not_run": "Not run yet.",
        "about": "about {} min", "n": "n", "parameters": "parameters", "agree": "{} of {} pairs",
        "where": "Measured with torch {torch}, {cores} cores, ConvScope {convscope}, data {data}.",
        "trained": "What is trained", "calculated": "What is calculated", "macs": "multiply-accumulates",
        "value": "value", "what": "figure", "plot": "Every run of {}, and the means",
        "exact": "These need no training, or seconds of it. log10 figures are powers of ten.",
        "at": "Calculated with torch {torch}, {cores} cores, ConvScope {convscope}.",
        SHOWS: "shows", DOES_NOT: "does not show here", TOO_FEW: "too few runs to say",
    },
    "zh": {
        "title": "实验：这些说法在这里成立吗？",
        "intro": "教程和论文的每个说法都是 `experiments/` 里一个简短的 YAML 文件，即"
        " `convscope compare` 的计划：谁说了什么，训练什么，应当得到什么。"
        "quick 设置在两个核心上几分钟就能跑完，full 设置所需的时间写在旁边。同一随机种子"
        "的每一对训练都符合预期的方向，才算**成立**；否则是**在这里不成立**：这只说明在这"
        "些网络、图像和轮数下没有看到，并不表示说法是错的。准确率以百分数表示，写作各种子的平均 "
        "± 标准差；quick 设置的图像很少，请留意 n 和标准差。`epochs to` 一项若始终没有达到，记为总轮数加一。",
        "by": "出处：", "colon": "：", "comma": "，", "run": "训练", "not_run": "尚未运行。",
        "about": "约 {} 分钟", "n": "n", "parameters": "参数量", "agree": "{1} 对中的 {0} 对",
        "trained": "训练出来的", "calculated": "计算出来的", "macs": "乘加次数",
        "value": "值", "what": "指标", "plot": "{}：每次训练的结果和平均值",
        "exact": "这些不需要训练，或只要几秒钟。带 log10 的是 10 的多少次方。",
        "at": "计算环境：torch {torch}，{cores} 个核心，ConvScope {convscope}。",
        "where": "测量环境：torch {torch}，{cores} 个核心，ConvScope {convscope}，数据 {data}。",
        SHOWS: "成立", DOES_NOT: "在这里不成立", TOO_FEW: "次数太少，不能下结论",
    },
}  # fmt: skip


def page(language: str) -> str:
    """Return the page in one language."""
    words = WORDS[language]
    parts = [f"# {words['title']}", words["intro"], f"## {words['trained']}"]
    for path in sorted(HERE.glob("*.yaml")):
        parts += _experiment(read_plan(path, "quick"), read_plan(path, "full"), path.stem, language)
    parts += [f"## {words['calculated']}", words["exact"]]
    for path in sorted(CALCULATIONS.glob("*.yaml")):
        parts += _calculation(path, language)
    return "\n\n".join(parts) + "\n"


def _experiment(quick: Plan, full: Plan, name: str, language: str) -> list[str]:
    words = WORDS[language]
    minutes = [words["about"].format(f"{plan.minutes:g}") for plan in (quick, full)]
    command = f"convscope compare experiments/{name}.yaml --setting"
    parts = [
        f"### {quick.claim[language]}",
        f"{words['by']}{quick.by[language]}" + (f" · {quick.note[language]}" if quick.note else ""),
        f"```sh\n{command} quick  # {minutes[0]}\n{command} full  # {minutes[1]}\n```",
    ]
    result = HERE / "results" / f"{name}.quick.json"
    if not result.exists():
        return [*parts, words["not_run"]]
    picture = f"![{words['plot'].format(name)}](pictures/experiments/{name}.svg)"
    verdicts, *rest = _result(json.loads(result.read_text(encoding="utf-8")), language)
    return [*parts, verdicts, picture, *rest]


def _result(found: dict[str, Any], language: str) -> list[str]:
    words, figure = WORDS[language], found["figure"]
    moved = [name for name in found["trials"][0]["figures"] if " moved " in name and name != figure]
    columns = [words["run"], figure, words["n"], *moved, words["parameters"], words["macs"]]
    rows = [f"| {' | '.join(columns)} |", "|---|" + "---:|" * (len(columns) - 1)]
    for row in found["rows"]:
        own = [trial["figures"] for trial in found["trials"] if trial["variant"] == row["name"]]
        means = [shown(spread([figures[name] for figures in own]), name) for name in moved]
        cells = [row["name"], shown(Spread(**row["figure"]), figure), str(row["figure"]["n"]), *means]
        rows.append(f"| {' | '.join([*cells, format(row['parameters'], ','), format(row['macs'], ',')])} |")
    verdicts = [
        f"- **{words[verdict['word']]}**{words['colon']}"
        + words["comma"].join([
            f"`{verdict['expectation']}`",
            shown(Spread(**verdict["difference"]), figure, signed=True),
            words["agree"].format(verdict["agree"], verdict["difference"]["n"]),
            f"n = {verdict['difference']['n']}",
        ])
        for verdict in found["verdicts"]
    ]  # fmt: skip
    return ["\n".join(verdicts), "\n".join(rows), words["where"].format(data=found["data"], **found["environment"])]


def _calculation(path: Path, language: str) -> list[str]:
    words = WORDS[language]
    plan = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = json.loads((HERE / "results" / f"{path.stem}.calculated.json").read_text(encoding="utf-8"))
    verdicts = [f"- **{words[one['word']]}**{words['colon']}`{one['expectation']}`" for one in found["verdicts"]]
    rows = [f"| {words['what']} | {words['value']} | {words['n']} |", "|---|---:|---:|"]
    for name, figure in found["figures"].items():
        deviation = "" if figure["deviation"] is None else f" ± {figure['deviation']:.2g}"
        value = f"{figure['mean']:,.0f}" if figure["mean"] >= 1000 else f"{figure['mean']:.4g}"
        rows.append(f"| {name} | {value}{deviation} | {figure['n']} |")
    return [
        f"### {plan['claim'][language]}",
        f"{words['by']}{plan['by'][language]}",
        "\n".join(verdicts),
        "\n".join(rows),
        words["at"].format(**found["environment"]),
    ]


def plot(found: dict[str, Any], name: str) -> str:
    """Return the plot of a result as SVG."""
    figure = found["figure"]
    scale = 1 if figure.endswith("loss") or figure.startswith("epochs") else 100
    # Epochs up to a value come from the history, which a result has not: the rows have their mean alone.
    known = all(figure in trial["figures"] for trial in found["trials"])
    values = {
        row["name"]: [scale * t["figures"][figure] for t in found["trials"] if t["variant"] == row["name"]]
        if known
        else [scale * row["figure"]["mean"]]
        for row in found["rows"]
    }
    title = f"{figure} %" if scale == 100 else figure
    if name in AGAINST_ARITHMETIC:
        costs = {row["name"]: row["macs"] for row in found["rows"]}
        return plots.scatter({n: (costs[n], some) for n, some in values.items()}, "multiply-accumulates", title)
    return plots.dots(values, title)


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
        pictures = DOCS / language / "pictures" / "experiments"
        shutil.rmtree(pictures, ignore_errors=True)
        pictures.mkdir(parents=True)
        for path in sorted((HERE / "results").glob("*.quick.json")):
            name = path.name.split(".")[0]
            picture = plot(json.loads(path.read_text(encoding="utf-8")), name)
            (pictures / f"{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
