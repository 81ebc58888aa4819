"""Join the processes that torchrun, Slurm or Kubernetes started for one training, by their environment variables."""

from __future__ import annotations

import itertools
import logging
import os
import socket
from datetime import timedelta

from torch import distributed as dist
from torch.distributed.rendezvous import rendezvous

from ..errors import DeviceError
from .heartbeat import Heartbeat
from .processes import ALONE, Processes

# Not a limit on anything useful: a process that ends or hangs is noticed by its heartbeat.
LONGEST_WAIT = timedelta(hours=6)
STORE_WAIT = timedelta(seconds=20)
# Machines may be started one after the other. Once all processes are there, connecting them takes seconds, or hangs: in
# one of twenty starts on a loaded machine, gloo waited for ever for a connection that nobody was making any more.
ARRIVAL_WAIT = timedelta(minutes=30)
CONNECT_SECONDS, SECONDS_PER_PROCESS, TRIES = 10.0, 0.1, 3

_trainings, _joinings = itertools.count(), itertools.count()


def is_main_process() -> bool:
    """Return whether this process is alone or the main one of its training, which writes and prints."""
    return os.environ.get("RANK", "0") == "0" or os.environ.get("WORLD_SIZE", "1") == "1"


def join_processes() -> Processes:
    """Return the processes that train together; ALONE if no launcher has set WORLD_SIZE to more than 1.

    Joins the process group of torch.distributed, or uses the one that the program has joined already. DeviceError if
    the variables are incomplete, or the others cannot be reached. `end` of the result has to be called in the end.
    """
    if not dist.is_available():
        return ALONE
    if not dist.is_initialized():
        if os.environ.get("WORLD_SIZE", "1") == "1":
            return ALONE
        _join()
    rank, count = dist.get_rank(), dist.get_world_size()
    if rank:
        logging.getLogger("convscope").setLevel(logging.ERROR)  # all find the same to warn about
    return Processes(rank, count, int(os.environ.get("LOCAL_RANK", "0")), Heartbeat(_own_store(), rank, count))


def _join() -> None:
    count = os.environ["WORLD_SIZE"]
    if missing := [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]:
        raise DeviceError(f"WORLD_SIZE is {count}, but {missing[0]} is not set: start the processes with torchrun")
    try:
        store, rank, number = next(iter(rendezvous("env://", timeout=ARRIVAL_WAIT)))
        store = dist.PrefixStore(f"convscope/joining/{next(_joinings)}", store)
        store.set(f"here/{rank}", "")
        store.wait([f"here/{other}" for other in range(number)], ARRIVAL_WAIT)
        for attempt in range(TRIES):
            failure = _connect(dist.PrefixStore(str(attempt), store), rank, number)
            if not failure:
                return
        raise RuntimeError(failure)
    except (RuntimeError, ValueError) as problem:
        reason = " ".join(str(problem).split())[:200]
        raise DeviceError(f"the {count} processes of this training cannot reach each other: {reason}") from problem


def _connect(store: dist.Store, rank: int, count: int) -> str:
    """Make the process group, and return what went wrong in this process or another one; "" if all are connected."""
    wait = timedelta(seconds=CONNECT_SECONDS + SECONDS_PER_PROCESS * count)
    failure = ""
    try:
        dist.init_process_group(store=dist.PrefixStore("group", store), rank=rank, world_size=count, timeout=wait)
        set_timeout = getattr(dist, "set_timeout", None) or dist.distributed_c10d._set_pg_timeout
        set_timeout(LONGEST_WAIT)
    except RuntimeError as problem:
        failure = str(problem) or "no connection"
    store.set(f"outcome/{rank}", "failed" if failure else "connected")
    outcomes = [f"outcome/{other}" for other in range(count)]
    store.wait(outcomes, 2 * wait)
    if all(outcome == b"connected" for outcome in store.multi_get(outcomes)):
        return ""
    if dist.is_initialized():
        dist.destroy_process_group()
    return failure or "another process could not connect"


def launch_id() -> str | None:
    """Return what the processes of one launch have in common, also after torchrun has started them anew.

    The identifier of torchrun's `--rdzv-id`, or machine and number of the process of torchrun. None without torchrun.
    """
    run = os.environ.get("TORCHELASTIC_RUN_ID")
    if run is None:
        return None
    return run if run != "none" else f"{socket.gethostname()}:{os.getppid()}"


def restarts() -> int:
    """Return how often torchrun has started the processes anew (`--max-restarts`)."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def _own_store() -> dist.Store:
    """Return a connection of its own to the store, so that the heartbeat never waits for another user of it."""
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = dist.TCPStore(address, port, is_master=False, timeout=STORE_WAIT)
    return dist.PrefixStore(f"convscope/attempt/{restarts()}/training/{next(_trainings)}", store)
