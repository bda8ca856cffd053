"""How far a motion is from the truth, and how smooth, how stiff and how varied motions are.

places: where the joints are, (…, T, J, 3), in metres, y up; rotations: (…, T, J, 3, 3), for column vectors.  All on the
host.  Every mean is over everything but the last axes, so clips of one length can be measured together.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from minigen.errors import SettingError, ShapeError
from minigen.metrics.checking import finite
from minigen.motion.rotations import geodesic_angle


def mpjpe(places: np.ndarray, truth: np.ndarray) -> float:
    """mean ‖p − p*‖ over frames and joints: the mean per joint position error, in cm, where each body stands.

    places, truth (…, T, J, 3), in metres.  Travel that drifts counts; `root_aligned_mpjpe` leaves it out.
    Ionescu et al. 2014, "Human3.6M" (there in mm).
    """
    return float(_distances("mpjpe", places, truth, None).mean())


def root_aligned_mpjpe(places: np.ndarray, truth: np.ndarray, carrier: int = 0) -> float:
    """mean ‖(p − p_c) − (p* − p*_c)‖ in cm, c the joint that carries the body: the error of the pose alone.

    places, truth (…, T, J, 3), in metres.  The carrier's place (x, y, z) is subtracted in each frame, the heading is
    not.  The carrier itself, which cannot be wrong, is one of the J joints of the mean.
    """
    return float(_distances("root_aligned_mpjpe", places, truth, carrier).mean())


def mpjpe_per_joint(places: np.ndarray, truth: np.ndarray, carrier: int | None = None) -> np.ndarray:
    """The error of each joint, float64 (J,), in cm; aligned to the carrier where one is given.  Its mean is mpjpe."""
    distances = _distances("mpjpe_per_joint", places, truth, carrier)
    return distances.mean(axis=tuple(range(distances.ndim - 1)))


def rotation_error(R: np.ndarray, S: np.ndarray) -> float:
    """mean arccos((tr RᵀS − 1) / 2), in degrees, 0 to 180: how far to turn one rotation to get the other.

    R, S (…, 3, 3), rotations, each joint's in its parent's frame or all in the world's.  Huynh 2009, "Metrics for 3D
    rotations", Φ₆.
    """
    if np.shape(R) != np.shape(S) or np.shape(R)[-2:] != (3, 3) or not np.size(R):
        raise ShapeError(f"rotation_error: R {np.shape(R)} and S {np.shape(S)} must both be (…, 3, 3), and not empty.")
    finite("rotation_error", R, S)
    return float(geodesic_angle(R, S).mean())


def acceleration(places: np.ndarray, fps: float | Fraction) -> float:
    """mean ‖p_{t+1} − 2 p_t + p_{t−1}‖ · fps², in m/s²: 9.81 for a body in free fall.  places (…, T ≥ 3, J, 3)."""
    return _difference("acceleration", places, fps, order=2)


def jitter(places: np.ndarray, fps: float | Fraction) -> float:
    """mean ‖third difference of p‖ · fps³, in m/s³: how much the forces tremble.  places (…, T ≥ 4, J, 3).

    Compare it with the data's own: a body that moves has some, and a model that smooths has too little.
    Flash & Hogan 1985, "The coordination of arm movements": people move so as to keep this (the jerk) small.
    """
    return _difference("jitter", places, fps, order=3)


def bone_length_error(places: np.ndarray, parents: Sequence[int], offsets_m: np.ndarray, carrier: int = 0) -> float:
    """mean |‖p_j − p_parent‖ − ‖offset_j‖| in cm, over the bones below the carrier.

    places (…, T, J, 3), metres; parents (J,), −1 for the root; offsets_m (J, 3), metres.  What lies above the carrier
    is no bone: in some files the hips travel under a root that stays.  Zero to rounding where rotations are generated
    and the places come from forward kinematics: there it tests those, not the model.
    """
    checked_places("bone_length_error", places)
    J = places.shape[-2]
    if len(parents) != J or np.shape(offsets_m) != (J, 3):
        raise ShapeError(
            f"bone_length_error: {J} joints, but {len(parents)} parents and offsets {np.shape(offsets_m)}; "
            f"they must be ({J},) and ({J}, 3)."
        )
    _joint("bone_length_error", carrier, J)
    below = {carrier}
    for j, parent in enumerate(parents):
        if parent in below:
            below.add(j)
    bones = sorted(below - {carrier})
    if not bones:
        raise SettingError(f"bone_length_error: carrier is {carrier}, on which no bone hangs. Name the hips.")
    upper = [parents[j] for j in bones]
    lengths = np.linalg.norm(places[..., bones, :] - places[..., upper, :], axis=-1)
    return float(100 * np.abs(lengths - np.linalg.norm(np.asarray(offsets_m)[bones], axis=-1)).mean())


def diversity(features: np.ndarray) -> float:
    """mean ‖a − b‖ over all pairs of different items: how varied a set is; 0 where all items are one.

    features (N ≥ 2, …): flattened; standardise them first, on the training set, so that each counts alike.  Compare it
    with as many items of the data.  Exact: N² / 2 distances, in blocks; 2,000 windows of 64 × 130 take seconds.
    After Guo et al. 2020, "Action2Motion" (2007.15240), who draw 200 pairs of a classifier's features.
    """
    if np.ndim(features) < 2 or len(features) < 2 or not np.size(features):
        raise ShapeError(f"diversity: features have shape {np.shape(features)}; they must be (N, …), N ≥ 2.")
    x = np.array(features, np.float64).reshape(len(features), -1)
    finite("diversity", x)
    x -= x.mean(axis=0)  # the distances stay, and their rounding errors become those of the differences
    square = np.einsum("nd,nd->n", x, x)
    N, total = len(x), 0.0
    for start in range(0, N, 512):
        block = slice(start, start + 512)
        d2 = square[block, None] + square[None, start:] - 2 * (x[block] @ x[start:].T)  # ‖a‖² + ‖b‖² − 2⟨a, b⟩
        total += float(np.triu(np.sqrt(np.maximum(d2, 0)), k=1).sum())  # each pair once, none with itself
    return total / (N * (N - 1) / 2)


# What all of them check ---------------------------------------------------------------------------------------------


def checked_places(name: str, places: np.ndarray, frames: int = 1) -> None:
    """ShapeError unless places are (…, T ≥ frames, J, 3) and not empty; DataError where they are not finite."""
    shape = np.shape(places)
    if len(shape) < 3 or shape[-1] != 3 or shape[-3] < frames or 0 in shape:
        raise ShapeError(f"{name}: places have shape {shape}; they must be (…, T, J, 3) with T ≥ {frames} frames.")
    finite(name, places)


def checked_rate(name: str, fps: float | Fraction) -> float:
    """The frame rate as a float; SettingError unless it is a number above 0."""
    if not 0 < fps < float("inf"):
        raise SettingError(f"{name}: fps is {fps}; it must be a number of frames a second above 0.")
    return float(fps)


def _joint(name: str, carrier: int, J: int) -> None:
    if not 0 <= carrier < J:
        raise SettingError(f"{name}: carrier is {carrier}; it must be a joint from 0 to {J - 1}.")


def _distances(name: str, places: np.ndarray, truth: np.ndarray, carrier: int | None) -> np.ndarray:
    """The distance of each joint from the truth, (…, T, J), in cm."""
    checked_places(name, places)
    if np.shape(truth) != places.shape:
        raise ShapeError(f"{name}: places {places.shape} and truth {np.shape(truth)} must have one shape.")
    finite(name, truth)
    away = np.asarray(places, np.float64) - truth
    if carrier is not None:
        _joint(name, carrier, places.shape[-2])
        away = away - away[..., carrier : carrier + 1, :]
    return 100 * np.linalg.norm(away, axis=-1)


def _difference(name: str, places: np.ndarray, fps: float | Fraction, order: int) -> float:
    """mean ‖difference of that order along time‖ · fps^order."""
    checked_places(name, places, frames=order + 1)
    rate = checked_rate(name, fps)
    return float(np.linalg.norm(np.diff(np.asarray(places, np.float64), order, axis=-3), axis=-1).mean() * rate**order)
