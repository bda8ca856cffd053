"""GAN losses: pairs of what the discriminator and what the generator makes small, chosen by name.

All take logits a of any shape, real and fake ones in separate batches, of perhaps different sizes.  Expectations are
means over a batch, and the two means of a discriminator are *added*: at a = 0 the logistic loss is 2 ln 2.
"""

import difflib
import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from minigen.errors import SettingError
from minigen.losses.logits import warn_of_sigmoid
from minigen.losses.penalties import gradient_penalty, r1
from minigen.losses.unrolled import unrolled
from minigen.ops import relu
from minigen.ops.likelihoods import logistic_loss, softplus_mean

__all__ = [
    "OBJECTIVES",
    "Hinge",
    "LeastSquares",
    "Minimax",
    "NonSaturating",
    "Objective",
    "Wasserstein",
    "gradient_penalty",
    "hinge",
    "least_squares",
    "minimax",
    "nonsaturating",
    "objective",
    "r1",
    "unrolled",
    "wasserstein",
]

LN2 = math.log(2)


@dataclass(frozen=True)
class Objective:
    """A pair of losses.  `balance`: (D's, G's) where D can only guess, or None; `reading`: what the values mean."""

    balance: ClassVar[tuple[float, float] | None] = None
    reading: ClassVar[str] = ""

    def discriminator(self, real_logits: Any, fake_logits: Any) -> Any:
        """What D makes small: one number."""
        raise NotImplementedError

    def both(self, logits: Any, reals: int) -> Any:
        """What D makes small, from the logits of one batch: those of `reals` real items first, then those of fakes."""
        return self.discriminator(logits[:reals], logits[reals:])

    def generator(self, fake_logits: Any) -> Any:
        """What G makes small: one number."""
        raise NotImplementedError


@dataclass(frozen=True)
class _Logistic(Objective):
    """D = σ(a) is the probability that an image is real; D is trained alike in both logistic pairs.

    `smooth` in [0, 1): real images count as 1 − smooth, so that D does not grow ever surer; fakes stay 0, because to
    smooth them would hold G where it is (one-sided: Salimans et al. 2016, section 3.4).
    """

    smooth: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.smooth < 1:
            raise SettingError(f"smooth={self.smooth} must lie in [0, 1); 0.1 makes the target of real images 0.9.")

    def discriminator(self, real_logits: Any, fake_logits: Any) -> Any:
        """L_D = −E[log D(x)] − E[log(1 − D(G(z)))]: −V of Goodfellow et al. 2014, eq. 1, in nats per image.

        2 ln 2 = 1.3863 where a = 0; 0 for a D that is sure and right.
        """
        warn_of_sigmoid(real_logits)
        warn_of_sigmoid(fake_logits)
        loss = softplus_mean(real_logits, sign=-1) + softplus_mean(fake_logits)
        return loss + self.smooth * real_logits.mean() if self.smooth else loss  # softplus(a) − (1 − s) a, without loss

    def both(self, logits: Any, reals: int) -> Any:
        """`discriminator` of the two parts, as one operation."""
        warn_of_sigmoid(logits)
        return logistic_loss(logits, reals=reals, smooth=self.smooth)


@dataclass(frozen=True)
class NonSaturating(_Logistic):
    """The article's pair: Goodfellow et al. 2014, section 3, last paragraph, for G; eq. 1 for D."""

    balance = (2 * LN2, LN2)
    reading = (
        "D's loss is 2 ln 2 = 1.386 and G's ln 2 = 0.693 where D can only guess; towards 0 for D, G is losing. "
        "Nats per image; judge by the pictures, not by a falling loss."
    )

    def generator(self, fake_logits: Any) -> Any:
        """L_G = −E[log D(G(z))], in nats per image: slope −σ(−a), near −1 where D is sure of a fake.

        ln 2 = 0.6931 where a = 0.
        """
        warn_of_sigmoid(fake_logits)
        return softplus_mean(fake_logits, sign=-1)


@dataclass(frozen=True)
class Minimax(_Logistic):
    """The game as first written, which saturates: Goodfellow et al. 2014, eq. 1, for both."""

    balance = (2 * LN2, -LN2)
    reading = (
        "D's loss is 2 ln 2 = 1.386 and G's −ln 2 = −0.693 where D can only guess; G's near 0 means that D knows every "
        "fake, and G then hardly learns. Nats per image."
    )

    def generator(self, fake_logits: Any) -> Any:
        """L_G = E[log(1 − D(G(z)))], in nats per image: slope −σ(a), near 0 where D is sure of a fake.

        −ln 2 = −0.6931 where a = 0.
        """
        warn_of_sigmoid(fake_logits)
        return -softplus_mean(fake_logits)


@dataclass(frozen=True)
class LeastSquares(Objective):
    """Logits drawn to numbers: a for fakes, b for reals, and c is what G wants.  Mao et al. 2017, eq. 2.

    The defaults are the 0–1 coding of its eq. 9.  Without unit.
    """

    a: float = 0.0
    b: float = 1.0
    c: float = 1.0
    balance = (0.25, 0.125)
    reading = (
        "D's loss is 0.25 and G's 0.125 where D answers ½ to everything; D's towards 0 and G's towards 0.5 mean that "
        "D knows every fake. Squares, without unit."
    )

    def discriminator(self, real_logits: Any, fake_logits: Any) -> Any:
        """L_D = ½ E[(D(x) − b)²] + ½ E[(D(G(z)) − a)²]; 0.25 where D = ½ (0–1 coding)."""
        real, fake = real_logits - self.b, fake_logits - self.a
        return 0.5 * (real * real).mean() + 0.5 * (fake * fake).mean()

    def generator(self, fake_logits: Any) -> Any:
        """L_G = ½ E[(D(G(z)) − c)²]; 0.125 where D = ½ (0–1 coding)."""
        fake = fake_logits - self.c
        return 0.5 * (fake * fake).mean()


@dataclass(frozen=True)
class Hinge(Objective):
    """D has to be right by a margin of 1, and then rests: Lim & Ye 2017; Miyato et al. 2018, eqs. 16 and 17."""

    balance = (2.0, 0.0)
    reading = (
        "D's loss is 2 where it answers 0 to everything, and 0 where every answer is right by the margin of 1; G's is "
        "minus D's mean answer to fakes, and its level means little. Without unit."
    )

    def discriminator(self, real_logits: Any, fake_logits: Any) -> Any:
        """L_D = E[max(0, 1 − D(x))] + E[max(0, 1 + D(G(z)))]; 2 where D = 0."""
        return relu(1 - real_logits).mean() + relu(1 + fake_logits).mean()

    def generator(self, fake_logits: Any) -> Any:
        """L_G = −E[D(G(z))]"""
        return -fake_logits.mean()


@dataclass(frozen=True)
class Wasserstein(Objective):
    """D, here a critic, estimates how far apart two distributions are: Arjovsky et al. 2017, algorithm 1.

    Only with a critic whose slope is bounded: add `gradient_penalty` (Gulrajani et al. 2017, eq. 3).
    """

    reading = (
        "Minus D's loss estimates the distance between real and fake; it should shrink as pictures improve. G's loss "
        "has no zero and means little by itself. In units of the critic, which a penalty must keep smooth."
    )

    def discriminator(self, real_logits: Any, fake_logits: Any) -> Any:
        """L_D = E[D(G(z))] − E[D(x)]; 0 where the two are alike."""
        return fake_logits.mean() - real_logits.mean()

    def generator(self, fake_logits: Any) -> Any:
        """L_G = −E[D(G(z))]"""
        return -fake_logits.mean()


nonsaturating = NonSaturating()
minimax = Minimax()
least_squares = LeastSquares()
hinge = Hinge()
wasserstein = Wasserstein()

OBJECTIVES: dict[str, Objective] = {
    "nonsaturating": nonsaturating,
    "minimax": minimax,
    "least_squares": least_squares,
    "hinge": hinge,
    "wasserstein": wasserstein,
}


def objective(name: str, *, smooth: float = 0.0) -> Objective:
    """The pair of losses called `name`; with `smooth`, real images count as 1 − smooth (logistic pairs only).

    SettingError where the name is unknown or smoothing has no meaning.

    >>> from minigen import zeros
    >>> round(float(objective("nonsaturating").discriminator(zeros(8, 1), zeros(8, 1))), 4)
    1.3863
    """
    if name not in OBJECTIVES:
        near = difflib.get_close_matches(name, OBJECTIVES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(OBJECTIVES)}."
        raise SettingError(f"there is no GAN loss {name!r}; {hint}")
    pair = OBJECTIVES[name]
    if not smooth:
        return pair
    if not isinstance(pair, _Logistic):
        raise SettingError(f"smooth={smooth} has no meaning for {name}, which has no labels; leave it out.")
    return replace(pair, smooth=smooth)
