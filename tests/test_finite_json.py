"""JSON without NaN or infinity."""

import json
import math

from convscope.finite_json import dump_json


def test_what_is_not_finite_becomes_null():
    document = {"a": [1.5, math.nan, (math.inf, "猫")], "b": {"c": -math.inf, "d": True}}
    for text in (dump_json(document), dump_json(document, indent=2, ensure_ascii=False)):
        assert json.loads(text) == {"a": [1.5, None, [None, "猫"]], "b": {"c": None, "d": True}}
    assert dump_json({"a": [1, 2]}) == '{"a":[1,2]}'
