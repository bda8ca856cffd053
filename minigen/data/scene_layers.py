"""How a still is painted: sky, disc, hills, skyline, then what lies below the horizon, from back to front.

A batch of stills is one float32 array (N, C, H, W) in [0, 1], supersampled, on which each layer is mixed by its
weight (N, H, W).
"""

import numpy as np

from minigen.data.scene_geometry import (
    CELLS,
    CLOUDS,
    FLOOR,
    FLOORS,
    SLOPES,
    STARS,
    View,
    disc_place,
    lamps,
    look,
    ridges,
    roofs,
    sun_height,
)

PIXELS_AT_ONCE = 64 * 56 * 56  # painted together: about 64 small stills, which stay in the cache


def painted_edge(size: int) -> int:
    """Rows painted for a still of `size` rows: 4 a pixel for small stills, 2 for the others."""
    return size * (4 if size < 24 else 2)


def paint(factors: np.ndarray, size: int, channels: int) -> np.ndarray:
    """Paint a few stills: factors (N,) → uint8 (N, size, size, channels)."""
    view = look(factors, painted_edge(size), channels)
    picture = _sky(view)
    clear = _disc(view, picture)
    clear = _hills(view, picture, clear)
    clear = _skyline(view, picture, clear)
    _haze(view, picture)
    clear = _below_horizon(view, picture, clear)
    picture *= _vignette(view.edge)

    picture, clear = _shrink(picture, size), _shrink(clear, size)
    picture += (_stars(view, size) * clear)[:, None]
    levels = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
    return levels.transpose(0, 2, 3, 1)


def _mix(picture: np.ndarray, colour: np.ndarray, weight: np.ndarray) -> None:
    """picture ← picture + weight (colour − picture), in place; colour (N, C) or (N, C, H, W), weight (N, H, W)."""
    if colour.ndim == 2:
        colour = colour[:, :, None, None]
    step = colour - picture
    step *= weight[:, None]
    picture += step


def _bell(distance: np.ndarray, width) -> np.ndarray:
    return np.exp(-((distance / width) ** 2))


def _sky(view: View) -> np.ndarray:
    """Horizon colour to middle to zenith, a glow around the disc, and streaks of cloud."""
    c, up = view.colour, np.abs(view.row_up)
    low, high = np.exp(-up / 0.1)[:, None], _bell(up, 0.36)[:, None]  # (N, 1, H)
    rows = c["zenith"][:, :, None] * (1 - high) + c["middle"][:, :, None] * high
    rows = rows + (c["horizon"][:, :, None] - rows) * low  # (N, C, H)
    picture = np.repeat(rows[:, :, :, None], view.edge, axis=3)

    disc_up, _, is_sun = disc_place(view.factors)
    across = view.x - view.factor("sun_x")[:, None]
    above = view.row_up - disc_up[:, None]
    strength = 0.22 + 0.33 * is_sun[:, None]
    glow = (strength * _bell(above, 0.16))[:, :, None] * _bell(across, 0.34)[:, None, :]
    glow += (0.35 * _bell(above, 0.085))[:, :, None] * _bell(across, 0.085)[:, None, :]
    _mix(picture, c["glow"], glow)

    u = view.chance["clouds"].reshape(-1, CLOUDS, 4)
    height, middle = 0.08 + 0.5 * u[:, :, 0], 1.4 * u[:, :, 1] - 0.2
    thick, wide = 0.010 + 0.03 * height, 0.12 + 0.3 * u[:, :, 2]
    dense = 1.3 * np.maximum(u[:, :, 3] - 0.3, 0)
    rows = _bell(view.row_up[:, :, None] - height[:, None], thick[:, None]) * dense[:, None]  # (N, H, clouds)
    columns = _bell(view.x - middle[:, :, None], wide[:, :, None])  # (N, clouds, W)
    _mix(picture, c["cloud"], np.minimum(rows @ columns, 0.8))
    return picture


def _disc(view: View, picture: np.ndarray) -> np.ndarray:
    """Sun, or a moon that waxes in the evening and wanes in the morning; returns how clear the sky is of it."""
    disc_up, radius, is_sun = disc_place(view.factors)
    across = view.x - view.factor("sun_x")[:, None]
    above2 = (view.up - disc_up[:, None, None]) ** 2
    cover = _round(across, above2, radius, view.edge)
    side = np.where(view.factors["time"] < 0.5, 1, -1).astype(np.float32)
    shade = _round(across + (0.055 * side)[:, None], above2, 0.92 * radius, view.edge)
    shade *= (1 - is_sun)[:, None, None]
    lit = cover * (1 - shade)
    _mix(picture, view.colour["disc"], lit)
    return 1 - cover


def _round(across: np.ndarray, above2: np.ndarray, radius: np.ndarray, edge: int) -> np.ndarray:
    distance = np.sqrt(above2 + (across**2)[:, None, :])
    return np.clip((radius[:, None, None] - distance) * edge + 0.5, 0, 1)


def _hills(view: View, picture: np.ndarray, clear: np.ndarray) -> np.ndarray:
    far, near = ridges(view.factors, view.chance["ridges"], view.x)
    haze = view.factor("haze")[:, None]
    for height, part, veil in ((far, "far", 0.6), (near, "near", 0.35)):
        cover = view.covered(height)
        colour = view.colour[part] + (view.colour["horizon"] - view.colour[part]) * (haze * veil)
        _mix(picture, colour, cover)
        clear = clear * (1 - cover)
    return clear


def _skyline(view: View, picture: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Buildings with lit windows; by day the windows are a little darker than the walls."""
    roof, tone = roofs(view.factors, view.chance["plots"])
    place = view.x * CELLS
    cell = place.astype(np.int64)
    cover = view.covered(roof[:, cell])
    c = view.colour
    haze = (view.factor("haze") * 0.3)[:, None]
    wall = c["wall"] + (c["horizon"] - c["wall"]) * haze
    walls = wall[:, :, None] * (0.72 + 0.62 * tone[:, None, cell])  # (N, C, W)
    _mix(picture, np.broadcast_to(walls[:, :, None, :], picture.shape), cover)

    floor = view.row_up / FLOOR
    row = np.clip(floor.astype(np.int64), 0, FLOORS - 1)
    u = view.chance["windows"].reshape(-1, FLOORS, CELLS)
    share = view.factor("lit")[:, None, None]
    bright = np.where(u < share, np.minimum(1.2 - 0.6 * u / np.maximum(share, 1e-6), 1), 0)
    bright = np.take_along_axis(bright, row[:, :, None], axis=1)[:, :, cell]  # (N, H, W)
    pane = _pane(floor, 0.3)[:, :, None] * _pane(place, 0.36)
    pane = pane * cover
    dark = lamps(view.factors["time"]).astype(np.float32)[:, None, None]
    pane *= 0.22 * (1 - dark) + bright * dark
    lamp = np.array([1.0, 0.83, 0.47], np.float32)
    if picture.shape[1] == 1:
        lamp = np.array([0.84], np.float32)
    by_night = dark[:, :, 0]
    _mix(picture, lamp * by_night + 0.6 * wall * (1 - by_night), pane)
    return clear * (1 - cover)


def _pane(place: np.ndarray, half: float) -> np.ndarray:
    """1 inside a window, 0 on the wall between, along one axis counted in windows."""
    offset = np.abs(place - np.floor(place) - 0.5)
    return np.clip((half - offset) * 8 + 0.5, 0, 1)


def _haze(view: View, picture: np.ndarray) -> None:
    """A veil of the horizon's colour, thickest where the sky ends."""
    c = view.colour
    veil = 0.75 * c["horizon"] + 0.25 * c["middle"]
    weight = view.factor("haze")[:, None] * 0.75 * np.exp(-np.abs(view.row_up) / 0.12)
    _mix(picture, veil, np.repeat(weight[:, :, None], view.edge, axis=2))


def _below_horizon(view: View, picture: np.ndarray, clear: np.ndarray) -> np.ndarray:
    below = np.clip(view.depth * view.edge + 0.5, 0, 1) * (view.depth > 0)
    sea = view.factor("sea")[:, None]
    _sea(view, picture, below * sea)
    _land(view, picture, below * (1 - sea))
    return clear * (1 - below)[:, :, None]


def _sea(view: View, picture: np.ndarray, water: np.ndarray) -> None:
    """Darken what the rows mirror, tint it, ripple it, and lay the glitter of the disc over it; water (N, H)."""
    c = view.colour
    deep = 0.5 * c["zenith"] + 0.25 * c["ground"]
    tint = water * (0.24 + 0.5 * np.minimum(view.depth / 0.55, 1))
    weight = tint[:, :, None] * (1 + 0.28 * view.ripple)
    _mix(picture, deep, weight)

    disc_up, _, is_sun = disc_place(view.factors)
    across = view.x - view.factor("sun_x")[:, None]
    width = 0.035 + 0.16 * view.depth
    column = np.exp(-((across[:, None, :] / width[:, :, None]) ** 2))
    low = 1 - np.clip(disc_up / 0.6, 0, 1)
    strength = (0.4 + 0.3 * low) * (0.75 + 0.25 * is_sun)
    sparkle = np.clip(0.35 + 0.9 * view.ripple, 0, 1)
    sparkle *= column
    sparkle *= (water * strength[:, None])[:, :, None]
    _mix(picture, 0.6 * c["disc"] + 0.4 * c["glow"], sparkle)


def _land(view: View, picture: np.ndarray, land: np.ndarray) -> None:
    """Ground that rolls towards the viewer in slopes, each darker than the one behind; land (N, H)."""
    c = view.colour
    back = 0.72 * c["near"] + 0.2 * c["horizon"] + 0.08 * c["glow"]
    _mix(picture, back, np.repeat(land[:, :, None], view.edge, axis=2))
    u = view.chance["slopes"].reshape(-1, SLOPES, 3)
    wide = (1 - view.factor("horizon"))[:, None]  # the height of the ground
    for k in range(SLOPES):
        tall, turn, lean = u[:, k : k + 1, 0], 2 * np.pi * u[:, k : k + 1, 1], u[:, k : k + 1, 2] - 0.5
        crest = wide * (0.16 + 0.24 * k + 0.1 * tall)
        crest = crest + 0.05 * np.sin((4 + 3 * tall) * view.x + turn) + 0.12 * lean * (view.x - 0.5)
        cover = (view.depth[:, :, None] - crest[:, None, :]) * view.edge + 0.5
        cover = np.clip(cover, 0, 1) * land[:, :, None]
        share = (k + 1) / SLOPES
        _mix(picture, back * (1 - share) + c["ground"] * share, cover)


def _stars(view: View, size: int) -> np.ndarray:
    """Stars as tents one pixel wide at the final size: (N, size, size), 0 by day."""
    u = view.chance["stars"].reshape(-1, STARS, 3)
    night = np.clip(-2.2 * sun_height(view.factors["time"]) - 0.75, 0, 1).astype(np.float32)
    bright = night[:, None] * (0.16 + 0.7 * u[:, :, 2] ** 3)
    bright *= 1 - 0.6 * view.factor("haze")[:, None]
    bright *= min(1.0, (size / 28) ** 2)  # a star gives a large pixel no more light than a small one
    pixel = np.arange(size, dtype=np.float32) + 0.5
    rows = np.maximum(1 - np.abs(pixel[:, None] - size * 0.6 * u[:, None, :, 0]), 0)  # (N, H, stars)
    columns = np.maximum(1 - np.abs(pixel - size * u[:, :, 1:2]), 0)  # (N, stars, W)
    return (rows * bright[:, None]) @ columns


def _vignette(edge: int) -> np.ndarray:
    away = (np.arange(edge, dtype=np.float32) + 0.5) / edge - 0.5
    return 1 - 0.34 * (away[:, None] ** 2 + away**2)


def _shrink(picture: np.ndarray, size: int) -> np.ndarray:
    """Mean over squares of pixels: (…, H, W) → (…, size, size)."""
    k = picture.shape[-1] // size
    squares = picture.reshape(*picture.shape[:-2], size, k, size, k)
    total = squares[..., 0, :, 0].copy()
    for i, j in list(np.ndindex(k, k))[1:]:
        total += squares[..., i, :, j]
    return total * (1 / k**2)
