"""Data for generative models: film stills drawn from known factors, toy points, and readers of real files.

Everything here is a NumPy array in host memory: images are uint8 (N, H, W, C) until a batch of them is taken.
"""

from .arrays import read_arrays
from .batches import Batches
from .fitting import Frame
from .folder import read_images
from .idx import mnist, read_idx
from .images import Images, to_float, to_uint8
from .open import open_data
from .points import grid, ring
from .scenes import FACTORS, RANGES, draw_factors, render, scenes, visible
from .video import read_video

__all__ = [
    "FACTORS",
    "RANGES",
    "Batches",
    "Frame",
    "Images",
    "draw_factors",
    "grid",
    "mnist",
    "open_data",
    "read_arrays",
    "read_idx",
    "read_images",
    "read_video",
    "render",
    "ring",
    "scenes",
    "to_float",
    "to_uint8",
    "visible",
]
