"""Every number of the GAN recipe.

The article's section 项目实战, programs C2 to C4, with the sources of what it leaves open.
"""

from dataclasses import dataclass, replace
from typing import Literal

from minigen.errors import SettingError
from minigen.models.clip_gan_drift import latent_of
from minigen.train.settings import above_0, at_least, share

LOGISTIC = ("nonsaturating", "minimax")  # losses under which D's answer is a probability


@dataclass(frozen=True)
class Config:
    """Every number of the recipe.  TensorFlow's DCGAN tutorial is cited where the article leaves a number open."""

    data: str = "scenes"
    """What to learn from: scenes, effects:KIND, mnist, mnist:DIR, images:FOLDER_OR_ZIP, video:FILE, npz:FILE."""
    size: Literal[0, 28, 32, 64] = 0
    """Side of the images in pixels. 28 is the article's; 32 and 64 begin at 8x8 instead of 7x7, and 64 adds a stage.
    0 takes 28, or 32 for clips."""
    channels: Literal[1, 3] = 1
    """1 for grey (the article), 3 for colour."""
    count: int = -1
    """How many images or clips to learn from, at most. -1 takes 10,000 images, 2,000 clips of effects, all clips of a
    video; 0 takes all that there are (scenes, effects: as many as -1)."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How an image of another shape becomes square."""
    every: int = 1
    """Of a video, take every n-th frame. Neighbouring frames are nearly the same image."""
    frames: int = 0
    """Frames of a clip: 16 learns clips that move, 1 learns stills. 0 takes 16 for effects, 1 for all else."""
    stride: int = 8
    """Of a video, one clip begins every so many frames (after --every)."""
    upscale: bool = False
    """Accept images smaller than the size, enlarging them."""
    skip_bad: bool = False
    """Leave out images that cannot be read, and list them, instead of stopping."""

    steps: int = 2_000
    """How many times both networks are updated. The default takes about two and a half minutes on two cores."""
    epochs: float = 0.0
    """If above 0, train for so many passes over the data instead of counting steps (the tutorial: 50)."""
    batch: int = 0
    """Real images or clips a step, and as many fakes. The article has 256; smaller batches give more steps a minute.
    0 takes 32, or 8 for clips."""

    width: float = 0.5
    """Channels of every layer as a share of the article's (64, 128, 256). 1 is the article's own network. For clips,
    0.5 is a generator with 64, 32, 16 channels and a discriminator with 8, 16, 32."""
    latent: int = 100
    """Numbers in z, from which an image is made. The article: 100."""
    prior: Literal["normal", "uniform"] = "normal"
    """What z is drawn from: standard normal, or uniform on [-1, 1). The article allows both."""
    dropout: float = 0.0
    """Share of the discriminator's activations set to 0 while training. The article: 0.3, which suits longer runs."""

    video: Literal["3d", "factorised", "drift"] = "3d"
    """The generator of clips: 3-D transposed convolutions, one code a frame for a generator of images, or one picture
    without edges that drifts past, for rain and snow (with --penalty r1 --penalty-weight 0.1)."""
    drift: int = 5
    """Rows that the picture of --video drift falls each frame; below 0 it rises."""
    per_place: int = 8
    """Numbers of noise for every 8x8 pixels of the picture of --video drift."""
    loop: Literal["auto", "yes", "no"] = "auto"
    """Clips that come round: frame T is frame 0 by construction. auto: as the data do (fire, smoke, rain, snow)."""
    spectral: bool = False
    """Divide each weight of the discriminator by its largest singular value, so that its slope is bounded (Miyato et
    al. 2018)."""

    condition: str = "none"
    """What both networks are told of each item, so that it can be asked for: label (mnist), sea (scenes), or factors
    as numbers, such as time,haze (scenes) or amount,wind (effects). Mirza & Osindero 2014."""
    pack: int = 1
    """How many images the discriminator judges together, so that a lack of variety shows (PacGAN: Lin et al. 2018)."""
    unroll: int = 0
    """How many updates of the discriminator the generator looks ahead (Metz et al. 2017, who have 5 to 10); a step
    costs about so many times more."""

    loss: Literal["nonsaturating", "minimax", "least_squares", "hinge", "wasserstein"] = "nonsaturating"
    """The pair of losses. nonsaturating is the article's."""
    smooth: float = 0.0
    """One-sided label smoothing: real images count as 1 - smooth (Salimans et al. 2016, section 3.4)."""
    penalty: Literal["none", "gradient", "r1"] = "none"
    """A term that keeps the discriminator smooth: WGAN-GP's gradient penalty, or R1 (Mescheder et al. 2018)."""
    penalty_weight: float = 10.0
    """Weight of the penalty. 10 in both papers."""
    d_steps: int = 1
    """Discriminator updates a generator update. 1 in the article; 5 is WGAN-GP's."""

    learning_rate: float = 0.0
    """Adam's step size for the generator. Radford et al. 2016 have 2e-4 for longer runs, the tutorial 1e-4. 0 takes
    5e-4, or 1e-3 for clips but those of --video drift."""
    d_learning_rate: float = 1e-3
    """Adam's step size for the discriminator, which helps when faster than G's (Heusel et al. 2017, section 2)."""
    beta1: float = 0.5
    """Adam's memory of the gradient (Radford et al. 2016, who found 0.9 unstable)."""
    beta2: float = 0.99
    """Adam's memory of its square. Kingma & Ba 2015 have 0.999; PacGAN's code has 0.99, which suits a short run."""
    ema: float = 0.995
    """Decay a step of the averaged generator weights that samples are drawn with. 0 draws with the raw weights."""
    seed: int = 0
    """Decides everything random: weights, order of images, noise. The same seed gives the same run."""
    draws: Literal["host", "device"] = "host"
    """Where noise is drawn. device: computed where it is needed, of one key a draw, so that no noise is sent to a GPU;
    meant for --graph. The same seed then gives another run than with host."""

    def __post_init__(self) -> None:
        at_least("count", self.count, -1)
        at_least("every", self.every, 1)
        at_least("steps", self.steps, 1)
        at_least("epochs", self.epochs, 0)
        if self.batch:
            at_least("batch", self.batch, 2, "batch normalisation needs at least two images")
        at_least("latent", self.latent, 1)
        at_least("d_steps", self.d_steps, 1)
        at_least("penalty_weight", self.penalty_weight, 0)
        at_least("seed", self.seed, 0)
        at_least("frames", self.frames, 0)
        at_least("stride", self.stride, 1)
        at_least("pack", self.pack, 1)
        at_least("unroll", self.unroll, 0)
        at_least("per_place", self.per_place, 1)
        above_0("width", self.width, "1 is the article's network, 0.25 a quarter of it")
        for name in ("learning_rate", "d_learning_rate"):
            if self.learning_rate or name != "learning_rate":
                above_0(name, getattr(self, name), "2e-4 to 2e-3 are usual")
        for name in ("dropout", "smooth", "beta1", "beta2", "ema"):
            share(name, getattr(self, name))
        self._check_losses()
        self._check_clips()

    def _check_losses(self) -> None:
        """SettingError where losses and what is added to them do not go together."""
        if self.smooth and self.loss not in LOGISTIC:
            raise SettingError(
                f"--smooth {self.smooth:g} has no meaning for --loss {self.loss}, which has no labels; leave it out."
            )
        if self.loss == "wasserstein" and self.penalty == "none" and not self.spectral:
            raise SettingError(
                "--loss wasserstein measures a distance only with a critic whose slope is bounded; add --penalty "
                "gradient (WGAN-GP), or --spectral."
            )
        if self.unroll and self.penalty == "gradient":
            raise SettingError(
                "--unroll differentiates through the discriminator's updates, and --penalty gradient takes the samples "
                "in them for constants; leave one of them out, or take --penalty r1."
            )
        batch = self.batch or (32 if self.clip_frames == 1 else 8)
        if self.pack > batch:
            raise SettingError(f"--pack {self.pack} needs a --batch of at least as many images, not {batch}.")

    def _check_clips(self) -> None:
        """SettingError where stills are asked for what only clips have, or the other way round."""
        if self.clip_frames == 1:
            return
        if self.clip_frames % 8:
            raise SettingError(f"--frames {self.clip_frames} must be 1, or a multiple of 8, such as 16.")
        if self.data.partition(":")[0] not in ("effects", "video", "npz"):
            raise SettingError(
                f"--frames {self.clip_frames}: --data {self.data} holds stills; clips are effects:KIND, video:FILE or "
                "npz:FILE. Leave --frames out."
            )
        if self.size == 28:
            raise SettingError("--size 28 is of stills; clips have 32 or 64.")
        if self.video == "drift":
            self._check_drift()

    def _check_drift(self) -> None:
        """SettingError where a picture that drifts past is asked for what it cannot be."""
        side = self.size or 32
        if self.clip_frames * abs(self.drift) < side:
            raise SettingError(
                f"--drift {self.drift} moves {self.clip_frames} frames by {self.clip_frames * abs(self.drift)} rows, "
                f"fewer than the {side} of a frame; take {-(-side // self.clip_frames)} or more, or as many below 0."
            )
        if self.loop == "no":
            raise SettingError("--video drift always comes round; leave --loop no out, or take --video 3d.")
        if self.penalty == "gradient":
            raise SettingError(
                "--penalty gradient asks for a slope of 1 of one answer a clip, and the discriminator of --video drift "
                "gives many; take --penalty r1."
            )

    @property
    def clip_frames(self) -> int:
        """`frames` with 0 resolved: 1 for stills."""
        return self.frames or (16 if self.data.startswith("effects:") else 1)

    @property
    def idle(self) -> dict[str, str]:
        """Settings that do not act beside the others, each with the words for where it would."""
        kind = self.data.partition(":")[0]
        found = {}
        if self.penalty == "none":
            found["penalty_weight"] = "with --penalty"
        if self.clip_frames == 1:
            found |= {"video": "on clips", "loop": "on clips"}
        if self.clip_frames == 1 or self.video != "drift":
            found |= dict.fromkeys(("drift", "per_place"), "with --video drift")
        else:
            found["latent"] = "without --video drift"
        if self.clip_frames == 1 or kind != "video":
            found["stride"] = "on clips of a video"
        if kind != "video":
            found["every"] = "on a video"
        if kind in ("scenes", "effects"):
            found |= dict.fromkeys(("fit", "upscale", "skip_bad"), "on data that are read")
        return found

    def resolved(self) -> "Config":
        """The same settings with nothing left open that depends on the others."""
        loops = self.data.startswith("effects:") and self.data != "effects:explosion"
        stills, drifts = self.clip_frames == 1, self.clip_frames > 1 and self.video == "drift"
        size = self.size or (28 if stills else 32)
        return replace(
            self,
            size=size,
            latent=latent_of(self.drift, self.clip_frames, size, self.per_place) if drifts else self.latent,
            count=self.count if self.count >= 0 else 10_000 if stills else 2_000 * self.data.startswith("effects:"),
            batch=self.batch or (32 if stills else 8),
            learning_rate=self.learning_rate or (5e-4 if stills or drifts else 1e-3),
            frames=self.clip_frames,
            loop=("yes" if loops or drifts else "no") if self.loop == "auto" else self.loop,
        )


PRESETS = {
    "default": Config(),
    # The article's networks and batch; Adam and the epochs from the tutorial, where the article is silent.
    "article": Config(
        epochs=50,
        width=1.0,
        batch=256,
        dropout=0.3,
        learning_rate=1e-4,
        d_learning_rate=1e-4,
        beta1=0.9,
        beta2=0.999,
        ema=0.0,
    ),
}
