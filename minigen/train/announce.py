"""What is told before training: what is about to happen, and in a dry run how long it would take."""

import time
from collections.abc import Callable
from typing import Any

from minigen import backend
from minigen.data import Batches


def describe(recipe: Any, data: Any, batches: Batches, steps: int, place: str) -> str:
    """What is about to be trained on what, in a few lines."""
    config = recipe.config
    trained = {name: sum(p.size for p in network.parameters()) for name, network in recipe.networks.items()}
    numbers = ", ".join(f"{name} {count:,} weights" for name, count in trained.items())
    start = f"from step {recipe.step_count} " if recipe.step_count else ""
    return (
        f"data: {data.name}, {data.description}, licence {data.licence}\n"
        f"model: {numbers} (width {recipe.width:g}), backend {place}\n"
        f"plan: {start}to step {steps:,}, batch {config.batch}, {steps / max(1, batches.steps_per_epoch):.1f} epochs"
    )


def rehearse(recipe: Any, batches: Batches, steps: int, step: Callable[..., Any]) -> str:
    """Layer tables, memory, and the time that three real steps take; nothing is written."""
    tables = [f"{name}\n{table}" for name, table in recipe.summaries().items()]
    state = sum(a.nbytes for a in recipe.save_state()[0].values())
    took = []
    for _ in range(3):
        began = time.perf_counter()
        step(*[next(batches) for _ in range(recipe.batches_per_step)])
        backend.synchronize()
        took.append(time.perf_counter() - began)
    minutes = min(took) * (steps - recipe.step_count) / 60
    tables.append(
        f"a checkpoint holds {state / 1e6:.1f} MB; a step takes {min(took):.3f} s here, all steps {minutes:.1f} min"
    )
    tables.append("dry run: nothing was made")
    return "\n\n".join(tables)
