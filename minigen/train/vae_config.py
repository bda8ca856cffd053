"""Every number of the VAE recipe, for images and for characters in motion."""

from dataclasses import dataclass
from typing import Literal

from minigen.data.open import is_motion
from minigen.errors import SettingError
from minigen.train.settings import above_0, at_least, share

MOTION_BETA = 100.0  # docs/vae.md has the measurements: below it samples hardly move, above it clips blur
RATES = "1e-4 to 2e-3 are usual"


@dataclass(frozen=True)
class Config:
    """Every number of the recipe.  IWAE is Burda et al. 2016, KW is Kingma & Welling 2014."""

    data: str = "scenes"
    """What to learn from: scenes, effects:KIND, mnist, mnist:DIR, images:FOLDER_OR_ZIP, video:FILE, npz:FILE; motion,
    bvh:PATH."""
    size: Literal[28, 32, 64] = 28
    """Side of the images in pixels."""
    channels: Literal[1, 3] = 1
    """1 for grey, 3 for colour."""
    count: int = 0
    """How many items to learn from, at most. 0 takes all that there are; of those made here 10,000 scenes or
    effects, 3,000 motions."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How an image of another shape becomes square."""
    every: int = 1
    """Of a video, take every n-th frame. Neighbouring frames are nearly the same image."""
    upscale: bool = False
    """Accept images smaller than the size, enlarging them."""
    skip_bad: bool = False
    """Leave out images that cannot be read, and list them, instead of stopping."""

    window: int = 64
    """Frames of one item of motion, a multiple of 8. 64 are two seconds."""
    stride: int = 8
    """Of a BVH clip, one window begins every so many frames."""
    fps: float = 30.0
    """Frames a second: of built-in motion, and to which BVH clips are resampled. 0 keeps the rate of the first (30)."""
    unit: str = ""
    """Unit of BVH files: m, cm, mm, inch. Default: guessed from the skeleton's height, and said."""
    drop_first: bool = False
    """Leave out the first frame of each BVH clip, which often is the capture system's rest pose."""
    held_out: float = 0.1
    """Share of the BVH clips, whole ones, that is kept out of training to measure on."""

    model: Literal["auto", "conv", "dense", "two_layer"] = "auto"
    """conv: mirror of the article's generator. dense: KW, IWAE. two_layer: IWAE's. auto: conv, 1-D for motion."""
    width: float = 0.0
    """Channels of every convolution as a share of 64, 128, 256 (the article's; motion: 64, 64, 128). 0 takes 0.25 for
    images, 1 for motion."""
    hidden: tuple[int, ...] = (200, 200)
    """Widths of the dense layers of --model dense. IWAE: 200 200; KW: 500."""
    latent: int = 32
    """Numbers in z. IWAE: 50; KW: 20; 2 gives a map that can be looked at."""
    condition: str = "none"
    """What the model is told of each item, so that it can be asked for: label (mnist), sea (scenes), action, style."""

    objective: Literal["auto", "elbo", "beta", "iwae"] = "auto"
    """elbo: KW. beta: with --beta or --lam, KL and reconstruction weighed. iwae: the bound L_k, with --k above 1. auto:
    elbo, and for built-in motion beta at 100, without which samples hardly move (docs/vae.md)."""
    k: int = 1
    """Draws of z for each item and step. IWAE: 5, 50."""
    beta: float = 1.0
    """Weight of the KL under --objective beta (Higgins et al. 2017). From 1 on, the loss bounds -log p(x)."""
    lam: float = 1.0
    """The article's lambda under --objective beta: weight of the reconstruction (F7). Only 1 is the ELBO."""
    warm_up: int = 0
    """Steps over which the KL's weight rises from 0; keeps latents from being given up early (Bowman et al. 2016)."""
    free_bits: float = 0.0
    """Nats that each latent dimension may cost before it is pushed towards the prior (Kingma et al. 2016, C.8)."""
    alternate: bool = False
    """The article's case, literally: update the encoder on its own loss, the KL, then the decoder on its own (F15, F16,
    with the signs of a descent). The encoder then never feels the reconstruction, and the latents end empty."""
    alternate_on: Literal["own", "whole"] = "own"
    """With --alternate: each half on its own loss (the article), or both on the whole one, which works."""

    likelihood: Literal["gaussian", "bernoulli"] = "gaussian"
    """p(x|z): normal with one learnt deviation, for grey and colour; bernoulli for black and white."""
    binarise: Literal["auto", "dynamic", "static", "none"] = "auto"
    """bernoulli: pixels drawn black or white anew at each use (dynamic, IWAE), once (static), or kept grey (none: then
    the loss is no likelihood, and is not called one). auto: dynamic for bernoulli, none for gaussian."""

    steps: int = 4_000
    """How many times the networks are updated. The default takes about two minutes on two cores."""
    epochs: float = 0.0
    """If above 0, train for so many passes over the data instead of counting steps."""
    batch: int = 32
    """Items a step. IWAE: 20; KW: 100."""
    learning_rate: float = 2e-3
    """Adam's step size at the start. On scenes 3,000 steps with it end 35 nats below 4,000 with Adam's usual 1e-3,
    which IWAE has."""
    decay: Literal["cosine", "none"] = "cosine"
    """How the step size falls: to a hundredth along half a cosine over all the steps, so that a run lengthened with
    --steps differs from one planned so long (a stopped one that goes on does not); or not at all."""
    beta1: float = 0.9
    """Adam's memory of the gradient (Kingma & Ba 2015; IWAE)."""
    beta2: float = 0.999
    """Adam's memory of its square (Kingma & Ba 2015; IWAE)."""
    eps: float = 1e-8
    """What Adam adds to the root of it. IWAE: 1e-4."""
    seed: int = 0
    """Decides everything random: weights, order of items, noise. The same seed gives the same run."""
    draws: Literal["host", "device"] = "host"
    """Where noise is drawn. device: computed where it is needed, of one key a draw, so that no noise is sent to a GPU;
    meant for --graph. The same seed then gives another run than with host."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))  # a list, where it was read from JSON
        for name, least in {
            "count": 0, "every": 1, "stride": 1, "fps": 0, "latent": 1, "k": 1, "beta": 0, "warm_up": 0, "free_bits": 0,
            "steps": 1, "epochs": 0, "width": 0, "batch": 2, "seed": 0,
        }.items():  # fmt: skip
            at_least(name, getattr(self, name), least)
        above_0("lam", self.lam, "1 is the bound")
        above_0("learning_rate", self.learning_rate, RATES)
        above_0("eps", self.eps, "1e-8 is usual")
        for name in ("held_out", "beta1", "beta2"):
            share(name, getattr(self, name))
        if self.window < 8 or self.window % 8:
            raise SettingError(f"--window {self.window} must be a multiple of 8, such as 64.")
        if not self.hidden or min(self.hidden) < 1:
            raise SettingError(
                f"--hidden {' '.join(map(str, self.hidden)) or '(nothing)'} must be widths of at least 1."
            )
        self._check_objective()
        self._check_model()

    def _check_objective(self) -> None:
        plain = self.beta == 1 and self.lam == 1
        if self.objective != "beta" and not plain:
            raise SettingError(
                f"--beta {self.beta:g} and --lam {self.lam:g} act under --objective beta only; add that flag."
            )
        if self.objective == "beta" and (self.beta == 1) == (self.lam == 1):
            raise SettingError(
                "--objective beta needs one of --beta and --lam other than 1: they are one knob, beta being 1 / lam. "
                "With both at 1 it is --objective elbo."
            )
        if self.objective == "iwae" and self.k < 2:
            raise SettingError(
                f"--k {self.k}: --objective iwae needs 2 draws or more; with one it is --objective elbo."
            )
        if self.objective == "iwae" and (self.warm_up or self.free_bits or self.alternate):
            raise SettingError(
                "--warm-up, --free-bits and --alternate need the KL by itself, which the bound of --objective iwae "
                "does not have; leave them out."
            )
        if self.alternate and self.free_bits:
            raise SettingError("--alternate performs the article's case as it is; leave --free-bits out.")
        if self.alternate_on != "own" and not self.alternate:
            raise SettingError(f"--alternate-on {self.alternate_on} acts with --alternate only; add that flag.")

    def _check_model(self) -> None:
        if self.likelihood == "gaussian" and self.binarise in ("dynamic", "static"):
            raise SettingError(
                f"--binarise {self.binarise} is for --likelihood bernoulli: a density of values that are 0 or 1 grows "
                "without bound. Add that flag, or leave --binarise out."
            )
        if self.moves:
            if self.model != "auto" or self.likelihood != "gaussian":
                raise SettingError(
                    f"--data {self.data}: motion has its own network and a gaussian likelihood; leave --model and "
                    "--likelihood out."
                )
        if self.model == "two_layer":
            if self.objective == "beta" or self.warm_up or self.free_bits or self.alternate:
                raise SettingError(
                    "--model two_layer has no KL in closed form to weigh; use --objective elbo or iwae, without "
                    "--warm-up, --free-bits and --alternate."
                )
            if self.condition != "none":
                raise SettingError("--model two_layer takes no --condition; use --model dense or conv.")

    @property
    def moves(self) -> bool:
        """Whether an item is a window of motion and not an image."""
        return is_motion(self.data)

    @property
    def idle(self) -> dict[str, str]:
        """Settings that nothing reads beside the others, and where each of them acts."""
        kind = self.data.partition(":")[0]
        found: dict[str, str] = {}
        if kind != "bvh":
            found |= dict.fromkeys(("stride", "unit", "drop_first", "held_out"), "with --data bvh:PATH")
        if kind != "video":
            found["every"] = "with --data video:FILE"
        if self.moves:
            found |= dict.fromkeys(("size", "channels", "fit", "upscale", "skip_bad"), "on images")
        else:
            found |= dict.fromkeys(("window", "fps"), "on motion")
        if self.model != "dense":
            found["hidden"] = "with --model dense"
        if self.model in ("dense", "two_layer"):
            found["width"] = "on convolutions"
        return found

    @property
    def aim(self) -> str:
        """elbo, beta or iwae: `objective` with auto resolved."""
        if self.objective != "auto":
            return self.objective
        return "beta" if self.data == "motion" and not self.alternate else "elbo"

    @property
    def kl_goal(self) -> float:
        """The weight of the KL once any warm-up is over."""
        return MOTION_BETA if self.objective == "auto" and self.aim == "beta" else self.beta

    @property
    def share(self) -> float:
        """`width` with 0 resolved."""
        return self.width or (1.0 if self.moves else 0.25)

    @property
    def binarisation(self) -> str:
        """dynamic, static or none: `binarise` with auto resolved."""
        if self.binarise != "auto":
            return self.binarise
        return "dynamic" if self.likelihood == "bernoulli" else "none"

    @property
    def is_likelihood(self) -> bool:
        """Whether the reconstruction is −log p(x|z) of the data: not for a bernoulli on grey values."""
        return self.likelihood == "gaussian" or self.binarisation != "none"


PRESETS = {
    "default": Config(),
    # Burda et al. 2016, section 5, one layer, with its VAE objective; add --objective iwae --k 5.  The paper makes
    # 3,280 passes with a rate that falls seven times; benchmarks/iwae_mnist.py has that schedule.
    "iwae": Config(
        data="mnist",
        count=0,
        model="dense",
        latent=50,
        likelihood="bernoulli",
        batch=20,
        epochs=40,
        learning_rate=1e-3,
        eps=1e-4,
        decay="none",
    ),
    # Kingma & Welling 2014, section 5; but Adam for Adagrad, and Glorot's start for N(0, 0.01).
    "kingma-welling": Config(
        data="mnist",
        count=0,
        model="dense",
        hidden=(500,),
        latent=20,
        likelihood="bernoulli",
        batch=100,
        epochs=20,
        learning_rate=1e-3,
        decay="none",
    ),
}
