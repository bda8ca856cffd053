"""Still pictures of a run: grids of images and curves of losses, as PNG files.

A picture is a uint8 array (H, W, C) with C = 1 (grey) or 3 (colour), as everywhere in minigen, or 4 where it has an
alpha channel: colour and, not multiplied into it, how opaque it is.
"""

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigen.data import to_uint8
from minigen.errors import DataError, SettingError, ShapeError
from minigen.files import write_atomically

LEGIBLE = 56  # pixels: the side to which small images are enlarged in a grid
LEGIBLE_FILM = 256  # pixels: the side to which a film is enlarged
DARK = 24  # the grey level between the images of a grid
CHANNELS = (1, 3, 4)  # grey, colour, colour with alpha


def to_pixels(x: np.ndarray) -> np.ndarray:
    """Floats in [−1, 1] as bytes, rounded to the nearest level and clipped; bytes stay what they are."""
    return x if x.dtype == np.uint8 else to_uint8(x)


def grid(items: np.ndarray, columns: int | None = None, gap: int = 2, scale: int | None = None) -> np.ndarray:
    """The images (N, H, W, C) side by side, row after row, as one picture.

    columns: default the smallest square that holds them.  gap: dark pixels between two images.  scale: the whole
    factor by which every pixel is repeated; by default small images are enlarged until they can be looked at.
    Between images with an alpha channel (C = 4) there is nothing, which shows whatever lies behind.
    """
    items = to_pixels(items)
    if items.ndim != 4 or items.shape[0] == 0 or items.shape[3] not in CHANNELS:
        raise ShapeError(f"grid: items have shape {items.shape}; they must be (N, H, W, C), C of 1, 3 or 4, N ≥ 1.")
    N, H, W, C = items.shape
    columns = math.ceil(math.sqrt(N)) if columns is None else at_least("columns", columns, 1)
    columns = min(columns, N)
    scale = max(1, math.ceil(LEGIBLE / max(H, W))) if scale is None else scale
    items = enlarge(items, scale)
    _, H, W, _ = items.shape
    rows = math.ceil(N / columns)
    between = 0 if C == 4 else DARK
    picture = np.full((rows * (H + gap) - gap, columns * (W + gap) - gap, C), between, np.uint8)
    for i, item in enumerate(items):
        top, left = i // columns * (H + gap), i % columns * (W + gap)
        picture[top : top + H, left : left + W] = item
    return picture


def with_alpha(items: np.ndarray) -> np.ndarray:
    """(…, H, W, C) → uint8 (…, H, W, 4): light on black as colour with an alpha channel, so that it lies on anything.

    α = the brightest channel, colour = channel / α (straight alpha, as PNG has it); of grey, white with α = the level.
    Black becomes α = 0.  Laid over black, α · colour is the picture again, to within a level where 255 levels do not
    hold the quotient.
    """
    items = to_pixels(items)
    if items.shape[-1] == 1:
        return np.concatenate([np.full((*items.shape[:-1], 3), 255, np.uint8), items], axis=-1)
    alpha = items.max(axis=-1, keepdims=True)
    colour = np.rint(items * (255.0 / np.maximum(alpha, 1))).astype(np.uint8)
    return np.concatenate([colour, alpha], axis=-1)


def enlarge(items: np.ndarray, scale: int) -> np.ndarray:
    """Every pixel of (…, H, W, C) repeated scale × scale times: nearest neighbour, so that pixels stay visible."""
    at_least("scale", scale, 1)
    return items if scale == 1 else items.repeat(scale, axis=-3).repeat(scale, axis=-2)


def at_least(name: str, value: int, lowest: int) -> int:
    """`value` if it is at least `lowest`; SettingError, naming the setting, if not."""
    if value < lowest:
        raise SettingError(f"{name} is {value}; it must be at least {lowest}.")
    return value


def enlarged(frames: Sequence[np.ndarray], scale: int | None = None) -> list[np.ndarray]:
    """The frames as bytes, enlarged by `scale`, by default to a side of at least 256 pixels.

    ShapeError where there is none or two differ in shape.
    """
    if not len(frames):
        raise ShapeError("an animation needs at least one frame; there is none.")
    pictures = [to_pixels(frame) for frame in frames]
    for i, picture in enumerate(pictures):
        if picture.shape != pictures[0].shape:
            raise ShapeError(f"frame {i} has shape {picture.shape}, frame 0 {pictures[0].shape}; one size for all.")
    H, W = pictures[0].shape[:2]
    scale = math.ceil(LEGIBLE_FILM / max(H, W)) if scale is None else scale
    return [enlarge(picture, scale) for picture in pictures]


# PNG ----------------------------------------------------------------------------------------------------------------


def save_png(path: Path, picture: np.ndarray, text: Mapping[str, str] | None = None) -> None:
    """Write the picture, replacing `path` as a whole or not at all; `text` goes into the file, readable by any tool."""
    write_atomically(path, png(picture, text))


def png(picture: np.ndarray, text: Mapping[str, str] | None = None) -> bytes:
    """The picture as the bytes of a PNG file, with `text` in its text chunks."""
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    for key, value in (text or {}).items():
        notes.add_text(key, value)
    file = io.BytesIO()
    to_pillow(picture).save(file, "PNG", pnginfo=notes)
    return file.getvalue()


def read_png(path: Path) -> np.ndarray:
    """The picture in a PNG file: uint8 (H, W, 1) of a grey one, (H, W, 4) of one with colour and alpha, else (H, W, 3).

    DataError if it cannot be read.
    """
    image = _opened(path)
    pixels = np.asarray(image if image.mode in ("L", "RGBA") else image.convert("RGB"))
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def read_text(path: Path) -> dict[str, str]:
    """What `save_png` was given as text.  DataError if the file cannot be read."""
    return {key: str(value) for key, value in getattr(_opened(path), "text", {}).items()}


def to_pillow(picture: np.ndarray) -> Any:
    """The picture as a Pillow image, of mode L, RGB or RGBA."""
    from PIL import Image

    picture = to_pixels(picture)
    if picture.ndim != 3 or picture.shape[2] not in CHANNELS or 0 in picture.shape:
        raise ShapeError(f"a picture has shape (H, W, C), C of 1, 3 or 4, not {picture.shape}.")
    return Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else np.ascontiguousarray(picture))


def _opened(path: Path) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            image.load()
            return image
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such picture.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path}: not a picture, or damaged ({error}).") from error


# Curves -------------------------------------------------------------------------------------------------------------

# Okabe & Ito's colours, told apart by readers with any kind of colour vision.
LOSSES = {"discriminator": ("discriminator", "#0072B2"), "generator": ("generator", "#D55E00")}
PENALTY = {"penalty": ("penalty", "#009E73")}
ANSWERS = {"d_real": ("D(x): real images", "#0072B2"), "d_fake": ("D(G(z)): samples", "#D55E00")}


def curves(
    path: Path,
    metrics: Sequence[Mapping[str, Any]],
    reading: str,
    balance: Mapping[str, float] | None = None,
    item: str = "image",
) -> None:
    """Draw a run's losses, and the discriminator's mean answers, against the step; `reading` becomes the caption.

    balance: the values at which neither network wins, by the metrics' names (logistic losses: discriminator
    2 ln 2, generator ln 2), drawn as dashed lines; None where a loss has none.  Answers are then probabilities.
    item: what the losses are the mean over.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6.4), dpi=110, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    losses, answers = figure.subplots(2, sharex=True)
    steps = column(metrics, "step")
    has_penalty = bool(np.isfinite(column(metrics, "penalty")).any())
    draw_curves(losses, steps, metrics, LOSSES | (PENALTY if has_penalty else {}), balance or {})
    draw_curves(answers, steps, metrics, ANSWERS, {})
    losses.set_ylabel(f"loss (nats per {item})" if balance else f"loss (per {item})")
    answers.set_xlabel("step (updates of the generator)")
    if balance:
        answers.axhline(0.5, color="0.5", linestyle="--", linewidth=1, label="balance: 0.5")
        answers.set_ylim(-0.03, 1.03)
    answers.set_ylabel("mean answer (probability)" if balance else "mean answer (score)")
    for axes in (losses, answers):
        axes.legend(loc="best", fontsize=8, framealpha=0.8)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    save_figure(path, figure, canvas, reading)


def save_figure(path: Path, figure: Any, canvas: Any, reading: str) -> None:
    """Write a figure as PNG with a line under it that says how to read it; the file's text has that line too."""
    figure.supxlabel(reading.replace("$", r"\$"), fontsize=9, wrap=True)
    file = io.BytesIO()
    canvas.print_png(file, metadata={"reading": reading})
    write_atomically(path, file.getvalue())


def column(metrics: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """One measurement over all rows, (rows,): NaN where a row lacks it or holds null."""
    values = [row.get(name) for row in metrics]
    return np.array([math.nan if value is None else float(value) for value in values], np.float64)


def smooth(y: np.ndarray) -> np.ndarray:
    """The mean over a fortieth of the curve around each point, whatever is not finite left out."""
    if not len(y):
        return y
    window = max(1, len(y) // 40) | 1  # odd, so that it lies evenly around its point
    finite, ones = np.isfinite(y), np.ones(window)
    total = np.convolve(np.where(finite, y, 0.0), ones)[window // 2 :][: len(y)]
    count = np.convolve(finite, ones)[window // 2 :][: len(y)]
    return np.divide(total, count, out=np.full(len(y), math.nan), where=count > 0.5)


def draw_curves(axes: Any, steps: np.ndarray, metrics: Any, curves: Any, balance: Mapping[str, float]) -> None:
    """One curve for each metric name → (label, colour): pale every step, strong smoothed; dashed where it balances."""
    for name, (label, colour) in curves.items():
        y = column(metrics, name)
        y[~np.isfinite(y)] = math.nan
        dot = "o" if np.isfinite(y).sum() < 2 else ""  # a single point makes no line
        axes.plot(steps, y, color=colour, alpha=0.3, linewidth=0.8)
        axes.plot(steps, smooth(y), color=colour, linewidth=1.8, marker=dot, label=label)
        if name in balance:
            text = f"balance of the {label}: {balance[name]:.3f}"
            axes.axhline(balance[name], color=colour, linestyle="--", linewidth=1, label=text)
