"""Let the machines of a Ray cluster share the runs of one comparison (`pip install convscope ray`).

    python examples/compare_with_ray.py 4 photos --models resnet18,resnet50 --seeds 5 --output /shared/compare

starts four times `convscope compare photos --models ...`. They find out by themselves who trains what, through the
folder that all of them share; Ray only says where they run.
"""

from __future__ import annotations

import subprocess
import sys

import ray


@ray.remote(num_cpus=1)  # num_gpus=1 for one GPU each
def help_with(words: list[str]) -> int:
    """Take runs until all are finished."""
    return subprocess.run([sys.executable, "-m", "convscope", "compare", *words], check=False).returncode


if __name__ == "__main__":
    ray.init(address="auto" if "--here" not in sys.argv else "local")
    helpers, *words = [word for word in sys.argv[1:] if word != "--here"]
    codes = ray.get([help_with.remote(words) for _ in range(int(helpers))])
    sys.exit(max(codes))
