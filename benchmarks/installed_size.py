"""How much disk `pip install convscope` takes, package by package, without torch and what torch brings.

    python benchmarks/installed_size.py [--extras hub,timm] [--without torch,torchvision] [--pyproject FILE]

Walks the requirements of the installed packages from ConvScope's own list on, and adds up the files that each of them
has recorded (compiled .pyc files are left out). A package that `--without` brings, such as NumPy, is not counted.
"""

from __future__ import annotations

import argparse
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
