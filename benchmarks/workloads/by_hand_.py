"""Floors for minigen: whole steps with their derivatives written out in bare NumPy, in place, with no engine at all.

Whatever walks a graph in Python makes these calls and more.
"""

from benchmarks.workloads.by_hand_iwae import iwae
from benchmarks.workloads.by_hand_points import ring, wgan_gp
from benchmarks.workloads.by_hand_vae import vae

__all__ = ["iwae", "ring", "vae", "wgan_gp"]
