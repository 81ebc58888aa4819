"""How much disk `pip install .` takes, package by package, without torch and what torch brings along.

    python -m benchmarks.installed_size [--project FOLDER] [--extras hub,timm] [--without torch,torchvision]

Follows the requirements of FOLDER/pyproject.toml (by default this repository's) through the packages that are installed
here, and adds up the files that each of them has recorded, with their compiled .pyc files. Needs Python 3.11.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import tomllib  # type: ignore[import-not-found]  # mypy checks for Python 3.10, which lacks it
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks import measure

ROOT = Path(__file__).parents[1]


def closure(requirements: Iterable[str]) -> dict[str, Distribution]:
    """Every installed package that `requirements` lead to, by name."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(line) for line in requirements]
    seen = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if (name, frozenset(wanted.extras)) in seen:
            continue
        seen.add((name, frozenset(wanted.extras)))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            raise SystemExit(f"{name} is not installed here: pip install '{wanted}'") from None
        for line in found[name].requires or []:
            needed = Requirement(line)
            extras = ["", *wanted.extras]
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    return found


def size(package: Distribution) -> int:
    """Bytes of the files that a package's installation recorded."""
    paths = (Path(str(file.locate())) for file in package.files or [])
    return sum(path.stat().st_size for path in paths if path.is_file())


def own_size(project: Path) -> int:
    """Bytes of ConvScope's own files, whether it is installed or not."""
    files = (project / "src" / "convscope").rglob("*")
    return sum(path.stat().st_size for path in files if path.is_file() and "__pycache__" not in path.parts)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--project", type=Path, default=ROOT)
    parser.add_argument("--extras", default="", help="names with commas between them")
    parser.add_argument("--without", default="torch,torchvision", help="packages that are left out with all they need")
    given = parser.parse_args()
    project = tomllib.loads((given.project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = list(project["dependencies"])
    for extra in filter(None, given.extras.split(",")):
        requirements += project["optional-dependencies"][extra]
    left_out = closure(filter(None, given.without.split(",")))
    sizes = {name: size(package) for name, package in closure(requirements).items() if name not in left_out}
    sizes["convscope"] = own_size(given.project)
    for name, bytes_ in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"{name:24} {bytes_ / 1e6:7.1f} MB")
    print(f"{f'{len(sizes)} packages':24} {sum(sizes.values()) / 1e6:7.1f} MB")
    measure.write("installed_size", {"bytes": sizes, "left_out": sorted(left_out)})


if __name__ == "__main__":
    main()
