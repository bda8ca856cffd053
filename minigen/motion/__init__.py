"""Character motion: clips of a skeleton, read from and written to BVH files, and as numbers that a model can learn.

Geometry is NumPy float64 in host memory, y points up, rotations act on column vectors.  Shape letters: T frames, J
joints.

| file | what |
|---|---|
| skeleton.py | Skeleton, Clip, forward kinematics |
| rotations.py | Euler angles, matrices, six numbers; the angle and the way between two rotations |
| rates.py | frame rates as exact fractions |
| hierarchy.py, bvh.py, bvh_write.py | the tree of a BVH file; a whole file read; a clip written |
| folder.py | read_motion: a file or a folder of them, labelled by their names |
| resample.py | another frame rate; windows |
| features.py, scaling.py | 6J + 4 numbers a frame, there and back; brought to a common size |
"""

from minigen.motion.bvh import read_bvh
from minigen.motion.bvh_write import bvh_text, write_bvh
from minigen.motion.features import Carrier, carrier, feature_names, from_features, heading_of, to_features
from minigen.motion.folder import read_motion
from minigen.motion.resample import resample, windows
from minigen.motion.rotations import (
    about_y,
    from_6d,
    from_euler,
    geodesic_angle,
    slerp,
    to_6d,
    to_euler,
    unwrap,
)
from minigen.motion.scaling import Scaling
from minigen.motion.skeleton import Clip, Skeleton, forward_kinematics

__all__ = [
    "Carrier",
    "Clip",
    "Scaling",
    "Skeleton",
    "about_y",
    "bvh_text",
    "carrier",
    "feature_names",
    "forward_kinematics",
    "from_6d",
    "from_euler",
    "from_features",
    "geodesic_angle",
    "heading_of",
    "read_bvh",
    "read_motion",
    "resample",
    "slerp",
    "to_6d",
    "to_euler",
    "to_features",
    "unwrap",
    "windows",
    "write_bvh",
]
