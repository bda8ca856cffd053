"""One architecture a file.

| file | what |
|---|---|
| dcgan.py | the article's generator and discriminator of images |
| clip_gan.py | two generators of short clips that may loop, and a discriminator of them |
| mlp.py | small ones for points in the plane |
| vae.py | what all VAEs share; the dense ones of Kingma & Welling and of the IWAE paper |
| conv_vae.py, motion_vae.py | VAEs of images and of windows of motion |
| linear_gaussian.py | the VAE whose log p(x) is known |
"""

from minigen.models import clip_gan, conv_vae, dcgan, linear_gaussian, mlp, motion_vae, vae

__all__ = ["clip_gan", "conv_vae", "dcgan", "linear_gaussian", "mlp", "motion_vae", "vae"]
