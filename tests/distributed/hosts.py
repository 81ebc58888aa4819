"""Two "hosts" on this machine: a network namespace with an address of its own, joined to this one by a pair of cables.

Needs the rights of root, and `ip` and `tc` (Debian: iproute2).
"""

from __future__ import annotations

import os
import shutil
import subprocess
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

    def delayed(self, delay: str) -> None:
        """Let everything take `delay` longer, such as 10ms."""
        run("tc", "qdisc", "add", "dev", self.device, "root", "netem", "delay", delay)


@contextmanager
def two_hosts() -> Iterator[Link]:
    """Yield the link between this host and a second one, which is gone afterwards; NotPermittedError if there is none.

    Two test processes may do this at the same time.
    """
    if missing := [name for name in ("ip", "tc") if shutil.which(name) is None]:
        raise NotPermittedError(f"there is no `{missing[0]}` (Debian: apt install iproute2)")
    number = os.getpid() % 250
    name, device, other = f"convscope{number}", f"cvh{number}", f"cvt{number}"
    link = Link(HERE.format(number), THERE.format(number), device, other, name)
    run("ip", "netns", "add", name)
    try:
        run("ip", "link", "add", device, "type", "veth", "peer", "name", other)
        run("ip", "link", "set", other, "netns", name)
        run("ip", "addr", "add", f"{link.here}/24", "dev", device)
        run("ip", "link", "set", device, "up")
        for words in (("addr", "add", f"{link.there}/24", "dev", other), ("link", "set", other, "up")):
            run(*link.inside("ip", *words))
        run(*link.inside("ip", "link", "set", "lo", "up"))
        yield link
    finally:
        for words in (("ip", "link", "del", device), ("ip", "netns", "del", name)):
            with suppress(NotPermittedError):
                run(*words)
