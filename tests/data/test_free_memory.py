"""The memory that is free: that of the machine, or less where a container limits it."""

from __future__ import annotations

import pytest

from convscope.data.free_memory import CGROUPS, IF_UNKNOWN, free_memory


def write(root, path: str, text: str) -> None:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_the_machine_and_an_unknown_one(tmp_path):
    assert free_memory(tmp_path) == IF_UNKNOWN
    write(tmp_path, "proc/meminfo", "MemTotal: 9000 kB\nMemAvailable: 4000 kB\n")
    assert free_memory(tmp_path) == 4000 * 1024
    assert free_memory() > 0


@pytest.mark.parametrize("version", [0, 1])
def test_a_container(tmp_path, version):
    write(tmp_path, "proc/meminfo", "MemAvailable: 4000 kB\n")
    for path, text in zip(CGROUPS[version], ("3000000\n", "1000000\n", "anon 5\ninactive_file 200000\n"), strict=True):
        write(tmp_path, path, text)
    assert free_memory(tmp_path) == 2_200_000
    write(tmp_path, CGROUPS[version][0], "max\n")
    assert free_memory(tmp_path) == 4000 * 1024
