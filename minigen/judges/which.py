"""Which judge some data have, by the name that `--data` takes."""

from minigen.data import EFFECTS
from minigen.errors import SettingError
from minigen.judges.motion import Motion
from minigen.judges.subjects import Digits, Rendered, Subject


def subject_of(data: str, side: int, channels: int, frames: int = 1, fps: float = 30) -> Subject | None:
    """What a judge of the data that a specification names would be taught; None where nothing is known of them.

    That is so of images, videos, arrays and BVH files, which are read, and of clips that are not rendered.  Of motion
    `frames` are those of a window, and `fps` is their rate; side and channels are of images.  SettingError for an
    unknown effect.
    """
    kind, _, place = data.partition(":")
    if kind == "effects":
        if place not in EFFECTS:
            raise SettingError(f"{data}: there is no such effect. It is one of {', '.join(EFFECTS)}.")
        return Rendered(data, side, channels, frames)
    if data == "motion":
        return Motion(frames, fps)
    if frames > 1:
        return None
    if kind == "scenes":
        return Rendered(data, side, channels)
    return Digits(place, side, channels) if kind == "mnist" else None
