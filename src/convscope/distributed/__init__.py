"""One training by several processes: who they are, how they agree, and how they notice that one of them has ended."""

from __future__ import annotations

from .launch import is_main_process, join_processes, launch_id, restarts
from .processes import ALONE, Processes
from .sharded import is_sharded, like_parameter, load_whole, shard, whole

__all__ = [
    "ALONE", "Processes", "is_main_process", "is_sharded", "join_processes", "launch_id", "like_parameter",
    "load_whole", "restarts", "shard", "whole",
]  # fmt: skip
