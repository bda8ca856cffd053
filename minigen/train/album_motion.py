"""The pictures of a VAE of motion, and the BVH files that it leaves: moving skeletons instead of images."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

import numpy as np

from minigen.motion import Clip, resample, write_bvh
from minigen.motion.loops import SHORTEST, seamless
from minigen.train import charts, pictures
from minigen.train.album import Album, Metrics
from minigen.train.album_vae import dimensions, latents_said, measured
from minigen.train.gif import gif_rate, save_gif
from minigen.train.loop_films import in_step
from minigen.train.stick import film_wall, overlay_film, stick_film, strip_wall

STEPS = 7  # clips from one to another
PAIRS = 3  # reconstructions shown


class MotionAlbum(Album):
    """Strips of samples while training; at the end films of samples, reconstructions, a way between two clips, a loop.

    Samples are also written as BVH, with the skeleton, frame rate and unit of the clips learnt from.
    """

    shown: ClassVar[int] = 8

    def begin(self) -> None:
        clips = [self.source.data.clip(int(i)) for i in self.some(self.shown)]  # type: ignore[union-attr]
        self._save("reals.gif", film_wall(self._shown(clips)))
        pictures.save_png(self.run / "reals.png", strip_wall(clips[:4]))

    def draw(self, samples: np.ndarray) -> None:
        path = self.run / "samples" / f"step_{self.recipe.step_count:06d}.png"
        clips = list(self.recipe.clips(samples[:4]))
        pictures.save_png(path, strip_wall(clips, labels=self._names(4)))

    def finish(self, metrics: Metrics) -> None:
        run, recipe = self.run, self.recipe
        frames = _one_size([pictures.read_png(path) for path in sorted((run / "samples").glob("step_*.png"))])
        save_gif(run / "training.gif", [*frames, *frames[-1:] * 6], fps=6)
        charts.vae_curves(run / "curves.png", metrics, recipe.reading, "window")

        clips = list(recipe.clips(self.samples()))
        self._save("samples.gif", film_wall(self._shown(clips)))
        (run / "bvh").mkdir(exist_ok=True)
        for i, clip in enumerate(clips):
            write_bvh(run / "bvh" / f"sample_{i:02d}.bvh", clip, force=True)
        loop = seamless(clips[0], min(SHORTEST, 0.5 * len(clips[0]) / float(recipe.fps)), recipe.carrier)
        write_bvh(run / "bvh" / "loop_00.bvh", loop, force=True)
        self._save("loop.gif", stick_film(in_step(self._shown([loop]), recipe.carrier)[0]))

        x, classes = measured(self.source, recipe)
        mu, logvar = recipe.codes(x, classes)
        dimensions(recipe, mu, logvar, run, "window")
        self._reconstructions(x, classes)
        self._between(mu, classes)
        if recipe.classes:
            self._styles(mu)

    def _reconstructions(self, x: np.ndarray, classes: np.ndarray | None) -> None:
        """Held-out windows, far apart from each other, in grey, and what the network makes of them over them."""
        chosen = np.linspace(0, len(x) - 1, PAIRS).astype(int)
        made = self.recipe.reconstruct(x[chosen], None if classes is None else classes[chosen])
        rows = [
            np.stack(list(overlay_film(one, two, align=True)))
            for one, two in zip(*(self._shown(self.recipe.clips(f)) for f in (x[chosen], made)), strict=True)
        ]
        self._save("reconstructions.gif", np.concatenate(rows, axis=1))

    def _between(self, mu: np.ndarray, classes: np.ndarray | None) -> None:
        """From the first measured window to the last, along a straight line between their codes."""
        t = np.linspace(0, 1, STEPS, dtype=np.float32)[:, None]
        z = (1 - t) * mu[0] + t * mu[-1]
        which = None if classes is None else np.repeat(classes[:1], STEPS)
        clips = list(self.recipe.clips(self.recipe.generate(z, which), "between"))
        self._save("interpolation.gif", film_wall(self._shown(clips), columns=STEPS))

    def _styles(self, mu: np.ndarray) -> None:
        """One code in every class: what the condition changes, and what stays."""
        names = self.recipe.classes[:12]
        features = self.recipe.generate(np.repeat(mu[:1], len(names), axis=0), np.arange(len(names)))
        clips = list(self.recipe.clips(features, "style"))
        self._save("styles.gif", film_wall(self._shown(clips), columns=6, label=", ".join(names)))
        for name, clip in zip(names, clips, strict=True):
            write_bvh(self.run / "bvh" / f"style_{_plain(name)}.bvh", clip, force=True)

    def _save(self, name: str, frames: np.ndarray) -> None:
        save_gif(self.run / name, list(frames), float(gif_rate(self.recipe.fps)))

    def _shown(self, clips: Iterable[Clip]) -> list[Clip]:
        """The clips at a rate that a GIF can show."""
        return [resample(clip, gif_rate(self.recipe.fps)) for clip in clips]

    def _names(self, count: int) -> list[str]:
        names = self.recipe.classes
        return [names[i % len(names)] for i in range(count)] if names else []

    def sayings(self) -> Iterator[str]:
        yield from latents_said(self.run)
        yield f"draw more: python -m minigen.sample {shlex.quote(str(self.run))} --seeds 0-7"
        yield f"for Blender: {self.run / 'bvh'} (File > Import > Motion Capture; turn on Update Scene FPS)"


def _one_size(frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Pictures of several sizes on paper of the largest."""
    H, W = (max(f.shape[k] for f in frames) for k in (0, 1))
    found = []
    for frame in frames:
        page = np.full((H, W, frame.shape[2]), frame[0, 0], np.uint8)
        page[: frame.shape[0], : frame.shape[1]] = frame
        found.append(page)
    return found


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
