"""Modules of all kinds that people bring: looked into rightly, or refused in one line, and left as they were."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convscope.insight import METHODS, arithmetic, attribute, field_of, map_layer, measured_field, summary, trace

IMAGES = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """A convolution, whatever a test puts behind it, and what it makes of the maps."""

    def __init__(self, ends=lambda self, maps: self.head(maps.mean((2, 3))), **modules):
        super().__init__()
        self.conv, self.head, self.ends = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 5), ends
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x):
        return self.ends(self, self.conv(x))


@dataclass
class Output:
    hidden: Tensor
    logits: Tensor


def pooled(net, maps):
    return net.head(maps.mean((2, 3)))


def unpooled(net, maps):
    values, indices = F.max_pool2d(maps, 2, return_indices=True)
    return pooled(net, F.max_unpool2d(values, indices, 2))


@pytest.mark.parametrize(
    "ends",
    [
        unpooled,
        lambda net, maps: pooled(net, maps * maps.mean().item()),
        lambda net, maps: pooled(net, maps if maps.mean() > 0 else -maps),
        lambda net, maps: pooled(net, maps + torch.linspace(-1, 1, maps.shape[-1])),
        lambda net, maps: pooled(net, maps * torch.arange(1, 5).view(4, 1, 1)),
        lambda net, maps: pooled(net, maps * float(maps.detach().cpu().numpy().std()) if not maps.is_meta else maps),
    ],
    ids=["unpool", "item", "if", "linspace", "arange", "numpy"],
)
def test_networks_that_need_numbers_have_a_table_too(ends):
    network = Net(ends)
    table = summary(network, (3, 16, 16))
    assert table.layers[-1].output_shape == (5,) and table.parameters == sum(p.numel() for p in network.parameters())
    torch.testing.assert_close(trace(network, IMAGES).output("head"), network(IMAGES).detach())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_attribution_takes_the_precision_of_the_network(dtype):
    network = Net()
    expected = attribute(network, IMAGES, "saliency", 1)
    found = attribute(Net().to(dtype), IMAGES, "grad-cam", 1)
    network.to(dtype)
    assert found.dtype == torch.float32
    torch.testing.assert_close(attribute(network, IMAGES, "saliency", 1), expected, rtol=0.05, atol=1e-3)


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda net: torch.compile(net, backend="eager")])
def test_wrapped_networks_are_unwrapped(wrap):
    network = Net()
    wrapped = wrap(network)
    assert [node.name for node in trace(wrapped, IMAGES).nodes] == ["input", "conv", "mean", "head"]
    for method in METHODS:
        torch.testing.assert_close(attribute(wrapped, IMAGES, method, 1), attribute(network, IMAGES, method, 1))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: torch.jit.trace(Net(), IMAGES), "this network is scripted"),
        (lambda: nn.Sequential(torch.jit.script(nn.ReLU())), "layer '0' is scripted"),
        (lambda: torch.export.export(nn.ReLU(), (IMAGES,)).module(), "this network is exported"),
        (lambda: nn.Sequential(nn.LazyConv2d(4, 3)), r"layer '0' \(LazyConv2d\) has no weights yet"),
        (lambda: torch.relu, "must be an nn.Module"),
        (lambda: Net, "Net is a class: give a network"),
    ],
)
def test_what_hides_its_inside_is_refused_in_one_line(build, message):
    network = build()
    for look in (
        lambda: trace(network, IMAGES),
        lambda: summary(network, (3, 16, 16)),
        lambda: attribute(network, IMAGES, "saliency", 0),
    ):
        with pytest.raises(ValueError, match=message) as problem:
            look()
        assert "\n" not in str(problem.value)


def test_fx_modules_are_looked_into():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 196, 5))
    graph = torch.fx.symbolic_trace(network)
    for method in METHODS:
        torch.testing.assert_close(attribute(graph, IMAGES, method, 1), attribute(network, IMAGES, method, 1))


@pytest.mark.parametrize(
    "answer",
    [
        lambda scores, maps: {"loss": scores.mean(), "logits": scores},
        lambda scores, maps: (scores, maps),
        lambda scores, maps: (maps, scores),
        lambda scores, maps: Output(maps.mean(1).flatten(1), scores),
        lambda scores, maps: (scores.argmax(1), scores.topk(2)[1], scores, maps > 0),
    ],
    ids=["dict", "tuple", "maps first", "dataclass", "integers first"],
)
def test_scores_are_found_among_what_is_returned(answer):
    network = Net()
    expected = {method: attribute(network, IMAGES, method, 1) for method in METHODS}
    network.ends = lambda net, maps: answer(pooled(net, maps), maps * 2)
    assert map_layer(trace(network, IMAGES)) == "conv"
    for method in METHODS:
        torch.testing.assert_close(attribute(network, IMAGES, method, 1), expected[method])


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        (lambda net, maps: (maps.mean((2, 3)), pooled(net, maps)), r"'0' \(N x 4\), '1' \(N x 5\)"),
        (lambda net, maps: maps.mean(), "needs a network that returns logits"),
        (lambda net, maps: pooled(net, maps.detach()), "no gradient|does not depend"),
    ],
)
def test_answers_without_scores_are_refused(ends, message):
    network = Net(ends)
    if "detach" in message or "gradient" in message:
        network.requires_grad_(False)
    with pytest.raises(ValueError, match=message):
        attribute(network, IMAGES, "saliency", 0)


def test_two_inputs():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 3), nn.Conv2d(1, 4, 3)

        def forward(self, x, y):
            return (self.a(x) + self.b(y)).mean((2, 3))

    network, gray = Two(), IMAGES[:, :1]
    t = trace(network, (IMAGES, gray))
    assert t.node("b").inputs == ("input_2",) and t.node("add").inputs == ("a", "b")
    torch.testing.assert_close(t.output("mean"), network(IMAGES, gray).detach())
    assert [row.macs for row in summary(network, [(3, 16, 16), (1, 16, 16)]).layers] == [27 * 4 * 196, 9 * 4 * 196]
    with pytest.raises(ValueError, match="wrap a network of several inputs"):
        attribute(network, (IMAGES, gray), "saliency", 0)


def test_a_layer_with_computed_weights_is_one_node():
    layer = nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 4, 3, padding=1))
    t = trace(Net(lambda net, maps: pooled(net, net.layer(maps)), layer=layer), IMAGES)
    assert t.node("layer").kind == "conv" and t.node("layer").inputs == ("conv",)
    found = arithmetic(t, "layer", 1, 2, 3)
    assert found.value == pytest.approx(found.network_value, abs=1e-5)


def test_buffers_and_random_numbers_stay():
    class Counts(Net):
        def __init__(self):
            super().__init__(lambda net, maps: pooled(net, F.dropout(maps)))
            self.register_buffer("passes", torch.zeros(()))
            self.register_buffer("last", torch.zeros(()))

        def forward(self, x):
            self.passes += 1
            self.last = self.passes + 1
            return super().forward(x)

    network, numbers = Counts(), torch.get_rng_state()
    trace(network, IMAGES)
    summary(network, (3, 16, 16))
    for method in METHODS:
        attribute(network, IMAGES, method, 0)
    assert network.passes == 0 and network.last == 0 and torch.equal(numbers, torch.get_rng_state())


@pytest.mark.parametrize("pool", [nn.LPPool2d(2, 3, stride=2), nn.MaxPool2d(3, 2, return_indices=True)])
def test_receptive_fields_of_pools(pool):
    def ends(net, maps):
        out = net.pool(maps)
        return pooled(net, out[0] if isinstance(out, tuple) else out)

    network = Net(ends, pool=pool)
    t = trace(network, IMAGES)
    assert field_of(t, "pool", 2, 2) == (3, 3, 8, 8)
    seen = measured_field(network, IMAGES, "pool", 2, 2)
    assert seen.top >= 3 and seen.bottom <= 8


def test_a_transform_over_the_whole_map_sees_it_all():
    t = trace(Net(lambda net, maps: pooled(net, torch.fft.fft2(maps).abs())), IMAGES)
    assert field_of(t, "abs", 3, 3) == (0, 0, 16, 16)
    with pytest.raises(ValueError, match="complex"):
        arithmetic(t, "fft_fft2", 0, 0, 0)


def correlated(net, maps):
    """The loop of the textbooks: every unit is written into zeros."""
    out = torch.zeros(*maps.shape[:2], 3, 3)
    for i in range(3):
        for j in range(3):
            out[:, :, i, j] = (maps[:, :, i : i + 2, j : j + 2] * torch.tensor([[0.0, 1.0], [2.0, 3.0]])).sum((2, 3))
    return pooled(net, out)


def swapped(net, maps):
    out = torch.empty_like(maps)
    out[:, :2], out[:, 2:] = maps[:, 2:], maps[:, :2].relu()
    return pooled(net, out)


def masked(net, maps):
    out, mask = maps.clone(), maps > 0
    out[mask] = maps[mask] * 3
    return pooled(net, out)


@pytest.mark.parametrize(
    "ends",
    [
        correlated, swapped, masked,
        lambda net, maps: pooled(net, torch.zeros_like(maps).copy_(maps)),
        lambda net, maps: pooled(net, torch.zeros_like(maps).index_add_(1, torch.tensor([1, 0, 3, 2]), maps)),
        lambda net, maps: pooled(net, F.dropout(maps, 0.3)),
        lambda net, maps: pooled(net, F.dropout2d(maps, 0.3)),
        lambda net, maps: pooled(net, F.max_pool1d(maps.flatten(2), 2)[..., None]),
    ],
)  # fmt: skip
def test_arithmetic_gives_the_networks_numbers(ends):
    t = trace(Net(ends), IMAGES)
    for node in t.nodes[1:]:
        if not 1 <= len(node.shape) <= 3 or not node.floating or (node.inputs and not t.node(node.inputs[0]).shape):
            continue
        for place in ((0, 0, 0), (-1, -1, -1), (1, 1, 1)):
            unit = [size - 1 if at < 0 else min(at, size - 1) for size, at in zip(node.shape, place, strict=False)]
            found = arithmetic(t, node.name, *unit)
            real = float(t.output(node.name)[(0, *unit)])
            assert found.network_value == real and found.value == pytest.approx(real, abs=1e-5), node.name


def test_what_gives_other_numbers_when_it_runs_again_is_said():
    t = trace(Net(lambda net, maps: pooled(net, F.alpha_dropout(maps, 0.5, training=True))), IMAGES)
    with pytest.raises(
        ValueError, match=r"alpha_dropout: when it runs again it gives .*, not the network's"
    ) as problem:
        for unit in range(16):
            arithmetic(t, "alpha_dropout", 0, 0, unit)
    assert "\n" not in str(problem.value)


def test_a_trace_that_breaks_off_says_where(caplog):
    @torch.jit.script
    def squared(x: torch.Tensor):
        return x * x

    trace(Net(lambda net, maps: pooled(net, squared(maps))), IMAGES)
    (record,) = caplog.records
    assert record.getMessage().startswith("the trace of Net breaks off before 'head'")
    caplog.clear()
    trace(Net(correlated), IMAGES)
    assert not caplog.records


class ToBeQuantised(nn.Module):
    """As torchvision's quantisable networks before they are quantised: sums are made by a module without weights."""

    def __init__(self):
        super().__init__()
        self.convolution, self.add = nn.Conv2d(3, 3, 3, padding=1), torch.ao.nn.quantized.FloatFunctional()
        self.fully_connected = nn.Linear(3, 2)

    def forward(self, images):
        return self.fully_connected(self.add.add(images, self.convolution(images)).mean((2, 3)))


def test_a_network_that_is_yet_to_be_quantised_is_looked_into():
    network = ToBeQuantised()
    assert summary(network, (3, 8, 8)).macs == 3 * 3 * 9 * 64 + 3 * 2
    assert attribute(network, torch.randn(1, 3, 8, 8), "saliency", 0).shape == (1, 8, 8)
