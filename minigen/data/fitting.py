"""Any picture made one of ours: a square of `size` pixels, uint8, grey or colour."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from minigen.data.checking import whole
from minigen.errors import DataError, SettingError

if TYPE_CHECKING:
    from PIL.Image import Image

FITS = ("crop", "pad", "stretch")


@dataclass(frozen=True)
class Frame:
    """How pictures are brought to one size; every reader of pictures takes one.

    `fit`: crop keeps the middle square; pad keeps the whole picture and fills the rest; stretch ignores proportions.
    `background`, 0 … 255, fills what pad leaves and what a transparent picture lets through.  A picture smaller than
    `size` is refused unless `upscale`, because enlarged pictures teach a model blur.
    """

    size: int = 28
    channels: int = 1
    fit: str = "crop"
    upscale: bool = False
    background: int = 0

    def __post_init__(self) -> None:
        whole("size", self.size, lowest=1, highest=4096)
        whole("background", self.background, lowest=0, highest=255)
        if self.channels not in (1, 3):
            raise SettingError(f"channels is {self.channels!r}; it must be 1 (grey) or 3 (colour).")
        if self.fit not in FITS:
            raise SettingError(f"fit is {self.fit!r}; it must be crop, pad or stretch.")

    def take(self, picture: "Image") -> np.ndarray:
        """A Pillow image of any mode and size → uint8 (size, size, C).  DataError, as a clause, if it cannot be."""
        picture = self._flat(picture)
        if picture.mode != self._mode:
            picture = picture.convert(self._mode)
        return np.asarray(self._fitted(picture)).reshape(self.size, self.size, self.channels)

    def take_all(self, items: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W, C), C 1 or 3 → uint8 (N, size, size, channels); Pillow is imported only to resize."""
        if items.shape[1:] == (self.size, self.size, self.channels):
            return items
        from PIL import Image

        fitted = np.empty((len(items), self.size, self.size, self.channels), np.uint8)
        for i, item in enumerate(items):
            fitted[i] = self.take(Image.fromarray(item[:, :, 0] if item.shape[2] == 1 else item))
        return fitted

    @property
    def _mode(self) -> str:
        return "L" if self.channels == 1 else "RGB"

    def _flat(self, picture: "Image") -> "Image":
        """Undo depth and transparency: 16 bits become 8, alpha is laid over the background."""
        from PIL import Image

        if picture.mode == "F":
            raise DataError("its pixels are floating-point numbers; save it with 8 or 16 bits a channel")
        if picture.mode.startswith("I"):
            levels = np.asarray(picture).astype(np.int64)
            return Image.fromarray((np.clip(levels, 0, 65535) >> 8).astype(np.uint8))
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
            behind = Image.new("RGBA", picture.size, (self.background,) * 3 + (255,))
            return Image.alpha_composite(behind, picture).convert("RGB")
        return picture.convert("RGB") if picture.mode == "P" else picture

    def _fitted(self, picture: "Image") -> "Image":
        from PIL import Image

        (width, height), size = picture.size, self.size
        if (width, height) == (size, size):
            return picture
        edge = max(width, height) if self.fit == "pad" else min(width, height)
        if edge < size and not self.upscale:
            raise DataError(f"it is {width}×{height}, smaller than {size}×{size}; choose a smaller --size or --upscale")
        if self.fit == "pad":
            inner = (max(1, round(width * size / edge)), max(1, round(height * size / edge)))
            framed = Image.new(picture.mode, (size, size), (self.background,) * self.channels)
            small = picture.resize(inner, Image.Resampling.LANCZOS, reducing_gap=3)
            framed.paste(small, ((size - inner[0]) // 2, (size - inner[1]) // 2))
            return framed
        left, top = ((width - edge) / 2, (height - edge) / 2) if self.fit == "crop" else (0, 0)
        box = (left, top, width - left, height - top)
        return picture.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=3)
