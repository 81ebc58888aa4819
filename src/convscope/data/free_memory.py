"""How much memory is free for this process: on the machine, and in its container (cgroup v1 or v2)."""

from __future__ import annotations

from pathlib import Path

IF_UNKNOWN = 8e9
# Limit and use, of cgroup v2 and v1.
CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
    ),
)


def free_memory(root: Path = Path("/")) -> float:
    """Return the bytes that are free; `root` is where `proc` and `sys` are. What files occupy in caches is free."""
    free = [_available(root)]
    for limit, used, statistics in (tuple(root / path.lstrip("/") for path in paths) for paths in CGROUPS):
        try:
            cached = _entry(statistics.read_text(), "inactive_file") or 0.0
            free.append(float(limit.read_text()) - float(used.read_text()) + cached)
        except (OSError, ValueError):  # no such cgroup, or the limit is "max"
            continue
    return max(min(free), 0.0)


def _available(root: Path) -> float:
    try:
        kilobytes = _entry((root / "proc/meminfo").read_text(), "MemAvailable:")
    except OSError:  # not Linux
        kilobytes = None
    return IF_UNKNOWN if kilobytes is None else 1024 * kilobytes


def _entry(text: str, name: str) -> float | None:
    rows = [line.split() for line in text.splitlines()]
    return next((float(row[1]) for row in rows if len(row) > 1 and row[0] == name), None)
