"""Nested containers are flattened in order, whatever they are made of."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import torch

from convscope.nested import leaves, tensors_in

Pair = namedtuple("Pair", "first second")


def test_leaves_come_in_order_from_every_container():
    value = [1, (2, OrderedDict(b=3, a=[4])), Pair(None, "five"), {}, ()]
    assert list(leaves(value)) == [1, 2, 3, 4, None, "five"]


def test_a_value_that_is_no_container_is_its_own_leaf():
    assert list(leaves("text")) == ["text"] and list(leaves(None)) == [None]


def test_tensors_in_leaves_out_everything_else():
    one, two = torch.zeros(2), torch.ones(3)
    assert tensors_in(one) == (one,) and tensors_in("text") == ()
    found = tensors_in({"logits": one, "loss": None, "maps": [two, 3]})
    assert found[0] is one and found[1] is two and len(found) == 2
