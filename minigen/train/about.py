"""What a recipe has to know of its data besides the numbers; a checkpoint keeps it, so that drawing needs no data.

As plain JSON values: the classes or factors it may be told; of motion also the skeleton, the frame rate and the
scaling; of clips of a film its frame rate.
"""

from fractions import Fraction
from typing import Any

import numpy as np

from minigen.data import Clips, Images
from minigen.data.motions import Motions
from minigen.motion import Carrier, Skeleton
from minigen.motion.scaling import Scaling
from minigen.train.condition import Condition


def about(data: Images | Clips | Motions, condition: str) -> dict[str, Any]:
    """The facts of a data set; SettingError where its items have no such `condition`."""
    facts = Condition.of(data, condition).as_facts()
    if isinstance(data, Clips) and data.fps is not None:
        facts["fps"] = str(data.fps)
    if isinstance(data, Motions):
        skeleton = data.skeleton
        facts |= {
            "skeleton": {
                "names": skeleton.names,
                "parents": skeleton.parents,
                "offsets": skeleton.offsets.tolist(),
                "channels": skeleton.channels,
                "ends": {str(joint): list(map(float, offset)) for joint, offset in skeleton.ends.items()},
                "metres": skeleton.metres,
            },
            "carrier": {
                "joint": data.carrier.joint,
                "sides": data.carrier.sides,
                "translations": data.carrier.translations.tolist(),
            },
            "fps": str(data.fps),
            "scaling": Scaling.of(data.items, len(skeleton)).as_json(),
        }
    return facts


def body_of(facts: dict[str, Any]) -> tuple[Skeleton, Carrier, Fraction, Scaling]:
    """Skeleton, carrier, frames a second and scaling of a run of motion."""
    s, c = facts["skeleton"], facts["carrier"]
    skeleton = Skeleton(
        tuple(s["names"]),
        tuple(s["parents"]),
        np.array(s["offsets"], np.float64),
        tuple(map(tuple, s["channels"])),
        {int(joint): tuple(offset) for joint, offset in s["ends"].items()},
        s["metres"],
    )
    sides = None if c["sides"] is None else tuple(c["sides"])
    carrier = Carrier(int(c["joint"]), sides, np.array(c["translations"], np.float64))
    return skeleton, carrier, Fraction(facts["fps"]), Scaling.from_json(facts["scaling"])
