"""The one VAE whose log p(x) is known: one number x, one latent z, everything normal, everything linear."""

import math
from typing import Any

import numpy as np

from minigen.autograd import Parameter
from minigen.losses.vae import LOG_2PI
from minigen.models.vae import Vae
from minigen.ops import log


class LinearGaussian(Vae):
    """p(z) = N(0, 1), p(x|z) = N(w z, s), q(z|x) = N(a x, v), with x (N, 1) and float64 numbers; s and v are variances.

    Then log p(x) = log N(x; 0, w² + s), and the posterior is N(w x / (w² + s), s / (w² + s)): whatever a bound or its
    estimate is worth can be read off.  At w = 1, s = ¼, x = 1: log p(x) = −1.4305103, and a = 0.8, v = 0.2 is the
    posterior, where the ELBO and every L_k are that number.  w, a and log v are trained; s is fixed.
    """

    def __init__(self, w: float = 1.0, noise: float = 0.25, a: float = 0.8, v: float = 0.2):
        self.latent, self.item, self.likelihood, self.labels = 1, (1,), "gaussian", 0
        self.w, self.a, self.log_v = (Parameter(np.array([n], np.float64)) for n in (w, a, math.log(v)))
        self.noise_logvar: Any = math.log(noise)

    def encode(self, x: Any, y: Any = None) -> tuple[Any, Any]:
        self._check(x, y)
        return self.a * x, self.log_v + 0 * x

    def decode(self, z: Any, y: Any = None) -> Any:
        return self.w * z

    def log_px_exact(self, x: Any) -> Any:
        """log p(x) itself, (N,), in nats."""
        variance = self.w * self.w + math.exp(self.noise_logvar)
        return (-0.5 * (LOG_2PI + log(variance) + x * x / variance))[:, 0]

    def posterior(self, x: Any) -> tuple[Any, Any]:
        """(mean, variance) of p(z|x), (N, 1) and one number: what the best q is."""
        variance = self.w * self.w + math.exp(self.noise_logvar)
        return self.w * x / variance, math.exp(self.noise_logvar) / variance

    def elbo_exact(self, x: Any) -> Any:
        """E_q log p(x|z) − KL(q ‖ p(z)) in closed form, (N,): log p(x) − KL(q ‖ posterior)."""
        mu, log_v = self.encode(x)
        v, s = np.e**log_v, math.exp(self.noise_logvar)
        d = x - self.w * mu
        reconstruction = -0.5 * (LOG_2PI + math.log(s) + (d * d + self.w * self.w * v) / s)
        return (reconstruction - 0.5 * (mu * mu + v - 1 - log_v))[:, 0]
