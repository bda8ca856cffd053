"""Numbers that say how good a model is, each with the baselines it is to be read against.

| file | what |
|---|---|
| motion.py | motion: joint, rotation and bone errors, jitter, diversity |
| feet.py | which joints are feet, and how often they skate |
| baselines.py | what a model must beat: mean pose, first frame held, PCA |
| vae.py | how many latents a VAE uses |
"""

from minigen.metrics.baselines import hold_first, mean_pose, pca_reconstruct
from minigen.metrics.feet import FootSkate, find_feet, foot_skate
from minigen.metrics.motion import (
    acceleration,
    bone_length_error,
    diversity,
    jitter,
    mpjpe,
    mpjpe_per_joint,
    root_aligned_mpjpe,
    rotation_error,
)
from minigen.metrics.vae import active_units

__all__ = [
    "FootSkate",
    "acceleration",
    "active_units",
    "bone_length_error",
    "diversity",
    "find_feet",
    "foot_skate",
    "hold_first",
    "jitter",
    "mean_pose",
    "mpjpe",
    "mpjpe_per_joint",
    "pca_reconstruct",
    "root_aligned_mpjpe",
    "rotation_error",
]
