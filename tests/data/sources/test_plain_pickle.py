"""Reading pickles of plain data as Python does, and refusing all others without executing anything."""

from __future__ import annotations

import pickle
import pickletools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convscope.data.sources.plain_pickle import read_plain_pickle
from convscope.errors import DataError

from ..sets import pickle_as_python2

PIXELS = np.random.default_rng(0).integers(0, 256, (1, 30), dtype=np.uint8)
HAND_MADE = {
    "a global of its own": b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.",
    "an instance": b"(X\x04\x00\x00\x00trueios\nsystem\n.",
    "an object": b"(cos\nsystem\nX\x04\x00\x00\x00trueo.",
    "a new object": b"\x80\x02cos\nsystem\n)\x81.",
    "a persistent id": b"Psomewhere\n.",
    "an extension": b"\x80\x02\x82\x01.",
    "an out-of-band buffer": b"\x80\x05\x97.",
    "a dotted name": b"\x80\x04\x8c\x05numpy\x8c\x11core.os.system.xx\x93.",
    "numpy's other names": b"cnumpy\nload\n.",
    "reconstruct of another type": b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\n(I0\ntS'b'\ntR.",
    "a state for a list": b"](I1\ntb.",
    "an empty stack": b".",
    "marks without end": b"(" * 50_000 + b".",
    "a missing memory": b"h\x07.",
    "a memory far away": b"I1\nr\xff\xff\xff\xff0.",
    "a length that is not there": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fx.",
    "a number of many digits": b"L" + b"9" * 100_000 + b"L\n.",
    "deep": b"]" * 20_000 + b"a" * 19_999 + b".",
    "tuples as keys": b"}" + b")" + b"2\x86" * 60 + b"I1\ns.",
    "text over and over": b"\x80\x02X\x00\x00\x01\x00" + b"x" * 65536 + b"q\x000"
    + b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R" * 20_000 + b".",
    "a huge array": pickle.dumps(np.zeros(1), 2).replace(b"K\x01\x85", b"\x8a\x06\0\0\0\0\0\x01\x85"),
}  # fmt: skip


@pytest.mark.timeout(30)
@pytest.mark.parametrize("case", HAND_MADE)
def test_hand_made_pickles_are_refused(case):
    with pytest.raises(DataError) as refused:
        value = read_plain_pickle(HAND_MADE[case])
        assert isinstance(value, list)  # deep or far away, but plain data
        raise DataError("plain")
    assert len(str(refused.value).splitlines()) == 1


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(value=PLAIN, protocol=st.integers(0, 5))
def test_plain_data_is_what_python_reads(value, protocol):
    content = pickle.dumps(value, protocol)
    assert read_plain_pickle(content) == pickle.loads(content)
    assert read_plain_pickle(pickletools.optimize(content)) == value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("kind", ["u1", ">u2", "<i4", "i8", "f4", ">f8", "?"])
@pytest.mark.parametrize("order", "CF")
def test_arrays_are_what_python_reads(protocol, kind, order):
    array = np.asarray(np.arange(24).reshape(2, 3, 4) % 2, dtype=kind, order=order)
    found = read_plain_pickle(pickle.dumps({"a": array}, protocol))["a"]
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype or kind == "?"


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_mutated_pickles_are_refused_or_read(data):
    content = bytearray(pickle_as_python2({"labels": [1, 2, 3], "data": PIXELS, "filenames": ["a", "b"]}))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_plain_pickle(bytes(content))
    except DataError as problem:
        assert len(str(problem).splitlines()) == 1
