"""Join the processes that torchrun, Slurm or Kubernetes started for one training, by their environment variables."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
import uuid
from datetime import timedelta

from torch import distributed as dist
from torch.distributed.rendezvous import rendezvous

from ..errors import DeviceError
from .heartbeat import Heartbeat
from .processes import ALONE, Processes

# Not a limit on anything useful: a process that ends or hangs is noticed by its heartbeat.
LONGEST_WAIT = timedelta(hours=6)
STORE_WAIT = timedelta(seconds=20)
# Machines may be started one after the other; once all processes are there, connecting them takes seconds.
ARRIVAL_WAIT = timedelta(minutes=30)
CONNECT_SECONDS, SECONDS_PER_PROCESS = 30.0, 0.1
POLL_SECONDS = 0.1


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
    name = [uuid.uuid4().hex]
    dist.broadcast_object_list(name, src=0)
    if rank:
        logging.getLogger("convscope").setLevel(logging.ERROR)  # all find the same to warn about
    return Processes(rank, count, int(os.environ.get("LOCAL_RANK", "0")), Heartbeat(_own_store(name[0]), rank, count))


def _join() -> None:
    count = os.environ["WORLD_SIZE"]
    if missing := [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]:
        raise DeviceError(f"WORLD_SIZE is {count}, but {missing[0]} is not set: start the processes with torchrun")
    try:
        store, rank, number = next(iter(rendezvous("env://", timeout=ARRIVAL_WAIT)))
        generation = _agree_on_name(dist.PrefixStore("convscope/joining", store), rank, number)
        wait = timedelta(seconds=CONNECT_SECONDS + SECONDS_PER_PROCESS * number)
        named = dist.PrefixStore(f"convscope/{generation}", store)
        dist.init_process_group(store=named, rank=rank, world_size=number, timeout=wait)
        set_timeout = getattr(dist, "set_timeout", None) or dist.distributed_c10d._set_pg_timeout
        set_timeout(LONGEST_WAIT)
    except (RuntimeError, ValueError) as problem:
        reason = " ".join(str(problem).split())[:200]
        raise DeviceError(f"the {count} processes of this training cannot reach each other: {reason}") from problem


def _agree_on_name(store: dist.Store, rank: int, count: int) -> str:
    """Wait until all processes are there, and return a name that they alone have; DeviceError if one does not come.

    torchrun keeps one store while it starts the processes again, and what lies in it may come from those before: with
    their addresses, new processes would wait for each other for ever. So each brings a mark of its own, and the main
    process names the generation in a message with the marks of those that it has seen.
    """
    own, others = uuid.uuid4().hex, [str(other) for other in range(1, count)]
    deadline = time.monotonic() + ARRIVAL_WAIT.total_seconds()
    if rank:
        store.set(f"hello/{rank}", own)
    while time.monotonic() < deadline:
        if rank and store.check(["welcome"]):
            welcome = json.loads(store.get("welcome"))
            if welcome["marks"].get(str(rank)) == own:
                store.set(f"{welcome['name']}/{rank}", "")
                return str(welcome["name"])
        elif not rank:
            marks = {other: store.get(f"hello/{other}").decode() for other in others if store.check([f"hello/{other}"])}
            store.set("welcome", json.dumps({"name": own, "marks": marks}))
            if store.check([f"{own}/{other}" for other in others]):
                return own
        time.sleep(POLL_SECONDS)
    raise DeviceError(f"not all of the {count} processes of this training were there within {ARRIVAL_WAIT}")


def launch_id() -> str | None:
    """Return what the processes of one launch have in common, also after torchrun has started them again.

    The identifier of torchrun's `--rdzv-id`, or machine and number of the process of torchrun. None without torchrun.
    """
    run = os.environ.get("TORCHELASTIC_RUN_ID")
    if run is None:
        return None
    return run if run != "none" else f"{socket.gethostname()}:{os.getppid()}"


def restarts() -> int:
    """Return how often torchrun has started the processes again (`--max-restarts`)."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def _own_store(name: str) -> dist.Store:
    """Return a connection of its own to the store, so that the heartbeat never waits for another user of it."""
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = dist.TCPStore(address, port, is_master=False, timeout=STORE_WAIT)
    return dist.PrefixStore(f"convscope/beats/{name}", store)
