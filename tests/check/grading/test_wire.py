"""What travels arrives to the bit; what is no message is refused before it is believed."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minigen.check.grading import wire

RNG = np.random.default_rng(0)


def reader(raw):
    stream = io.BytesIO(raw)

    def read(n):
        found = stream.read(n)
        if len(found) < n:
            raise EOFError
        return found

    return read


def refuse(x):
    raise wire.Unsent(f"a {type(x).__name__}")


def refuse_back(x):
    raise wire.Garbled("an object")


def there_and_back(value, trusted=False):
    tree, found = wire.pack(value, refuse)
    body, found = wire.from_stream(reader(wire.to_bytes(tree, found)), trusted=trusted)
    return wire.unpack(body, found, refuse_back)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.complex_numbers()
DTYPES = arrays.boolean_dtypes() | arrays.integer_dtypes() | arrays.floating_dtypes() | arrays.complex_number_dtypes()
ARRAYS = arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
VALUES = st.recursive(
    PLAIN | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.integers() | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(map(repr, a)) == list(map(repr, b)) and all(map(same, a.values(), b.values()))
    return repr(a) == repr(b)  # NaN and −0.0 too


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_a_value_arrives_as_it_was_sent(value):
    assert same(there_and_back(value), value)


@pytest.mark.parametrize(
    "x",
    [
        np.float32(1.5),
        np.bool_(True),
        np.array("text"),
        np.array(["a", "bcd"]),
        np.array([b"raw"]),
        np.arange(6, dtype=">i4"),
        np.asfortranarray(RNG.normal(size=(3, 4))),
        RNG.normal(size=(4, 6))[::-1, ::2],
        np.broadcast_to(1.0, (2, 3)),
        np.zeros((0, 3))[:, ::-1],
    ],
)
@pytest.mark.parametrize("trusted", [False, True])
def test_an_array_arrives_and_lies_as_it_did_where_that_is_believed(x, trusted):
    back = there_and_back(x, trusted)
    assert same(back, x)
    if trusted and isinstance(x, np.ndarray) and x.size:
        assert back.strides == x.strides and back.flags.writeable == x.flags.writeable
    elif isinstance(x, np.ndarray):
        assert back.flags.c_contiguous and back.flags.writeable


def test_one_array_stays_one_array():
    x = np.arange(3.0)
    a, (b, c) = there_and_back([x, (x, x.copy())])
    assert a is b and a is not c


def test_a_generator_goes_on_where_it_was():
    for bits in (np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64, np.random.PCG64DXSM):
        rng = np.random.Generator(bits(3))
        rng.normal(size=5)
        back = there_and_back(rng)
        assert np.array_equal(back.normal(size=4), rng.normal(size=4))


@pytest.mark.parametrize(
    "value, why",
    [
        (np.array([object()]), "dtype object"),
        (np.zeros(2, dtype=[("a", float)]), "dtype"),
        (np.array(["2026-01-01"], dtype="M8[D]"), "dtype datetime64"),
        ([[[object()]]], "a object"),
        (lambda: 0, "a function"),
        (type("MyList", (list,), {})(), "a MyList"),
    ],
)
def test_what_cannot_travel_says_so(value, why):
    with pytest.raises(wire.Unsent, match=why):
        there_and_back(value)


def test_a_message_has_a_largest_size(monkeypatch):
    monkeypatch.setattr(wire, "LIMIT", 1000)
    monkeypatch.setattr(wire, "TEXT", 1000)
    with pytest.raises(wire.Unsent, match="at most 0 MiB can be handed over"):
        there_and_back(np.zeros(126))
    with pytest.raises(wire.Unsent, match="10,001 arrays; at most 10,000"):
        there_and_back([np.float32(0) for _ in range(10_001)])
    with pytest.raises(wire.Unsent, match="of text and lists; at most"):
        there_and_back("x" * 1001)


def message(body, header=(), raw=b""):
    text = json.dumps([body, header]).encode()
    return wire.HEAD.pack(len(text), len(raw)) + text + raw


FORGED = {
    "very many arrays": message(0, [["<f8", [0], None, True]] * 10_001),
    "rubbish": b"\xff" * 40,
    "too much": wire.HEAD.pack(2**40, 0),
    "no JSON": wire.HEAD.pack(1, 0) + b"{",
    "no header": wire.HEAD.pack(2, 0) + b"[]",
    "half an array": message(0, [["<f8", [2], None, True]], bytes(8)),
    "more than it says": message(0, [["<f8", [1], None, True]], bytes(16)),
    "a negative shape": message(0, [["<f8", [-1], None, True]], bytes(8)),
    "an enormous shape": message(0, [["<f8", [2**62, 2**62], None, True]], bytes(8)),
    "a shape of texts": message(0, [["<f8", ["1"], None, True]], bytes(8)),
    "a shape of booleans": message(0, [["<f8", [True], None, True]], bytes(8)),
    "objects": message(0, [["|O", [1], None, True]], bytes(8)),
    "records": message(0, [["f8,O", [1], None, True]], bytes(16)),
    "a dtype that is none": message(0, [[3, [1], None, True]], bytes(8)),
    "text of no width": message(0, [["<U0", [3], None, True]]),
    "very deep": message(0)[:0] + wire.HEAD.pack(200_000, 0) + b"[" * 200_000,
    "a number of 5000 digits": wire.HEAD.pack(5000, 0) + b"1" * 5000,
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_no_message_is_refused(name):
    with pytest.raises(wire.Garbled):
        wire.from_stream(reader(FORGED[name]), trusted=False)


@pytest.mark.parametrize("cut", [0, 5, 16, 20])
def test_the_end_of_the_stream_is_told_from_rubbish(cut):
    with pytest.raises(EOFError):
        wire.from_stream(reader(message([1, 2, 3])[:cut]), trusted=False)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.data())
def test_whatever_comes_only_two_errors_leave(raw, data):
    good = bytearray(message(["array", 0], [["<f8", [2], None, True]], bytes(16)))
    place = data.draw(st.integers(16, len(good) - 1))
    good[place : place + len(raw)] = raw
    for forged in (raw, wire.HEAD.pack(len(raw), 0) + raw, bytes(good)):
        try:
            body, found = wire.from_stream(reader(forged), trusted=False)
            wire.unpack(body, found, refuse_back)
        except (wire.Garbled, EOFError):
            pass
        except (KeyError, IndexError, TypeError, ValueError):
            pass  # of unpack, whose caller takes these for the same


def test_the_bytes_of_a_boolean_are_true_or_false():
    raw = message(["array", 0], [["|b1", [3], None, True]], b"\x00\x01\x02")
    body, found = wire.from_stream(reader(raw), trusted=False)
    assert wire.unpack(body, found, refuse_back).tobytes() == b"\x00\x01\x01"
