"""Skeletons and clips: what fits together, and where it puts the joints."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from minigen.errors import DataError
from minigen.motion import Clip, Skeleton, forward_kinematics, from_euler

OFFSETS = np.array([[0, 0, 0], [7, 90, -450], [0, 40, 0], [10, -50, 0]], float)
FIGURE = Skeleton(("Origin", "Hips", "Spine", "Leg"), (-1, 0, 1, 1), OFFSETS, ((),) * 4)


def with_offset(j, *offset):
    offsets = OFFSETS.copy()
    offsets[j] = offset
    return dataclasses.replace(FIGURE, offsets=offsets)


def test_a_child_goes_where_its_parents_turn_takes_it():
    """Two bones of length 1 along x, each turned by 90° about z: up, then back along −x."""
    quarter = from_euler([[90, 0, 0], [90, 0, 0], [0, 0, 0]], "ZXY")
    bones = np.array([[5, 0, 0], [1, 0, 0], [1, 0, 0]], float)
    G, p = forward_kinematics((-1, 0, 1), quarter, bones)
    assert np.allclose(p, [[5, 0, 0], [5, 1, 0], [4, 1, 0]]) and np.allclose(G[2], from_euler([180, 0, 0], "ZXY"))


def test_offsets_down_to_where_the_tree_branches_are_no_lengths():
    assert FIGURE.body == 1 and np.isclose(FIGURE.reach, np.hypot(10, 50))
    assert FIGURE.same(with_offset(1, 0, 95, 300)) and FIGURE.same(with_offset(2, 0, 40.05, 0))
    assert not FIGURE.same(with_offset(2, 0, 40.06, 0)) and not FIGURE.same(dataclasses.replace(FIGURE, metres=0.01))
    chain = Skeleton(("A", "B"), (-1, 0), OFFSETS[:2], ((),) * 2)
    assert chain.body == 0 and chain.reach > 450
    assert Skeleton(("A",), (-1,), OFFSETS[:1], ((),)).reach == 0


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(DataError, match="every parent must stand before its children"):
        dataclasses.replace(FIGURE, parents=(-1, 2, 1, 1))
    with pytest.raises(
        DataError, match=r"clip: rotations \(2, 3, 3, 3\) and translations \(2, 4, 3\) must be \(T, 4, 3, 3"
    ):
        Clip(FIGURE, np.zeros((2, 3, 3, 3)), np.zeros((2, 4, 3)), Fraction(30))
