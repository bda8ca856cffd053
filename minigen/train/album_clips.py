"""The pictures of a GAN of clips: rows of frames while it trains, and at the end what plays."""

import shlex
from collections.abc import Iterator
from fractions import Fraction
from typing import ClassVar

import numpy as np

from minigen.train import pictures
from minigen.train.album import Album, Metrics
from minigen.train.gif import gif_rate, save_gif
from minigen.train.neighbours import save_panel

ROWS = 6  # clips in a picture of rows, a clip a row
COLUMNS = 6  # clips side by side in a film
GAP = 2  # pixels between frames in a row, and between clips in a film
RATE = Fraction(12)  # frames a second, where the data do not say
REST = Fraction(1, 2)  # of a second: how long the last frame of a clip that does not loop is seen
STAGE = 4  # frames for which each picture of the training plays


class ClipAlbum(Album):
    """Clips learnt from and samples, as rows of frames and as films; how samples became what they are; neighbours."""

    shown: ClassVar[int] = 24

    def begin(self) -> None:
        reals = self.source.data.items[self.some(self.shown)]
        pictures.save_png(self.run / "reals.png", rows_of(reals[:ROWS]))
        self._save("reals.gif", reals, self.source.data.loops)  # type: ignore[union-attr]

    def draw(self, samples: np.ndarray) -> None:
        path = self.run / "samples" / f"step_{self.recipe.step_count:06d}.png"
        pictures.save_png(path, rows_of(samples[:ROWS]))

    def finish(self, metrics: Metrics) -> None:
        samples = pictures.to_pixels(self.samples())
        T = samples.shape[1]
        stages = [clips_in(pictures.read_png(p), T) for p in sorted((self.run / "samples").glob("step_*.png"))]
        playing = [stage[:, (STAGE * k + t) % T] for k, stage in enumerate(stages) for t in range(STAGE)]
        playing += [
            stages[-1][:, (STAGE * len(stages) + t) % T] for t in range(2 * T)
        ]  # the end goes on for two rounds
        frames = [pictures.grid(clips, columns=COLUMNS, gap=GAP, scale=1) for clips in playing]
        save_gif(self.run / "training.gif", frames, float(self._rate))
        self._save("samples.gif", samples, self.recipe.loops)
        held_out = self.source.held_out.items if self.source.held_out else None
        save_panel(self.run / "neighbours.png", samples[:12], self.source.data.items, held_out, columns=2)
        pictures.curves(self.run / "curves.png", metrics, self.recipe.reading, self.recipe.balance, "clip")

    def sayings(self) -> Iterator[str]:
        yield f"draw more: python -m minigen.sample {shlex.quote(str(self.run))} --seeds 0-15"

    @property
    def _rate(self) -> Fraction:
        """Frames a second of every film: the data's, where they say it and a GIF can show it."""
        fps = self.source.data.fps  # type: ignore[union-attr]
        return gif_rate(fps) if fps else RATE

    def _save(self, name: str, clips: np.ndarray, loops: bool) -> None:
        """The clips as a film, side by side."""
        frames = film_of(clips)
        rest = 0 if loops else round(REST * self._rate)
        save_gif(self.run / name, [*frames, *frames[-1:] * rest], float(self._rate))


def rows_of(clips: np.ndarray) -> np.ndarray:
    """Clips (N, T, H, W, C) as one picture, a row of frames each."""
    N, T = clips.shape[:2]
    return pictures.grid(clips.reshape(N * T, *clips.shape[2:]), columns=T, gap=GAP)


def clips_in(picture: np.ndarray, T: int) -> np.ndarray:
    """The clips in a picture that `rows_of` made of square frames, as large as they are there: (N, T, H, W, C)."""
    side = (picture.shape[1] + GAP) // T - GAP
    N = (picture.shape[0] + GAP) // (side + GAP)
    places = [i * (side + GAP) for i in range(max(N, T))]
    return np.stack([[picture[y : y + side, x : x + side] for x in places[:T]] for y in places[:N]])


def film_of(clips: np.ndarray) -> list[np.ndarray]:
    """Clips (N, T, H, W, C) side by side, as T pictures."""
    return [pictures.grid(clips[:, t], columns=COLUMNS, gap=GAP) for t in range(clips.shape[1])]
