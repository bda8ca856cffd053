"""Loops in films: made equally long, each round ending where the ground looks as it did, so that a film repeats."""

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from minigen.motion import Carrier, Clip, resample
from minigen.motion.loops import rounds
from minigen.train.stick_cell import TILE_M
from minigen.train.stick_figure import figure

PACE, ROUNDS = 0.03, 5  # share by which a loop among others is slowed or hastened gladly; most rounds of the longest


def in_step(loops: Sequence[Clip], body: Carrier) -> list[Clip]:
    """The loops made equally long, so that a film of all of them repeats: each goes round so many times.

    For that each is slowed or hastened a little, turned so that it ends as it began, and its way is made a whole number
    of tiles of the ground long.
    """
    T, counts = _together([len(loop) for loop in loops])
    return [_round(loop, count, T, body) for loop, count in zip(loops, counts, strict=True)]


def _together(lengths: Sequence[int]) -> tuple[int, list[int]]:
    """(T, rounds): the fewest frames in which loops of these lengths go round nearly a whole number of times.

    Where none up to ROUNDS times the longest lets all keep their pace to within PACE, the one that comes nearest: eight
    loops of 24 to 56 frames are slowed or hastened by 5 % at most, on average (measured).
    """
    best, found = math.inf, (0, [0])
    for T in range(max(lengths), ROUNDS * max(lengths) + 1):
        counts = [max(1, round(T / n)) for n in lengths]
        worst = max(abs(math.log(count * n / T)) for count, n in zip(counts, lengths, strict=True))
        if worst < best:
            best, found = worst, (T, counts)
        if worst <= PACE:
            break
    return found


def _round(loop: Clip, count: int, T: int, body: Carrier) -> Clip:
    """The loop `count` times in T frames; in frame T all would be as in frame 0, and the body on a like tile."""
    gone = rounds(loop, count + 1, body, straight=True)
    gone = replace(resample(gone, loop.fps * Fraction(T, count * len(loop))), fps=loop.fps)
    places = gone.translations[:, body.joint] * gone.skeleton.metres
    way = (places[T] - places[0])[[0, 2]]
    film = replace(gone, rotations=gone.rotations[:T], translations=gone.translations[:T].copy())
    x, z = figure(film).forward
    axes = np.array([[x, z], [z, -x]])  # forward and to the left: along these lie the tiles
    rest = axes.T @ (np.round(axes @ way / TILE_M) * TILE_M) - way
    film.translations[:, body.joint, ::2] += np.arange(T)[:, None] / T * rest / gone.skeleton.metres
    return film
