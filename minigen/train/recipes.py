"""The recipes by name: settings, data, model, and the pictures of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from minigen.train import gan, gan_config, vae, vae_config
from minigen.train.album import Album, GanAlbum
from minigen.train.album_clips import ClipAlbum
from minigen.train.album_motion import MotionAlbum
from minigen.train.album_vae import VaeAlbum
from minigen.train.recipe import Recipe
from minigen.train.sources import Source, open_gan, open_vae


@dataclass(frozen=True)
class Kind:
    """One recipe: its Config with presets; how its data are opened, its model is made, and its pictures are drawn."""

    config: type
    presets: Mapping[str, Any]
    open: Callable[[Any], Source]
    make: Callable[[Any, dict[str, Any]], Recipe]
    album: Callable[..., Album]


def _vae_album(*given: Any) -> Album:
    moves = given[1].config.moves
    return MotionAlbum(*given) if moves else VaeAlbum(*given)


def _gan_album(*given: Any) -> Album:
    clips = given[1].config.frames > 1
    return ClipAlbum(*given) if clips else GanAlbum(*given)


RECIPES: dict[str, Kind] = {
    "gan": Kind(gan_config.Config, gan_config.PRESETS, open_gan, gan.Gan, _gan_album),
    "vae": Kind(vae_config.Config, vae_config.PRESETS, open_vae, vae.Vae, _vae_album),
}
