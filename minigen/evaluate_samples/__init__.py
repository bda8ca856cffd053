"""What samples of images and clips are worth: close to real ones, varied, no copies, and as asked for.

Every table has, beside the model's samples, real items that were not trained on (the floor), what needs no network,
and training items handed out as samples.

| file | what |
|---|---|
| drawn.py | the samples, the baselines and the real items |
| close.py | fid_clf, KID, 1-NN accuracy |
| diverse.py | coverage of factors and digits; validity |
| copying.py | nearest training items, near duplicates |
| asked.py | conditional models: classes and factors that were asked for |
| moving.py | clips: seams, energy, flicker |
| latents.py | VAEs: which factors the latents hold |
"""

from typing import Any

from minigen.evaluate_samples.asked import obedience
from minigen.evaluate_samples.close import closeness
from minigen.evaluate_samples.copying import copied
from minigen.evaluate_samples.diverse import diversity
from minigen.evaluate_samples.drawn import draw
from minigen.evaluate_samples.latents import disentangled
from minigen.evaluate_samples.moving import movement
from minigen.judges import Rendered, judge_of
from minigen.train.table import Table

__all__ = ["sample_tables"]

SAMPLES = {4: 1000, 5: 200}  # by axes of the items: images, clips


def sample_tables(recipe: Any, source: Any, options: Any) -> tuple[list[Table], dict[str, Any]]:
    """(the tables, the facts that belong to them) of a trained GAN or VAE of images or clips."""
    config = recipe.config
    frames = getattr(config, "frames", 1)
    judge = judge_of(config.data, config.size, config.channels, frames=frames, cache=options.cache)
    count = options.samples or SAMPLES[source.data.items.ndim]
    drawn = draw(recipe, source, count, options.seed, judge)
    tables: list[Table] = [closeness(drawn, options.seed), *diversity(drawn), copied(drawn), *movement(drawn)]
    tables += obedience(recipe, drawn, options.seed)
    if judge is not None and isinstance(judge.subject, Rendered) and hasattr(recipe, "codes"):
        tables += disentangled(recipe, source, judge.subject)
    facts = {
        "samples": drawn.count,
        "n_fake": drawn.count,
        "n_real": len(drawn.real.reference),
        "weights": "averaged and raw" if getattr(recipe, "average", None) else "raw",
        "judge": None
        if judge is None
        else {"hash": judge.hash, **{k: v for k, v in judge.facts.items() if k not in ("config", "hash")}},
    }
    return tables, facts
