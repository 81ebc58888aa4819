"""What test_heartbeat.py runs in two processes: the first attempt to connect fails, since one of them comes late."""

from __future__ import annotations

import time
from typing import Any

from torch import distributed as dist

from convscope.distributed import join_processes, launch

attempts = 0
connect = dist.init_process_group


def connect_late(**options: Any) -> None:
    global attempts
    attempts += 1
    if attempts == 1 and options["rank"] == 1:
        time.sleep(launch.CONNECT_SECONDS + 2)
    connect(**options)


if __name__ == "__main__":
    launch.CONNECT_SECONDS = 6.0
    dist.init_process_group = connect_late
    processes = join_processes()
    if processes.is_main:
        time.sleep(2 * launch.CONNECT_SECONDS)  # longer than a connection may take: a collective may wait
    print(attempts, processes.summed([1.0]))
    processes.end()
