"""Data for generative models: film stills drawn from known factors, toy points, and readers of real files.

Everything here is a NumPy array in host memory: images are uint8 (N, H, W, C) until a batch of them is taken.
"""

from minigen.data.arrays import read_arrays
from minigen.data.batches import Batches
from minigen.data.fitting import Frame
from minigen.data.folder import read_images
from minigen.data.idx import mnist, read_idx
from minigen.data.images import Images, to_float, to_uint8
from minigen.data.open import open_data
from minigen.data.points import grid, ring
from minigen.data.scenes import FACTORS, RANGES, draw_factors, render, scenes, visible
from minigen.data.video import read_video

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
