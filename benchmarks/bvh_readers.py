"""Three readers of BVH files side by side, as the Markdown tables of docs/motion.md: minigen's, bvhio's, pybvh's.

python benchmarks/bvh_readers.py FOLDER      # a folder of real clips, such as Bandai-Namco's
"""

import argparse
import math
import re
import signal
import statistics
import sys
import tempfile
import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from minigen.errors import DataError
from minigen.motion import Clip, Skeleton, forward_kinematics, geodesic_angle, read_bvh, write_bvh

Z_X_Y = "Zrotation Xrotation Yrotation"
SIX = f"CHANNELS 6 Xposition Yposition Zposition {Z_X_Y}"


def tree(root=SIX, joint=f"CHANNELS 3 {Z_X_Y}", name="Spine", close="}"):
    end = "End Site\n{\nOFFSET 0 9 0\n}"
    return (
        f"HIERARCHY\nROOT Hips\n{{\nOFFSET 0 90 0\n{root}\nJOINT {name}\n{{\nOFFSET 0 50 0\n{joint}\n{end}\n}}\n{close}"
    )


def motion(*rows, frames=None, time="Frame Time: 0.0333333"):
    return "\n".join(["MOTION", f"Frames: {len(rows) if frames is None else frames}", time, *rows, ""])


NINE = "0 90 0 10 20 30 40 50 60"
GOOD = {
    "each joint its own channel order": f"{tree(joint='CHANNELS 3 Yrotation Zrotation Xrotation')}\n{motion(NINE)}",
    "rotations before positions": (
        f"{tree(root=f'CHANNELS 6 {Z_X_Y} Xposition Yposition Zposition')}\n{motion('10 20 30 0 90 0 40 50 60')}"
    ),
    "six channels on every joint": f"{tree(joint=SIX)}\n{motion('0 90 0 10 20 30 1 55 2 40 50 60')}",
    "a root without positions": f"{tree(root=f'CHANNELS 3 {Z_X_Y}')}\n{motion('10 20 30 40 50 60')}",
    "a joint that turns about one axis": f"{tree(joint='CHANNELS 1 Xrotation')}\n{motion('0 90 0 10 20 30 40')}",
    "tabs, CRLF, byte order mark": "\ufeff" + f"{tree()}\n{motion(NINE)}".replace(" ", "\t").replace("\n", "\r\n"),
    "23.976 frames a second": f"{tree()}\n{motion(NINE, time='Frame Time: 0.0417083')}",
}
BAD = {
    "frame cut short": f"{tree()}\n{motion(NINE, '0 90 0 10')}",
    "frame broken over two lines": f"{tree()}\n{motion('0 90 0 10 20 30', '40 50 60', frames=1)}",
    "numbers beyond the channels": f"{tree()}\n{motion(NINE + ' 70')}",
    "fewer frames than announced": f"{tree()}\n{motion(NINE, frames=2)}",
    "more frames than announced": f"{tree()}\n{motion(NINE, NINE, frames=1)}",
    "not a number": f"{tree()}\n{motion(NINE.replace('50', 'nan'))}",
    "Frame Time 0": f"{tree()}\n{motion(NINE, time='Frame Time: 0')}",
    "unknown channel": f"{tree(joint='CHANNELS 3 Zrotation Xrotation Wrotation')}\n{motion(NINE)}",
    "two joints of one name": f"{tree(name='Hips')}\n{motion(NINE)}",
    "a brace missing": f"{tree(close='')}\n{motion(NINE)}",
    "no MOTION": tree(),
    "empty file": "",
}


# The readers: a path → places (T, J, 3), frames a second --------------------------------------------------------------


def by_minigen(path):
    clip = read_bvh(path, unit="cm")
    return clip.places, float(clip.fps)


def by_bvhio(path):
    import bvhio

    file = bvhio.readAsBvh(str(path))
    joints = [joint for joint, _, _ in file.Root.layout()]
    parents = {child.Name: j for j, joint in enumerate(joints) for child in joint.Children}
    translations = np.array([[list(key.Position) for key in joint.Keyframes] for joint in joints], float)
    q = np.array([[key.Rotation.to_list() for key in joint.Keyframes] for joint in joints], float)
    w, x, y, z = np.moveaxis(q, -1, 0)
    rows = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)]
    rows += [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)]
    rows += [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    rotations = np.stack(rows, axis=-1).reshape(*w.shape, 3, 3)
    tree = tuple(parents.get(joint.Name, -1) for joint in joints)
    return forward_kinematics(tree, np.swapaxes(rotations, 0, 1), np.swapaxes(translations, 0, 1))[
        1
    ], 1 / file.FrameTime


def by_pybvh(path):
    import pybvh

    clip = pybvh.read_bvh_file(path, world_up="+y")
    return clip.joint_positions(), clip.fps


def rewritten_by_bvhio(path, out):
    import bvhio

    bvhio.writeBvh(str(out), bvhio.readAsBvh(str(path)))


def rewritten_by_pybvh(path, out):
    import pybvh

    pybvh.read_bvh_file(path, world_up="+y").write(out)


def rewritten_by_minigen(path, out):
    write_bvh(out, read_bvh(path, unit="cm"), force=True)


READERS = {
    "minigen": (by_minigen, rewritten_by_minigen),
    "bvhio": (by_bvhio, rewritten_by_bvhio),
    "pybvh": (by_pybvh, rewritten_by_pybvh),
}


# What is measured -----------------------------------------------------------------------------------------------------


def attempt(act, *arguments):
    """(what act gives, "") or (None, how it failed); after five seconds it hangs."""

    def give_up(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(5)
    try:
        return act(*arguments), ""
    except TimeoutError:
        return None, "hangs"
    except DataError as error:
        return None, "refused, line named" if ", line " in str(error) else "refused"
    except Exception as error:  # whatever a library raises is its answer
        line = ", line named" if re.search(r"\bline \d", str(error)) else ""
        return None, f"{type(error).__name__}{line}"
    finally:
        signal.alarm(0)


def reading(read, path):
    """How far the places are from minigen's, and the frame rate from its own; or how it failed."""
    got, failure = attempt(read, path)
    if failure:
        return failure
    places, fps = by_minigen(path)
    if got[0].shape != places.shape:
        return f"read, but {got[0].shape[:2]}"
    off = float(np.abs(got[0] - places).max())
    right = "right" if off < 1e-2 else f"**wrong** by {off:.3g} cm"
    return right if math.isclose(got[1], fps, rel_tol=1e-9) else f"{right}; {got[1]:.7g} fps"


def real_clips(read, rewrite, paths, out):
    """How many clips are read, the largest error in reading, and in writing and reading again by minigen."""
    got = [(path, places) for path in paths if (places := attempt(read, path)[0])]
    if not got:
        return f"0 of {len(paths)}", "–", "–", "–"
    off = max(float(np.abs(places - by_minigen(path)[0]).max()) for path, (places, _) in got)
    far, turned, failure = 0.0, 0.0, ""
    for path, _ in got:
        failure = attempt(rewrite, path, out)[1]
        if failure:
            break
        a, b = read_bvh(path, unit="cm"), read_bvh(out, unit="cm")
        far = max(far, float(np.abs(a.places - b.places).max()))
        turned = max(turned, float(geodesic_angle(a.rotations, b.rotations).max()))
    there_and_back = (failure, failure) if failure else (f"{far:.1e} cm", f"{turned:.1e}°")
    return f"{len(got)} of {len(paths)}", f"{off:.1e} cm", *there_and_back


def seconds(act, *arguments):
    """The median of five runs, in the processor's own time, after one that does not count."""
    times = []
    for _ in range(6):
        before = time.process_time()
        act(*arguments)
        times.append(time.process_time() - before)
    return statistics.median(times[1:])


def from_body(clip):
    """The clip with the joint at which its tree branches as the root: pybvh takes positions on the root alone."""
    s, n = clip.skeleton, clip.skeleton.body
    parents = tuple(parent - n for parent in s.parents[n:])
    ends = {j - n: end for j, end in s.ends.items()}
    skeleton = Skeleton(s.names[n:], (-1, *parents[1:]), s.offsets[n:], s.channels[n:], ends, s.metres)
    return Clip(skeleton, clip.rotations[:, n:], clip.translations[:, n:], clip.fps, clip.name)


def table(title, head, rows):
    print(f"\n{title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def main():
    """Hold every reader that is installed against the clips of the folder, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    paths = sorted(parser.parse_args().folder.glob("*.bvh"))
    if not paths:
        parser.error("FOLDER has no .bvh files; name one that has.")
    warnings.simplefilter("ignore")
    readers = dict(READERS)
    for name in ("bvhio", "pybvh"):
        try:
            print(f"{name} {version(name)}", end="; ")
        except PackageNotFoundError:
            print(f"{name} is not installed and is left out", end="; ")
            del readers[name]
    print(f"NumPy {version('numpy')}, Python {sys.version.split()[0]}")
    head = ["", *readers]
    with tempfile.TemporaryDirectory() as folder:
        out, trap = Path(folder) / "out.bvh", Path(folder) / "trap.bvh"
        columns = [real_clips(*pair, paths, out) for pair in readers.values()]
        names = ("clips read", "places against minigen's", "written and read again: places", "… and rotations")
        table(
            "Real clips", head, [(name, *cells) for name, cells in zip(names, zip(*columns, strict=True), strict=True)]
        )

        longest = max((read_bvh(path, unit="cm") for path in paths), key=len)
        write_bvh(trap, from_body(longest), force=True)
        rows = [("places against minigen's", *(reading(read, trap) for read, _ in readers.values()))]
        rows.append(("read (s)", *(f"{seconds(read, trap):.3f}" for read, _ in readers.values())))
        rows.append(
            ("read and written (s)", *(f"{seconds(rewrite, trap, out):.3f}" for _, rewrite in readers.values()))
        )
        C = sum(map(len, read_bvh(trap, unit="cm").skeleton.channels))
        table(f"The longest, {len(longest)} frames of {C} channels, positions on the root alone", head, rows)

        for title, files in (("Files that are right", GOOD), ("Files that are wrong", BAD)):
            rows = []
            for name, text in files.items():
                trap.write_bytes(text.encode())
                answers = [
                    reading(read, trap) if files is GOOD else attempt(read, trap)[1] for read, _ in readers.values()
                ]
                rows.append((name, *(answer or "**accepted**" for answer in answers)))
            table(title, head, rows)


if __name__ == "__main__":
    main()
