"""Statistics over batches, against all images at once."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from convscope.insight import (
    channel_statistics,
    gradients,
    trace,
)


def test_statistics_are_those_of_all_images_at_once(network, images):
    with torch.no_grad():
        network[0].weight[2].zero_()
        network[0].bias[2] = -1  # a map that is 0 behind ReLU for every image
    labels = torch.tensor([0, 1, 2, 0])
    found = channel_statistics(network, [(images[:3], labels[:3]), (images[3:], labels[3:])], F.cross_entropy)
    seen = trace(network, images)
    assert list(found) == [node.name for node in seen.nodes]
    for name, row in found.items():
        output = seen.output(name).double()
        assert row.mean == pytest.approx(float(output.mean()), abs=1e-7)
        assert row.deviation == pytest.approx(float(output.std(correction=0)), rel=1e-6)
        assert row.zeros == pytest.approx(float((output == 0).double().mean()))
        expected = output.transpose(0, 1).flatten(1).mean(1)
        assert row.channel_means == pytest.approx(expected.tolist(), abs=1e-7)
    assert found["1"].dead == found["2"].dead == (2,) and found["0"].dead == ()
    single = torch.cat([gradients(network, images[i : i + 1], labels[i : i + 1])["3"] for i in range(4)]).double()
    assert found["3"].gradient_mean == pytest.approx(float(single.mean()), rel=1e-4, abs=1e-9)
    assert found["3"].gradient_deviation == pytest.approx(float(single.std(correction=0)), rel=1e-4)
    assert channel_statistics(network, [images])["3"].gradient_mean is None
    with pytest.raises(ValueError, match="no images"):
        channel_statistics(network, [])
    with pytest.raises(ValueError, match="gradients need labels"):
        channel_statistics(network, [images], F.cross_entropy)
