"""The reference of the Python interface as Markdown, made from the code: every public name of `convscope`."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import convscope as cs

WORDS = {
    "zh": ("Python 接口", "本页由代码生成，是 `import convscope as cs` 之后能用的全部名字；说明文字为英文。"),
    "en": ("Python", "Made from the code: every name that `import convscope as cs` gives."),
}


def python_reference(language: str) -> str:
    """Return the page: functions first, then classes with their methods, then errors."""
    title, note = WORDS[language]
    functions, classes, errors = [], [], []
    for name in cs.__all__:
        found = getattr(cs, name)
        if not inspect.isclass(found):
            functions.append(_entry(f"cs.{name}", found, "##"))
        elif issubclass(found, Exception):
            errors.append(_entry(f"cs.{name}", found, "##", signature=False))
        else:
            classes.append("\n".join([_entry(f"cs.{name}", found, "##"), *_methods(f"cs.{name}", found)]))
    return "\n".join([f"# {title}\n", f"{note}\n", *functions, *classes, *errors])


def _methods(name: str, found: type) -> list[str]:
    """Return an entry for each public method and property that the class itself defines and describes."""
    return [
        _entry(f"{name}.{word}", member, "###")
        for word, member in vars(found).items()
        if not word.startswith("_") and inspect.getdoc(member) and (callable(member) or isinstance(member, property))
    ]


def _entry(name: str, found: object, level: str, signature: bool = True) -> str:
    """Return a heading, the signature and the docstring, which is Markdown as it stands."""
    lines = [f"{level} {name}", ""]
    if signature and callable(found):
        lines += ["```python", f"{name}{_signature(found)}", "```", ""]
    return "\n".join([*lines, (inspect.getdoc(found) or "").replace("<", "&lt;"), ""])


def _signature(found: Callable[..., object]) -> str:
    """Return the names and defaults of the parameters, one per line where they are many."""
    words = []
    for one in inspect.signature(found).parameters.values():
        if one.kind is one.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        star = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
        words.append(f"{star}{one.name}" + ("" if one.default is one.empty else f"={one.default!r}"))
    line = f"({', '.join(words)})"
    return line if len(line) < 70 else "(\n    " + ",\n    ".join(words) + ",\n)"
