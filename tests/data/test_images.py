"""Images, and the way between bytes and floats."""

import numpy as np
import pytest

from minigen.data import Images, to_float, to_uint8
from minigen.errors import DataError


def test_every_level_survives_the_way_to_floats_and_back():
    levels = np.arange(256, dtype=np.uint8)
    x = to_float(levels)
    assert x.dtype == np.float32 and x.min() == -1 and x.max() == 1
    assert (to_uint8(x) == levels).all()
    assert (to_uint8(x.astype(np.float64)) == levels).all()


def test_to_uint8_clips_what_lies_outside_and_refuses_nan():
    assert to_uint8(np.array([-np.inf, -1.5, 1.5, np.inf])).tolist() == [0, 0, 255, 255]
    with pytest.raises(DataError, match=r"to_uint8: 2 of 6 values are NaN, the first at \(0, 1\)"):
        to_uint8(np.array([[0, np.nan, 0], [np.nan, 0, 0]]))


def test_to_float_takes_bytes_only():
    with pytest.raises(DataError, match="to_float: items are float32; they must be uint8"):
        to_float(np.zeros(3, np.float32))


def test_the_fingerprint_tells_pixels_and_shapes_apart():
    items = np.zeros((2, 4, 4, 1), np.uint8)
    same, other = Images(items.copy()), items.copy()
    other[1, 2, 3, 0] = 1
    assert Images(items).fingerprint == same.fingerprint and len(same.fingerprint) == 16
    assert Images(other).fingerprint != same.fingerprint
    assert Images(items.reshape(2, 2, 8, 1)).fingerprint != same.fingerprint
    assert Images(items[::-1]).fingerprint == same.fingerprint


def test_items_and_factors_must_fit():
    with pytest.raises(DataError, match=r"images: items are float64 \(2, 4, 4\); they must be uint8 \(N, H, W, C\)"):
        Images(np.zeros((2, 4, 4)))
    with pytest.raises(DataError, match="images: 2 images but factors for 3"):
        Images(np.zeros((2, 4, 4, 1), np.uint8), np.zeros(3, [("label", np.uint8)]))


def test_first_takes_items_and_factors_alike_and_says_so():
    factors = np.array([(1,), (2,), (3,)], [("label", np.uint8)])
    images = Images(np.zeros((3, 4, 4, 1), np.uint8), factors)
    assert images.first(None) is images and images.first(3) is images
    two = images.first(2)
    assert len(two) == 2 and two.factors["label"].tolist() == [1, 2]
    assert two.notes == ("The first 2 of 3 images were taken.",)
