"""How long does a step of several processes take? A model of four terms, and what it says of ResNet-50 on ImageNet.

    python -m benchmarks.speed.processes_model

A step computes each process's part of the batch, then adds up the gradients of all processes (all-reduce), as far as
that does not happen during the backward pass; and no step is quicker than its images can be read and decoded.
`several_processes.py` compares it with what is measured on this machine. Here it is printed for clusters, beside
published times; of the computing rate, one published point is used, and the others are predicted: between an exchange
that is hidden behind the backward pass as far as its length allows, and one of which nothing is hidden.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

IMAGENET, EPOCHS = 1_281_167, 90
RESNET50_BYTES = 4 * 25_557_032  # gradients in float32


@dataclass(frozen=True)
class Cluster:
    """Machines of `per_machine` devices; each device computes `rate` images per second.

    `bandwidth` is that of a machine's network in bytes per second, `latency` the seconds of one message. `overlap` is
    the share of the computing during which gradients can travel: the backward pass is two thirds of it. `input_rate` is
    the images per second that a machine can read and decode.
    """

    rate: float
    bandwidth: float
    latency: float
    per_machine: int = 8
    overlap: float = 0.6
    input_rate: float = math.inf

    def step_seconds(self, processes: int, images: int, size: int, fixed: float = 0.0) -> float:
        """Return the seconds of a step with `images` per process, whose gradients take `size` bytes.

        `fixed` is what a step costs besides, whatever the batch: the optimizer.
        """
        compute = images / self.rate + fixed
        hidden = self.overlap * images / self.rate
        exposed = max(all_reduce_seconds(self, processes, size) - hidden, 0.0)
        return max(compute + exposed, images * min(processes, self.per_machine) / self.input_rate)

    def hours(self, processes: int, images: int) -> float:
        """Return the hours of 90 epochs of ResNet-50 on ImageNet."""
        steps = EPOCHS * IMAGENET / (processes * images)
        return steps * self.step_seconds(processes, images, RESNET50_BYTES) / 3600

    def efficiency(self, processes: int, images: int) -> float:
        """Return the rate of a device among `processes`, by that in one machine alone."""
        return self.hours(self.per_machine, images) * self.per_machine / self.hours(processes, images) / processes


def all_reduce_seconds(cluster: Cluster, processes: int, size: int) -> float:
    """Return the seconds in which all machines add up `size` bytes and have the sum, around a ring or by halving.

    Every machine sends 2 (n - 1) / n times the bytes; the number of messages after each other is the smaller one of
    both ways, 2 log2 n. Inside a machine, devices are connected so well that it is left out.
    """
    machines = processes if cluster.per_machine == 1 else math.ceil(processes / cluster.per_machine)
    if machines == 1:
        return 0.0
    return 2 * (machines - 1) / machines * size / cluster.bandwidth + 2 * math.log2(machines) * cluster.latency


# Goyal et al. 2017 (arXiv 1706.02677): 8 P100 per server, 50 Gbit Ethernet, 32 images per device; 29 hours on 8 devices
# (https://developer.nvidia.com/facebook-trains-imagenet-1-hour), which is the rate here; of the 50 Gbit, halving and
# doubling over TCP is taken to use half.
P100 = Cluster(rate=EPOCHS * IMAGENET / (29 * 3600) / 8, bandwidth=0.5 * 50e9 / 8, latency=50e-6)
# (devices, hours, source): what the model has not seen.
PUBLISHED = [
    (256, 1.0, "Goyal et al. 2017: one hour on 256 P100"),
    (1024, 0.25, "Akiba et al. 2017 (arXiv 1711.04325): 15 minutes on 1,024 P100, FDR InfiniBand, own optimizer"),
]


def main() -> None:
    alone = dataclasses.replace(P100, overlap=0.0)
    print("ResNet-50, ImageNet, 90 epochs, 32 images per P100, 8 per server, 50 Gbit/s, in hours and efficiency:")
    print("devices   exchange hidden as far as it can be   nothing hidden")
    for devices in (8, 16, 32, 64, 128, 256, 512, 1024):
        found = [(cluster.hours(devices, 32), cluster.efficiency(devices, 32)) for cluster in (P100, alone)]
        (best, share), (worst, least) = found
        print(f"{devices:7,} {best:29.2f} {share:7.0%} {worst:9.2f} {least:7.0%}")
    for devices, hours, source in PUBLISHED:
        best, worst = P100.hours(devices, 32), alone.hours(devices, 32)
        print(
            f"{source}: published {hours:.2f} h, predicted {best:.2f} to {worst:.2f} h "
            f"({best / hours - 1:+.0%} to {worst / hours - 1:+.0%})"
        )
    print(
        f"Goyal et al. 2017: efficiency of 256 devices about 90 %, predicted {alone.efficiency(256, 32):.0%} to 100 %"
    )
    for input_rate in (1_000, 4_000):
        slow = Cluster(P100.rate, P100.bandwidth, P100.latency, input_rate=input_rate)
        print(f"with {input_rate:,} images/s read and decoded per server: 256 devices take {slow.hours(256, 32):.2f} h")


if __name__ == "__main__":
    main()
