"""What training makes small.  Losses take logits, never probabilities; each is one number and names its unit.

| file | what |
|---|---|
| logits.py | binary_cross_entropy |
| gan.py | the pairs of GAN losses, by name |
| penalties.py | gradient_penalty, r1 |
| unrolled.py | gan.unrolled: G's loss against a D that has answered first |
| densities.py, vae.py | likelihoods with their constants; KL, the ELBO and its kin, the IWAE bound |
"""

from minigen.losses import gan, vae
from minigen.losses.logits import binary_cross_entropy
from minigen.losses.penalties import gradient_penalty, r1

__all__ = ["binary_cross_entropy", "gan", "gradient_penalty", "r1", "vae"]
