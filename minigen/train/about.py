"""What a recipe has to know of its data besides the numbers; a checkpoint keeps it, so that drawing needs no data.

As plain JSON values: the classes it may be told of; of motion also the skeleton, the frame rate and the scaling.
"""

from fractions import Fraction
from typing import Any

import numpy as np

from minigen.data import Images
from minigen.data.motions import Motions
from minigen.errors import SettingError
from minigen.motion import Carrier, Skeleton
from minigen.motion.scaling import Scaling


def about(data: Images | Motions, condition: str) -> dict[str, Any]:
    """The facts of a data set; SettingError where its items have no such `condition`."""
    facts: dict[str, Any] = {"classes": classes(data, condition)}
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


def labels_of(data: Images | Motions, condition: str) -> np.ndarray:
    """The class of each item as text, (N,); SettingError, with what there is, where items have no such label."""
    found = _labels(data)
    if condition not in found:
        has = f"it has {', '.join(found)}" if found else "it has no labels"
        raise SettingError(
            f"--condition {condition}: {data.name} does not say that of its items; {has}. "
            + ("Choose one of these." if found else "Leave --condition out.")
        )
    return found[condition]


def classes(data: Images | Motions, condition: str) -> list[str]:
    """The names of the classes that a model may be told of, in order; none where condition is none."""
    return [] if condition == "none" else sorted(set(labels_of(data, condition).tolist()))


def class_numbers(data: Images | Motions, condition: str, names: list[str]) -> np.ndarray | None:
    """The place of each item's class among `names`, (N,); None where condition is none.

    SettingError where an item has a class that is not among them: a held-out clip of a style never trained on.
    """
    if condition == "none":
        return None
    labels = labels_of(data, condition)
    strange = sorted(set(labels.tolist()) - set(names))
    if strange:
        raise SettingError(f"--condition {condition}: {', '.join(strange)} does not occur among the items trained on.")
    return np.searchsorted(np.array(names), labels)


def _labels(data: Images | Motions) -> dict[str, np.ndarray]:
    """What can be a condition: the labels of motion; of images the factors that are whole numbers of few values."""
    if isinstance(data, Motions):
        return data.labels
    if data.factors is None:
        return {}
    fields = {
        name: data.factors[name] for name in data.factors.dtype.names or () if data.factors[name].dtype.kind in "iub"
    }
    return {name: values.astype(str) for name, values in fields.items() if 2 <= len(np.unique(values)) <= 256}
