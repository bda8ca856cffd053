"""What samples of images, clips and motion are worth: close to real ones, varied, no copies, and as asked for.

Every table has, beside the model's samples, real items that were not trained on (the floor), what needs no network,
and training items handed out as samples.

| file | what |
|---|---|
| drawn.py | the samples, the baselines and the real items |
| drawn_motion.py | the same of windows of motion |
| close.py | fid_clf, also of single frames of clips, KID, 1-NN accuracy |
| diverse.py | coverage of factors and digits; validity; of motion mean distances |
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
from minigen.evaluate_samples.drawn import Drawn, asked_of, draw
from minigen.evaluate_samples.drawn_motion import draw_motion
from minigen.evaluate_samples.latents import disentangled
from minigen.evaluate_samples.moving import movement
from minigen.judges import Judge, Rendered, judge_of
from minigen.train.table import Table

__all__ = ["sample_tables"]

SAMPLES = {3: 1000, 4: 1000, 5: 200}  # by axes of the items: motion, images, clips


def sample_tables(recipe: Any, source: Any, options: Any) -> tuple[list[Table], dict[str, Any]]:
    """(the tables, the facts that belong to them) of a trained GAN or VAE of images, clips or motion."""
    kind = asked_of(recipe.config)
    axes = source.data.items.ndim
    judge = judge_of(**kind, cache=options.cache)
    frame_judge = judge_of(**{**kind, "frames": 1}, cache=options.cache) if judge is not None and axes == 5 else None
    count = options.samples or SAMPLES[axes]
    drawn: Drawn
    if axes == 3:
        drawn = draw_motion(recipe, source, count, options.seed, judge)
    else:
        drawn = draw(recipe, source, count, options.seed, judge, frame_judge)
    tables: list[Table] = [closeness(drawn, options.seed), *diversity(drawn), copied(drawn), *movement(drawn)]
    tables += obedience(recipe, drawn, options.seed)
    if judge is not None and isinstance(judge.subject, Rendered) and hasattr(recipe, "codes"):
        tables += disentangled(recipe, source, judge.subject)
    facts = {
        "samples": drawn.count,
        "n_fake": drawn.count,
        "n_real": len(drawn.real.reference),
        "weights": "averaged and raw" if getattr(recipe, "average", None) else "raw",
        "judge": _facts(judge),
    }
    if frame_judge is not None:
        facts["judge_of_frames"] = _facts(frame_judge)
    return tables, facts


def _facts(judge: Judge | None) -> dict[str, Any] | None:
    """What must stand beside the numbers that a judge found."""
    if judge is None:
        return None
    return {"hash": judge.hash, **{k: v for k, v in judge.facts.items() if k not in ("config", "hash")}}
