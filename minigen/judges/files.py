"""The judge of some data, and where judges are kept: safetensors, never pickle, written as a whole or not at all."""

import json
import os
import sys
from pathlib import Path

import minigen
from minigen.errors import DataError, MinigenError
from minigen.files import write_atomically
from minigen.judges import training
from minigen.judges.judge import Judge
from minigen.judges.subjects import Subject
from minigen.judges.training import Settings, config_hash, network_of
from minigen.judges.which import subject_of

VARIABLE = "MINIGEN_CACHE"  # names another folder than the user's cache
KEY = "minigen judge"  # in the file's header, where a checkpoint has another


def judge_of(
    data: str,
    side: int,
    channels: int,
    *,
    frames: int = 1,
    fps: float = 30,
    cache: Path | None = None,
    force: bool = False,
) -> Judge | None:
    """The judge of the data that a specification names, as `--data` takes it; None where there can be none.

    Trained and kept at first use, about a minute, with a bar on a terminal; `force` trains it anew.  cache: the folder
    (default: `folder`).  DataError where a kept file is damaged or foreign; otherwise as `subject_of`.
    """
    subject = subject_of(data, side, channels, frames, fps)
    if subject is None:
        return None
    settings = training.SETTINGS
    path = path_of(subject, settings, folder(cache))
    if path.is_file() and not force:
        return load(subject, settings, path)
    print(f"A judge of {subject.data} is trained now, once, and kept as {path}.", file=sys.stderr)
    judge = training.learn(subject, settings)
    save(judge, path)
    return judge


def folder(given: Path | None = None) -> Path:
    """Where judges are kept: `given`, or judges/ in $MINIGEN_CACHE, or in minigen's part of the user's cache."""
    if given is not None:
        return given
    if named := os.environ.get(VARIABLE):
        return Path(named) / "judges"
    import pooch

    return Path(pooch.os_cache("minigen")) / "judges"


def path_of(subject: Subject, settings: Settings, place: Path) -> Path:
    """The file of a judge.  Other settings and another version of minigen have another file."""
    shape = "x".join(map(str, subject.item))
    name = f"{subject.data.replace(':', '-')}-{shape}-{minigen.__version__}-{config_hash(subject, settings)}"
    return place / f"{name}.safetensors"


def save(judge: Judge, path: Path) -> None:
    """Write a judge; DataError where that cannot be done."""
    from safetensors.numpy import save as serialise

    facts = json.dumps({**judge.facts, "hash": judge.hash})
    write_atomically(path, serialise(judge.network.state_dict(), {KEY: facts}))


def load(subject: Subject, settings: Settings, path: Path) -> Judge:
    """Read the judge of a subject; DataError, naming the file and the remedy, where it is damaged or not that one."""
    from safetensors import SafetensorError, safe_open

    remedy = f"Delete it, or train it anew: python -m minigen.judges {subject.data} --force."
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise DataError(f"{path}: damaged or cut short ({str(error).splitlines()[0]}). {remedy}") from error
    try:
        facts = json.loads(header[KEY])
        known = facts["hash"], facts["config_hash"], facts["data_hash"], facts["scores"], facts["baseline"]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: a safetensors file, but not a judge of minigen. {remedy}") from error
    if known[1] != config_hash(subject, settings) or facts.get("minigen") != minigen.__version__:
        raise DataError(f"{path}: a judge of other settings or of another minigen than its name says. {remedy}")
    if known[2] != subject.fingerprint:
        raise DataError(f"{path}: this judge learnt from other data than {subject.data} has now. {remedy}")
    network = network_of(subject, settings)
    try:
        network.load_state_dict(arrays)
    except MinigenError as error:
        raise DataError(f"{path}: its network is not that of a judge of {subject.data} ({error}). {remedy}") from error
    network.eval()
    judge = Judge(subject, network, facts)
    if judge.hash != known[0]:
        raise DataError(f"{path}: its weights are not those that were written. {remedy}")
    return judge
