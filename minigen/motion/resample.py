"""Clips at another frame rate, and the windows that are cut out of them."""

from fractions import Fraction

import numpy as np

from minigen.errors import DataError, SettingError
from minigen.motion.rates import as_rate
from minigen.motion.rotations import slerp
from minigen.motion.skeleton import Clip


def resample(clip: Clip, fps: Fraction | float) -> Clip:
    """The clip at `fps` frames a second: rotations by slerp, translations linearly between the two frames around.

    Frame 0 stays frame 0, and the clip lasts as long, to within one new frame; at its own rate it is itself.
    """
    rate = as_rate(fps)
    if rate == clip.fps or not len(clip):
        return clip
    ratio = clip.fps / rate  # old frames to a new one, exactly
    count = int((len(clip) - 1) / ratio) + 1
    steps = [divmod(k * ratio.numerator, ratio.denominator) for k in range(count)]
    before = np.array([whole_frames for whole_frames, _ in steps])
    after = np.minimum(before + 1, len(clip) - 1)
    t = np.array([rest / ratio.denominator for _, rest in steps])
    rotations = slerp(clip.rotations[before], clip.rotations[after], t[:, None])
    a, b = clip.translations[before], clip.translations[after]
    translations = a + (b - a) * t[:, None, None]
    return Clip(clip.skeleton, rotations, translations, rate, clip.name, clip.labels, clip.notes)


def windows(length: int, window: int, stride: int, *, name: str = "the clip") -> np.ndarray:
    """Where windows of `window` frames start in a clip of `length` frames, every `stride` frames: int64, at least one.

    >>> windows(80, 64, 8)
    array([ 0,  8, 16])

    DataError, naming the clip, if it is shorter than a window; SettingError for a window or a stride below 1.
    """
    for setting, value in (("window", window), ("stride", stride)):
        if value < 1:
            raise SettingError(f"{setting} is {value}; it must be at least 1 frame.")
    if length < window:
        raise DataError(
            f"{name}: has {length} frames, fewer than a window of {window}. Leave it out, or choose a smaller --window."
        )
    return np.arange(0, length - window + 1, stride, dtype=np.int64)
