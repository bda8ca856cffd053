"""What all optimisers share: from gradients to a step, refusing what would spoil the weights."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from minigen import backend
from minigen.autograd import Parameter, Tensor
from minigen.errors import AnomalyError, SettingError, ShapeError
from minigen.ops import astype
from minigen.optim import owners
from minigen.optim.checks import checked_grads, checked_state
from minigen.optim.clipping import norm_of
from minigen.optim.flat import Flat
from minigen.optim.formulas import root
from minigen.optim.watch import Watch

Rate = float | Callable[[int], float]  # a learning rate, or how it follows from the number of updates done


class Progress(NamedTuple):
    """How far steps taken as formulas have come: `steps` as in Optimiser, and a tuple of state for each parameter."""

    steps: int
    state: list[tuple[Any, ...]]


class Optimiser:
    """Moves parameters against their gradients: `optimiser.update(minigen.grad(loss, parameters))`.

    parameters: what requires a gradient, in an order that is kept; each belongs to one optimiser only.
    learning_rate: a number, or a schedule (the number of updates done so far → a number); may be assigned.
    weight_decay: λ, which adds λ w to the gradient (½ λ ‖w‖² to the loss).  clip_norm: if given, a gradient whose
    norm over all parameters is longer is shortened to it.  SettingError where an argument is out of bounds.

    Weights and state lie in flat arrays of which the parameters are views; `steps` counts updates.
    """

    state_names: tuple[str, ...] = ()  # what is kept for each weight
    decoupled: ClassVar[bool] = False  # does weight decay shrink the weights directly, past the gradient?
    watches: ClassVar[bool] = False  # is there a _move_watched?

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: Rate,
        *,
        weight_decay: float = 0.0,
        clip_norm: float | None = None,
    ):
        self.parameters = owners.checked(parameters, type(self).__name__)
        self.learning_rate = learning_rate
        self.weight_decay, self.clip_norm = weight_decay, clip_norm
        self.steps = 0
        self._rate = 0.0  # of the last update
        self._at_least_0(weight_decay=weight_decay, learning_rate=self.rate)
        if clip_norm is not None and not clip_norm > 0:
            raise SettingError(f"{type(self).__name__}: clip_norm={clip_norm} must be above 0, or None.")
        kinds: dict[tuple[Any, Any], list[int]] = {}
        for i, p in enumerate(self.parameters):
            kinds.setdefault((p.dtype, backend.array_module(p.data)), []).append(i)
        self._flats = [Flat(at, [self.parameters[i] for i in at], self.state_names) for at in kinds.values()]
        known = self.watches and len(self._flats) == 1 and backend.name_of(self._flats[0].module) != "numpy"
        self._watch = Watch(self._flats[0]) if known else None
        owners.add(self)

    def _at_least_0(self, **settings: float) -> None:
        for name, value in settings.items():
            if not 0 <= value < math.inf:
                raise SettingError(f"{type(self).__name__}: {name}={value} must be a number ≥ 0.")

    def _shares(self, **settings: float) -> None:
        for name, value in settings.items():
            if not 0 <= value < 1:
                raise SettingError(f"{type(self).__name__}: {name}={value} must lie in [0, 1).")

    @property
    def rate(self) -> float:
        """The learning rate of the next update; SettingError where it is no number ≥ 0."""
        rate = self.learning_rate(self.steps) if callable(self.learning_rate) else self.learning_rate
        rate = float(rate)  # a weak number: a NumPy scalar would widen float32 weights
        if not 0 <= rate < math.inf:
            raise SettingError(
                f"{type(self).__name__}: learning rate {rate} at step {self.steps} must be a number ≥ 0."
            )
        return rate

    # Moving ---------------------------------------------------------------------------------------------------------

    def update(self, grads: Iterable[Any]) -> None:
        """One step.  grads: one tensor or array for each parameter, in their order and shapes.

        ShapeError where they do not fit; AnomalyError naming the first parameter whose gradient holds a NaN or an
        infinity; in both cases nothing has changed.  Losses computed before refuse a derivative afterwards.

        On a GPU Adam and AdamW without clip_norm do not wait for the answer: such an update changes nothing, nor does
        any after it, and the AnomalyError comes when the host looks, every 50 updates and before the state is read
        (`state_dict`, `formula_step`, `release`).  `steps` is then what it was before the faulty update.
        """
        rows = checked_grads(grads, self.parameters, type(self).__name__)
        for flat in self._flats:
            flat.adopt()
        if self.clip_norm is not None and self._watch is not None:  # the norm is waited for, and tells as much
            self._look()
            self._watch = None
        if (watch := self._watch) is not None:
            backend.each_time(lambda: self._look(always=False))
        for flat in self._flats:
            if watch is None and (fault := flat.faulty(rows)) is not None:
                raise self._refusal(fault, self.steps + 1)
        shorter = 1.0
        if self.clip_norm is not None and (norm := norm_of(rows)) > self.clip_norm:
            shorter = self.clip_norm / norm
        backend.each_time(self._advance)
        for flat in self._flats:
            for block in flat.blocks:
                w, g = flat.weights[block.where], flat.gradient(rows, block)
                spare, state = flat.spare[: w.size], [array[block.where] for array in flat.state.values()]
                if watch is not None:
                    self._move_watched(w, g, spare, watch, *state)
                    continue
                if shorter != 1:
                    g *= shorter
                self._decay(w, g, spare, self._rate)
                self._move(w, g, spare, self._rate, *state)

    def _advance(self) -> None:
        """Count an update that is about to be made, at the rate that the updates before ask for."""
        self._rate = self.rate
        self.steps += 1
        for p in self.parameters:
            p.version += 1

    def _look(self, always: bool = True) -> None:
        """AnomalyError where an update since the last look was refused; looks if it is time to, or `always`."""
        if self._watch is None or not (always or self._watch.due(self.steps)):
            return
        done = self.steps
        if (fault := self._watch.look(done)) is not None:
            self.steps = fault.step - 1
            raise self._refusal(fault.parameter, fault.step, since=done - fault.step)

    def _refusal(self, p: Parameter, step: int, since: int = 0) -> AnomalyError:
        later = f", in it or in the {since} updates since" if since else ""
        return AnomalyError(
            f"the gradient of {p.name or 'a parameter'} holds a NaN or an infinity at step {step}; nothing was changed"
            f"{later}. Lower the learning rate, or find where it was born with minigen.detect_anomaly()."
        )

    def step(self) -> None:
        """One step with what `backward` left in `grad`, as in PyTorch."""
        self.update([p.grad for p in self.parameters])

    def zero_grad(self) -> None:
        """Forget what `backward` left in `grad`."""
        for p in self.parameters:
            p.grad = None

    def _decay(self, w: Any, g: Any, spare: Any, rate: float) -> None:
        if self.weight_decay and self.decoupled:
            w *= 1 - rate * self.weight_decay
        elif self.weight_decay:
            xp = backend.array_module(w)
            xp.multiply(w, self.weight_decay, out=spare)
            g += spare

    def _move(self, w: Any, g: Any, spare: Any, rate: float, *state: Any) -> None:
        """Change w and the state (in the order of `state_names`) in place; g and spare may be used up."""
        raise NotImplementedError

    def _move_watched(self, w: Any, g: Any, spare: Any, watch: Watch, *state: Any) -> None:
        """Decay and move where g is a number everywhere and always was; else note it in `watch` and change nothing."""
        raise NotImplementedError

    # Moving on paper ------------------------------------------------------------------------------------------------

    def formula_step(
        self, weights: Sequence[Any], grads: Sequence[Any], progress: Progress | None = None
    ) -> tuple[list[Any], Progress]:
        """What `update` would make of other weights, as a formula on tensors that can be differentiated.

        weights, grads: one tensor for each of `parameters`, in their order; where a gradient is None the weight stays.
        progress: what the step before returned; None starts from the optimiser's own state.  Returns (weights,
        progress); nothing of the optimiser changes.  Every step takes the present learning rate.  ShapeError where
        the counts differ, SettingError where the method has no formula.
        """
        if not len(weights) == len(grads) == len(self.parameters):
            raise ShapeError(
                f"{type(self).__name__}.formula_step: {len(weights)} weights and {len(grads)} gradients came for "
                f"{len(self.parameters)} parameters; pass one of each, and None where a weight stays."
            )
        if progress is None:  # copies: an update would change the optimiser's own arrays under the graph
            self._look()
            kinds = [self._shaped(name) for name in self.state_names]
            at = range(len(self.parameters))
            progress = Progress(self.steps, [tuple(Tensor(kind[i].copy()) for kind in kinds) for i in at])
        rate, steps, moved, kept = self.rate, progress.steps + 1, [], []
        for w, g, state in zip(weights, self._shortened(grads), progress.state, strict=True):
            if g is not None:
                if self.weight_decay and self.decoupled:
                    w = w * (1 - rate * self.weight_decay)
                elif self.weight_decay:
                    g = g + self.weight_decay * w
                w, *after = self._formula(w, g, *state, step=steps, rate=rate)
            moved.append(w)
            kept.append(state if g is None else tuple(after))
        return moved, Progress(steps, kept)

    def _shortened(self, grads: Sequence[Any]) -> list[Any]:
        """The gradients within `clip_norm`, the factor being part of the formula."""
        if self.clip_norm is None:
            return list(grads)
        wide = [astype(g, dtype="float64") for g in grads if g is not None]  # float32 squares overflow from 2e19
        norm = root(sum((g * g).sum() for g in wide))
        if not float(norm) > self.clip_norm:
            return list(grads)
        return [g if g is None else g * astype(self.clip_norm / norm, dtype=g.dtype) for g in grads]

    def _formula(self, w: Any, g: Any, *state: Any, step: int, rate: float) -> tuple[Any, ...]:
        """(w, *state) after step number `step`, from 1; a method of `formulas`."""
        raise SettingError(
            f"{type(self).__name__} has no step as a formula; SGD, Adam, AdamW, RMSProp and Adagrad have."
        )

    # Saving, loading, letting go ------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray]:
        """Host copies: "steps", and "m.0", "m.1", … for each kind of state, one for each parameter.

        AnomalyError where an update since the last look was refused; see `update`.
        """
        self._look()
        state = {"steps": np.array(self.steps)}
        for name in self.state_names:
            arrays = self._shaped(name)
            state.update({f"{name}.{i}": np.array(backend.to_host(array)) for i, array in enumerate(arrays)})
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put back what `state_dict` gave; DataError naming what does not fit, and no change, where it is another's."""
        own = {f"{name}.{i}": array for name in self.state_names for i, array in enumerate(self._shaped(name))}
        arrays, steps = checked_state(state, own, type(self).__name__)
        for name, view in own.items():
            view[...] = backend.to_device(arrays[name].astype(view.dtype), backend.array_module(view))
        self.steps = steps
        if self._watch is not None:
            self._watch.reset(steps)

    def _shaped(self, name: str) -> list[Any]:
        """One kind of state, shaped like the parameters and in their order."""
        shaped: list[Any] = [None] * len(self.parameters)
        for flat in self._flats:
            for place, view in zip(flat.places, flat.views(flat.state[name]), strict=True):
                shaped[place] = view
        return shaped

    def release(self) -> None:
        """Let go of the parameters, so that another optimiser may take them; this one can do nothing more.

        AnomalyError, once that is done, where an update since the last look was refused; see `update`.
        """
        try:
            self._look()
        finally:
            for flat in self._flats:
                flat.release()
            self.parameters, self._flats, self._watch = [], [], None
            owners.discard(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(
            f"{type(self).__name__} cannot be copied, because a parameter belongs to one optimiser; make a new one and "
            "load_state_dict(other.state_dict())."
        )

    def __repr__(self) -> str:
        count = sum(p.size for p in self.parameters)
        return f"{type(self).__name__}({count:,} numbers, learning_rate={self.learning_rate}, steps={self.steps})"
