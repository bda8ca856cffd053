"""Data for generative models: film stills, motion and effects made from known factors, toy points, readers of files.

Everything here is a NumPy array in host memory: images are uint8 (N, H, W, C) and clips (N, T, H, W, C) until a batch
of them is taken; windows of motion are float32 (N, T, 6J + 4), and `minigen.motion` makes moving skeletons of them.
"""

from minigen.data.arrays import read_arrays
from minigen.data.batches import Batches
from minigen.data.clips import Clips, open_clips
from minigen.data.effects import (
    EFFECT_FACTORS,
    EFFECT_RANGES,
    EFFECT_SEEN,
    EFFECTS,
    draw_effect_factors,
    effect_stills,
    effects,
    render_effects,
)
from minigen.data.fitting import Frame
from minigen.data.folder import read_images
from minigen.data.idx import mnist, read_idx
from minigen.data.images import Images, as_batch, to_float, to_uint8
from minigen.data.motion import (
    ACTIONS,
    MOTION_FACTORS,
    MOTION_RANGES,
    animate,
    contacts,
    cycle_seconds,
    draw_motion_factors,
    motion,
)
from minigen.data.motions import Motions, open_motion
from minigen.data.open import open_data
from minigen.data.points import grid, grid_centres, ring, ring_centres
from minigen.data.scenes import FACTORS, RANGES, draw_factors, render, scenes, visible
from minigen.data.video import read_video

__all__ = [
    "ACTIONS",
    "EFFECTS",
    "EFFECT_FACTORS",
    "EFFECT_RANGES",
    "EFFECT_SEEN",
    "FACTORS",
    "MOTION_FACTORS",
    "MOTION_RANGES",
    "RANGES",
    "Batches",
    "Clips",
    "Frame",
    "Images",
    "Motions",
    "animate",
    "as_batch",
    "contacts",
    "cycle_seconds",
    "draw_effect_factors",
    "draw_factors",
    "draw_motion_factors",
    "effect_stills",
    "effects",
    "grid",
    "grid_centres",
    "mnist",
    "motion",
    "open_clips",
    "open_data",
    "open_motion",
    "read_arrays",
    "read_idx",
    "read_images",
    "read_video",
    "render",
    "render_effects",
    "ring",
    "ring_centres",
    "scenes",
    "to_float",
    "to_uint8",
    "visible",
]
