"""What kind of file `python -m minigen.sample` is asked for, by its ending, and whether it can hold what is drawn."""

from pathlib import Path

from minigen.errors import SettingError
from minigen.train import animation

MOST_FIGURES = 100  # in one picture; more could neither be told apart nor held in memory


def of_images(out: Path, moving: bool) -> str:
    """ "grid", "film", "exr", "sheet" or "arrays"; SettingError where the ending is none, or does not fit."""
    ending = out.suffix.lower()
    if ending in (".npy", ".npz"):
        return "arrays"
    if ending == ".json" and not moving:
        raise SettingError(f"--out {out}: a sprite sheet is a film; add --walk or --loop, or write .png.")
    if ending in (".exr", ".json"):
        return ending[1:].replace("json", "sheet")
    kind = animation.kind_of(out)
    if kind is None and ending != ".png":
        raise SettingError(f"--out {out}: write .png, .gif, .mp4, name.####.png, name.####.exr, .json, .npy or .npz.")
    if moving and kind is None:
        raise SettingError(f"--out {out}: a film is no single picture; end it in {animation.ENDINGS}.")
    if not moving and kind in ("gif", "mp4"):
        raise SettingError(f"--out {out}: a film needs --walk or --loop; without them write .png.")
    return "grid" if kind is None else "film"


def of_clips(out: Path, count: int) -> str:
    """ "strips", "film", "exr", "sheet" or "arrays"; SettingError where the ending is none, or holds one clip only."""
    ending = out.suffix.lower()
    if ending == ".png" and "#" not in out.name:
        return "strips"
    kind = of_images(out, moving=True)
    if count > 1 and "#" in out.name and kind in ("film", "exr"):
        raise SettingError(
            f"--out {out}: there are {count} clips, and numbered frames are of one; put {{seed}} into the name, as in "
            f"{out.stem.split('.')[0]}.{{seed}}.####{ending}, or ask for one seed."
        )
    return kind


def of_motion(out: Path, loop: bool, count: int) -> str:
    """ "bvh", "film", "strips" or "arrays"; SettingError where the ending is none, or cannot hold so many clips."""
    ending = out.suffix.lower()
    several = f"--out {out}: there are {count} clips"
    if ending == ".bvh":
        if count > 1 and "#" not in out.name:
            raise SettingError(f"{several}, and a BVH file holds one; write {out.stem}.####.bvh, or ask for one seed.")
        return "bvh"
    if ending in (".npy", ".npz"):
        if loop and count > 1:
            raise SettingError(f"{several}, and loops differ in length; write {out.stem}.####.bvh, or one seed.")
        return "arrays"
    kind = animation.kind_of(out)
    if kind is None and ending != ".png":
        raise SettingError(f"--out {out}: write .bvh, name.####.bvh, .gif, .mp4, .png, name.####.png, .npy or .npz.")
    if count > MOST_FIGURES:
        raise SettingError(f"{several}, and a picture holds {MOST_FIGURES}; write name.####.bvh or .npz, or fewer.")
    return "strips" if kind is None else "film"
