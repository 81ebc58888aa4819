"""Two "hosts" on this machine: a network namespace with an address of its own, joined to this one by a cable.

The cable is a pair of veth devices, which `tc` makes slow or cuts; or two TUN devices, whose packets pass through this
program: kernels without netem cannot delay them. Needs the rights of root, and `ip` and `tc` (Debian: iproute2).
"""

from __future__ import annotations

import fcntl
import os
import random
import select
import shutil
import struct
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

HERE, THERE = "10.78.{}.1", "10.78.{}.2"


class NotPermittedError(Exception):
    """This machine does not let us make network namespaces, for the reason that the message gives."""


def run(*words: str) -> None:
    result = subprocess.run(words, capture_output=True, text=True)
    if result.returncode:
        raise NotPermittedError(f"{' '.join(words)}: {(result.stderr or result.stdout).strip()}")


@dataclass
class Link:
    """The cable between both hosts: addresses, the device of either end, and the name of the second host."""

    here: str
    there: str
    device: str
    other_device: str
    name: str

    def inside(self, *words: str) -> list[str]:
        """The command that runs `words` on the second host."""
        return ["ip", "netns", "exec", self.name, *words]

    def cut(self) -> None:
        """Pull the plug: nothing is refused, nothing arrives."""
        nothing = ("root", "tbf", "rate", "8bit", "burst", "20", "limit", "20")  # no packet is as small as 20 bytes
        run("tc", "qdisc", "add", "dev", self.device, *nothing)
        run(*self.inside("tc", "qdisc", "add", "dev", self.other_device, *nothing))

    def mend(self) -> None:
        run("tc", "qdisc", "del", "dev", self.device, "root")
        run(*self.inside("tc", "qdisc", "del", "dev", self.other_device, "root"))

    def slow(self, rate: str) -> None:
        """Let at most `rate`, such as 20mbit, through in either direction."""
        limit = ("root", "tbf", "rate", rate, "burst", "32kbit", "latency", "200ms")
        run("tc", "qdisc", "add", "dev", self.device, *limit)
        run(*self.inside("tc", "qdisc", "add", "dev", self.other_device, *limit))


TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
LONGEST_PACKET = 65536


@contextmanager
def delaying_cable(device: str, other: str, delay: float, loss: float) -> Iterator[None]:
    """Two TUN devices; what leaves one comes out of the other `delay` seconds later, but for a share `loss` of it."""
    ends: list[int] = []
    try:
        for name in (device, other):
            ends.append(os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK))
            fcntl.ioctl(ends[-1], TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError as problem:
        raise NotPermittedError(f"/dev/net/tun: {problem}") from problem
    ending = threading.Event()
    carrier = threading.Thread(target=carry, args=(ends, delay, loss, ending))
    carrier.start()
    try:
        yield
    finally:
        ending.set()
        carrier.join()
        for end in ends:
            os.close(end)


def carry(ends: list[int], delay: float, loss: float, ending: threading.Event) -> None:
    """Carry packets between both ends until `ending`."""
    waiting: deque[tuple[float, int, bytes]] = deque()
    chance = random.Random(0)
    opposite = dict(zip(ends, reversed(ends), strict=True))
    while not ending.is_set():
        until = waiting[0][0] - time.monotonic() if waiting else 0.1
        for end in select.select(ends, [], [], max(until, 0))[0]:
            with suppress(OSError):  # a device that is not up yet
                packet = os.read(end, LONGEST_PACKET)
                if chance.random() >= loss:
                    waiting.append((time.monotonic() + delay, opposite[end], packet))
        while waiting and waiting[0][0] <= time.monotonic():
            with suppress(OSError):
                os.write(waiting[0][1], waiting[0][2])
            waiting.popleft()


@contextmanager
def quick_cable(device: str, other: str) -> Iterator[None]:
    """A pair of veth devices."""
    run("ip", "link", "add", device, "type", "veth", "peer", "name", other)
    try:
        yield
    finally:
        with suppress(NotPermittedError):
            run("ip", "link", "del", device)


@contextmanager
def two_hosts(delay: float = 0.0, loss: float = 0.0) -> Iterator[Link]:
    """Yield the link between this host and a second one, which is gone afterwards; NotPermittedError if there is none.

    With `delay`, every packet takes so many seconds longer, in either direction, and a share `loss` of them is lost.
    Two test processes may do this at the same time.
    """
    if missing := [name for name in ("ip", "tc") if shutil.which(name) is None]:
        raise NotPermittedError(f"there is no `{missing[0]}` (Debian: apt install iproute2)")
    number = os.getpid() % 250
    name, device, other = f"convscope{number}", f"cvh{number}", f"cvt{number}"
    link = Link(HERE.format(number), THERE.format(number), device, other, name)
    run("ip", "netns", "add", name)
    try:
        with delaying_cable(device, other, delay, loss) if delay else quick_cable(device, other):
            run("ip", "link", "set", other, "netns", name)
            run("ip", "addr", "add", f"{link.here}/24", "dev", device)
            run("ip", "link", "set", device, "up")
            for words in (("addr", "add", f"{link.there}/24", "dev", other), ("link", "set", other, "up")):
                run(*link.inside("ip", *words))
            run(*link.inside("ip", "link", "set", "lo", "up"))
            yield link
    finally:
        with suppress(NotPermittedError):
            run("ip", "netns", "del", name)
