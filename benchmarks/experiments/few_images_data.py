"""What the parts of `few_images` share: the images that a seed takes, and the files of results, a line for each run."""

import os
from typing import Any

import numpy as np

from minigen.data import Images, open_data
from minigen.errors import SettingError

COUNTS = (100, 1_000, 10_000)
RESULTS = "few_images.jsonl"  # a line for each run
MEASURES = "few_images_measures.jsonl"  # a line for each set of images measured: of a run, of its rivals, the floor


def kind_of(data: str) -> str:
    """scenes or mnist: what results are filed under, whatever folder the digits lie in."""
    kind = data.partition(":")[0]
    if kind not in ("scenes", "mnist"):
        raise SettingError(f"--data {data}: this experiment knows scenes and mnist:FOLDER.")
    return kind


def located(data: str) -> str:
    """The specification as `open_data` takes it: mnist without a folder is the one of MINIGEN_TEST_DATA."""
    root = os.environ.get("MINIGEN_TEST_DATA")
    return f"mnist:{root}/mnist" if data == "mnist" and root else data


def images(data: str, count: int, seed: int) -> Images:
    """`count` images to learn from, as the seed takes them, at most 10,000; fewer of a seed are the first of more."""
    if kind_of(data) == "scenes":
        return open_data("scenes", count=count, seed=seed)
    every = open_data(located(data), count=max(COUNTS))  # the first 10,000: judges of digits learn from the others
    return every.take(np.random.default_rng([seed, 3]).permutation(len(every))[:count])


# Lines of results -----------------------------------------------------------------------------------------------------


def name_of(row: dict[str, Any]) -> str:
    """A run's name in the working folder."""
    return f"{row['data']}-{row['count']}-seed{row['seed']}-steps{row['steps']}"
