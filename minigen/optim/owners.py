"""Which optimiser holds which parameter: no two may move one."""

import threading
import weakref
from collections.abc import Iterable, Sequence
from typing import Any

from minigen.autograd import Parameter, Tensor
from minigen.errors import SettingError

_living: "weakref.WeakSet[Any]" = weakref.WeakSet()  # optimisers
_lock = threading.Lock()  # a set must not grow while another thread looks through it


def add(optimiser: Any) -> None:
    """Its parameters are held from now on, until it is gone."""
    with _lock:
        _living.add(optimiser)


def discard(optimiser: Any) -> None:
    """Its parameters are free again."""
    with _lock:
        _living.discard(optimiser)


def checked(parameters: Iterable[Parameter], who: str) -> Sequence[Parameter]:
    """The parameters as a list; SettingError where there are none, one is no trainable leaf, or one is held already."""
    if not isinstance(parameters, Iterable) or isinstance(parameters, Tensor):
        raise SettingError(f"{who}: pass a list of parameters, such as network.parameters().")
    found = list(parameters)
    if not found:
        raise SettingError(f"{who}: there are no parameters to train; is everything frozen?")
    with _lock:
        held = {id(p): other for other in _living for p in other.parameters}
    seen: set[int] = set()
    for i, p in enumerate(found):
        called = getattr(p, "name", None) or f"parameter {i}"
        if not isinstance(p, Tensor) or not p.is_leaf or not p.requires_grad:
            raise SettingError(f"{who}: {called} is no leaf that requires a gradient; pass network.parameters().")
        if id(p) in seen:
            raise SettingError(f"{who}: {called} was passed twice.")
        if id(p) in held:
            raise SettingError(
                f"{who}: {called} is held by {held[id(p)]!r}, and two optimisers never hold one parameter; delete that "
                "one first, or call its release()."
            )
        seen.add(id(p))
    return found
