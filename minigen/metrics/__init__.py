"""Numbers that say how good a model is, each with the baselines it is to be read against.

| file | what |
|---|---|
| motion.py | motion: joint, rotation and bone errors, jitter, diversity |
| feet.py | which joints are feet, and how often they skate |
| baselines.py | what a model must beat: mean pose, first frame held, PCA as a code and as a generator |
| vae.py | how many latents a VAE uses |
| modes.py | modes of mixtures and of tuples of classes: how many are covered, how evenly |
| frechet.py | the Fréchet distance of two sets of features |
| kid.py | the kernel distance of two sets of features, without bias |
| neighbours.py | copies of the training set, copies of each other, and the 1-NN two-sample test |
| factors.py | known factors: coverage, validity, what latents hold, what a condition controls |
| clips.py | clips: seams of loops, energy, flicker, and their baselines |
| checking.py | what each of these asks of its arrays |
"""

from minigen.metrics.baselines import hold_first, mean_pose, pca_reconstruct, pca_samples
from minigen.metrics.clips import energy, flicker, mean_clip, repeat_frame, seam, seam_jerk
from minigen.metrics.factors import (
    Coverage,
    control,
    coverage,
    disentanglement,
    pair_coverage,
    r_squared,
    validity,
)
from minigen.metrics.feet import FootSkate, find_feet, foot_skate
from minigen.metrics.frechet import frechet_distance
from minigen.metrics.kid import kid
from minigen.metrics.modes import Modes, TupleModes, kl_to_uniform, mode_ceilings, mode_counts, tuple_modes
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
from minigen.metrics.neighbours import held_out_rank, near_duplicates, nearest_distances, two_sample_accuracy
from minigen.metrics.vae import active_units

__all__ = [
    "Coverage",
    "FootSkate",
    "Modes",
    "TupleModes",
    "acceleration",
    "active_units",
    "bone_length_error",
    "control",
    "coverage",
    "disentanglement",
    "diversity",
    "energy",
    "find_feet",
    "flicker",
    "foot_skate",
    "frechet_distance",
    "held_out_rank",
    "hold_first",
    "jitter",
    "kid",
    "kl_to_uniform",
    "mean_clip",
    "mean_pose",
    "mode_ceilings",
    "mode_counts",
    "mpjpe",
    "mpjpe_per_joint",
    "near_duplicates",
    "nearest_distances",
    "pair_coverage",
    "pca_reconstruct",
    "pca_samples",
    "r_squared",
    "repeat_frame",
    "root_aligned_mpjpe",
    "rotation_error",
    "seam",
    "seam_jerk",
    "tuple_modes",
    "two_sample_accuracy",
    "validity",
]
