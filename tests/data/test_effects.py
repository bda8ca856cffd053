"""The built-in effects: factors that do what they say, loops that close, no picture without its effect."""

import itertools

import numpy as np
import pytest

from minigen.data import (
    EFFECT_FACTORS,
    EFFECT_RANGES,
    EFFECT_SEEN,
    EFFECTS,
    draw_effect_factors,
    effect_stills,
    effects,
    open_data,
    render_effects,
)
from minigen.errors import DataError, SettingError

LOOPS = ("fire", "smoke", "rain", "snow")
every_effect = pytest.mark.parametrize("kind", EFFECTS)
every_loop = pytest.mark.parametrize("kind", LOOPS)


def drawn(count, seed=0, **fixed):
    """`count` records as drawn, with some factors set."""
    factors = draw_effect_factors(count, seed)
    for name, value in fixed.items():
        factors[name] = value
    return factors


def grey(factors, kind, size=32, frames=8):
    """Clips without their axis of channels, as float64 (N, T, H, W)."""
    return render_effects(factors, kind, size, frames)[..., 0].astype(float)


def levels_apart(a, b):
    return int(np.abs(a.astype(int) - b).max())


def seam(clips):
    """‖x_{T−1} − x_0‖ over the mean ‖x_{t+1} − x_t‖, for each clip (N, T, …)."""
    steps = np.linalg.norm((np.roll(clips, -1, axis=1) - clips).reshape(*clips.shape[:2], -1), axis=2)
    return steps[:, -1] / steps[:, :-1].mean(axis=1)


def centre(clips, axis):
    """Mean row (axis 2) or column (axis 3) of the light of each frame: (N, T)."""
    light = clips.sum(axis=5 - axis)
    return (light * np.arange(light.shape[2])).sum(axis=2) / light.sum(axis=2)


def moved(before, after):
    """By how many rows and columns one frame must be moved to look most like another, by their correlation."""
    a, b = before - before.mean(), after - after.mean()
    alike = np.fft.ifft2(np.conj(np.fft.fft2(a)) * np.fft.fft2(b)).real
    place = np.unravel_index(alike.argmax(), alike.shape)
    return [(i + edge // 2) % edge - edge // 2 for i, edge in zip(place, alike.shape, strict=True)]


def slant(frame, rows=8):
    """By how many columns what is seen in one row is further on `rows` below: positive leans to the right."""
    upper = frame[:-rows] - frame[:-rows].mean()
    lower = frame[rows:] - frame[rows:].mean()
    return max(range(-12, 13), key=lambda d: (upper[:, 12:-12] * np.roll(lower, -d, axis=1)[:, 12:-12]).sum())


@every_effect
@pytest.mark.parametrize("size, frames, channels", [(8, 1, 1), (16, 3, 3), (33, 2, 1), (128, 2, 3)])
def test_effects_are_uint8_clips_channels_last(kind, size, frames, channels):
    items, factors = effects(3, kind, size, frames, channels, seed=1)
    assert items.shape == (3, frames, size, size, channels) and items.dtype == np.uint8
    assert factors.shape == (3,) and factors.dtype == EFFECT_FACTORS
    stills, _ = effect_stills(3, kind, size, channels, seed=1)
    assert stills.shape == (3, size, size, channels) and stills.dtype == np.uint8


@every_effect
def test_the_same_seed_draws_the_same_effects_and_another_seed_draws_others(kind):
    a, b, c = (effects(5, kind, 16, 4, seed=seed) for seed in (3, 3, 4))
    assert (a[0] == b[0]).all() and (a[1] == b[1]).all()
    assert (a[0] != c[0]).any(axis=(1, 2, 3, 4)).all() and (a[1]["wind"] != c[1]["wind"]).all()


@every_effect
def test_the_first_twenty_of_a_thousand_are_the_twenty(kind):
    few, few_factors = effect_stills(20, kind, 16, 3, seed=9)
    many, many_factors = effect_stills(1000, kind, 16, 3, seed=9)
    assert (many[:20] == few).all() and (many_factors[:20] == few_factors).all()


@every_effect
def test_rendering_the_factors_gives_the_items_whatever_stands_beside_them(kind):
    items, factors = effects(40, kind, 16, 8, seed=5)
    assert (render_effects(factors, kind, 16, 8) == items).all()
    assert (render_effects(factors[[31, 3]], kind, 16, 8) == items[[31, 3]]).all()


def test_the_drawn_factors_are_the_same_on_every_platform():
    first = draw_effect_factors(2, seed=0)[1]
    assert [first[name].item().hex() for name in ("x", "wind", "nuisance")] == [
        "0x1.8d6e7cf3e186fp-2",
        "-0x1.657770f27d2aep-1",
        "0x1.0495b5b6af5b2p-2",
    ]


def test_every_factor_is_uniform_on_its_range_and_independent_of_the_others():
    factors = draw_effect_factors(20_000, seed=2)
    for name, (lowest, highest) in EFFECT_RANGES.items():
        share = (factors[name] - lowest) / (highest - lowest)
        counts = np.histogram(share, 20, (0, 1))[0]
        assert counts.sum() == 20_000
        assert ((counts - 1000) ** 2 / 1000).sum() < 50, name  # χ² with 19 degrees of freedom: p ≈ 1e-4
    for a, b in itertools.combinations(EFFECT_RANGES, 2):
        assert abs(np.corrcoef(factors[a], factors[b])[0, 1]) < 0.03, (a, b)  # 4 / √20,000


@every_loop
def test_frame_t_is_frame_0_and_a_loop_begun_later_is_the_same_loop(kind):
    loop = render_effects(drawn(6, phase=0.0), kind, 32, 16)
    assert (render_effects(drawn(6, phase=1.0), kind, 32, 16) == loop).all()
    later = render_effects(drawn(6, phase=5 / 16), kind, 32, 16)
    assert levels_apart(later, np.roll(loop, -5, axis=1)) <= 1  # a product of matrices may add up in another order


@every_loop
def test_the_step_over_the_seam_is_like_any_other(kind):
    clips = grey(drawn(15, seed=4), kind, frames=256)  # so many that rain has not moved on by a whole streak
    assert 0.8 < seam(clips).mean() < 1.2 and seam(clips).max() < 2
    assert 0.8 < seam(np.diff(clips, axis=1, append=clips[:, :1])).mean() < 1.2  # nor a jerk
    assert seam(clips[:, :192]).min() > 2  # the measure tells a clip that does not close


@every_loop
def test_nothing_appears_or_vanishes_within_the_picture(kind):
    clips = grey(drawn(20, seed=3), kind, frames=256)
    steps = np.linalg.norm((np.roll(clips, -1, axis=1) - clips).reshape(20, 256, -1), axis=2)
    assert (steps.max(axis=1) / steps.mean(axis=1)).max() < 2
    clips[:, 100:, 10:14, 10:14] = 255  # the measure tells a speck that pops up
    steps = np.linalg.norm((np.roll(clips, -1, axis=1) - clips).reshape(20, 256, -1), axis=2)
    assert (steps.max(axis=1) / steps.mean(axis=1)).min() > 2


def test_an_explosion_flashes_spreads_and_dies_away_and_is_no_loop():
    clips = grey(drawn(40, seed=6), "explosion", frames=16)
    light = clips.mean(axis=(2, 3))
    assert (light[:, -1] < 0.5 * light.max(axis=1)).all()
    assert (np.diff(light[:, 8:], axis=1) < 0).mean() > 0.95
    assert (clips[:, 1:3].max(axis=(1, 2, 3)) > 200).all() and (clips[:, -1].max(axis=(1, 2)) < 120).all()
    spread = (clips > 20).mean(axis=(2, 3))
    assert (spread[:, 6] > 1.3 * spread[:, 1]).mean() > 0.9
    assert seam(clips).min() > 1.8


def test_sparks_leave_the_ball_and_embers_the_flame():
    small = {"size": 0.0, "turbulence": 0.0, "wind": 0.0, "x": 0.5, "amount": 1.0}
    ball = grey(drawn(30, seed=6, phase=0.3, speed=1.0, **small), "explosion", 64, 1)[:, 0]
    far = np.abs(np.arange(64) - 31.5) > 0.32 * 64  # columns that the ball, of radius 0.25, does not reach
    assert (ball[:, :, far].max(axis=(1, 2)) > 60).mean() > 0.9
    fire = grey(drawn(30, seed=6, **small), "fire", 64, 16)[:, :, :22]  # rows above a flame half as high as the picture
    assert (fire.max(axis=(1, 2, 3)) > 40).mean() > 0.9


@every_effect
def test_a_still_is_the_frame_of_a_clip_at_its_phase(kind):
    still = render_effects(drawn(4, phase=0.625), kind, 16, 1)[:, 0]
    clip = render_effects(drawn(4, phase=0.0), kind, 16, 8)
    assert levels_apart(still, clip[:, 5]) <= 1
    assert (effect_stills(4, kind, 16, seed=2)[0] == render_effects(draw_effect_factors(4, 2), kind, 16, 1)[:, 0]).all()


@every_effect
@pytest.mark.parametrize("size", [8, 16, 32])
def test_no_still_is_empty_and_none_is_full(kind, size):
    items, _ = effect_stills(2000, kind, size, seed=9)
    assert items.max(axis=(1, 2, 3)).min() >= 16
    assert items.mean(axis=(1, 2, 3)).max() < 128
    assert np.median(items.std(axis=(1, 2, 3))) > 15


@every_effect
def test_more_amount_is_brighter(kind):
    light = np.stack([grey(drawn(30, seed=1, amount=a), kind).mean(axis=(1, 2, 3)) for a in np.linspace(0, 1, 5)])
    assert (np.diff(light, axis=0) > 0).all()
    assert light[-1].mean() > 1.25 * light[0].mean()


@every_effect
def test_more_size_covers_more(kind):
    cover = [(grey(drawn(30, seed=1, size=s), kind) > 40).mean() for s in np.linspace(0, 1, 5)]
    assert (np.diff(cover) > 0).all() and cover[-1] > 1.8 * cover[0]


@pytest.mark.parametrize("kind", ["fire", "smoke", "explosion"])
def test_x_is_where_it_begins(kind):
    for x in (0.25, 0.5, 0.75):
        clips = grey(drawn(30, seed=2, x=x, wind=0.0), kind)
        assert centre(clips, 3).mean() == pytest.approx(32 * x - 0.5, abs=1.2)


@pytest.mark.parametrize("kind", ["fire", "smoke", "explosion"])
def test_the_wind_carries_what_rises(kind):
    left, still, right = (centre(grey(drawn(30, seed=2, x=0.5, wind=w), kind), 3) for w in (-1.0, 0.0, 1.0))
    assert (right - still).mean() > 1.5 and (still - left).mean() > 1.5
    assert (right.mean(axis=1) > left.mean(axis=1)).all()


@pytest.mark.parametrize("kind", ["rain", "snow"])
@pytest.mark.parametrize("wind", [-1.0, -0.5, 0.0, 0.5, 1.0])
def test_the_wind_carries_what_falls(kind, wind):
    clips = grey(drawn(10, seed=2, wind=wind, turbulence=0.0, amount=1.0, speed=0.5), kind, 32, 24)
    down, across = np.array([moved(clip[t], clip[t + 1]) for clip in clips for t in range(0, 23, 4)]).T
    assert np.median(down) in (2, 3, 4)
    assert np.sign(np.median(across)) == np.sign(wind)


def test_streaks_of_rain_lie_along_their_way():
    for wind in (-1.0, 0.0, 1.0):
        stills = grey(drawn(20, seed=2, wind=wind, turbulence=0.0, amount=1.0, size=1.0), "rain", 64, 1)[:, 0]
        assert np.median([slant(still) for still in stills]) == pytest.approx(0.75 * wind * 8)


@pytest.mark.parametrize("kind", ["rain", "snow"])
def test_with_more_speed_more_is_fallen(kind):
    fallen = [
        np.mean([moved(*clip[:2])[0] for clip in grey(drawn(20, 3, speed=s, amount=1.0, wind=0.0), kind, 64, 32)])
        for s in (0.0, 0.5, 1.0)
    ]
    assert fallen[0] < fallen[1] < fallen[2] and fallen[2] > fallen[0] + 0.7


def test_with_more_speed_flames_rise_faster_smoke_rises_higher_and_a_ball_spreads_sooner():
    slow, fast = (grey(drawn(30, seed=3, speed=s), "fire", 64, 32) for s in (0.0, 1.0))
    risen = [np.mean([moved(*(clip - clip.mean(axis=0))[:2])[0] for clip in clips]) for clips in (slow, fast)]
    assert risen[1] < risen[0] - 0.2 < 0  # rows count downwards
    low, high = (centre(grey(drawn(30, seed=3, speed=s), "smoke"), 2) for s in (0.0, 1.0))
    assert (low.mean(axis=1) - high.mean(axis=1)).min() > 0
    small, large = ((grey(drawn(30, seed=3, speed=s), "explosion", 32, 16)[:, 1] > 60).mean() for s in (0.0, 1.0))
    assert large > 1.3 * small


def test_turbulence_tears_flames_swirls_smoke_ruffles_balls_and_stirs_rain_and_snow():
    calm, rough = ({"wind": 0.0, "x": 0.5, "turbulence": t} for t in (0.0, 1.0))
    for kind in ("fire", "smoke"):
        still, swaying = (centre(grey(drawn(30, 2, **how), kind), 3).std(axis=1).mean() for how in (calm, rough))
        assert swaying > 2 * still, kind

    def lopsided(clips):
        return (np.abs(clips - clips[..., ::-1]).sum(axis=(1, 2, 3)) / clips.sum(axis=(1, 2, 3))).mean()

    assert lopsided(grey(drawn(30, 2, **rough), "explosion")) > 1.4 * lopsided(grey(drawn(30, 2, **calm), "explosion"))

    def gusts(how):
        clips = grey(drawn(8, 2, amount=1.0, size=1.0, **how), "rain", 64, 16)
        return np.mean([np.std([slant(frame) for frame in clip]) for clip in clips])

    assert gusts(calm) < 0.3 < 0.6 < gusts(rough)

    def upright(how):  # flakes that fall straight down leave columns in the mean of a clip
        clips = grey(drawn(8, 2, **how), "snow", 64, 64)
        return clips.mean(axis=(1, 2)).std(axis=1).mean()

    assert upright(calm) > 1.2 * upright(rough)


@every_effect
def test_a_clip_shows_the_factors_that_it_is_said_to_show(kind):
    factors = draw_effect_factors(20, seed=6)
    clips = render_effects(factors, kind, 32, 4)
    for name, (lowest, highest) in EFFECT_RANGES.items():
        other = factors.copy()
        step = 0.3 * (highest - lowest)
        other[name] += np.where(factors[name] < (lowest + highest) / 2, step, -step)
        change = np.abs(render_effects(other, kind, 32, 4).astype(int) - clips).max(axis=(1, 2, 3, 4))
        if name in EFFECT_SEEN[kind]:
            assert (change >= 10).mean() > 0.9, name
        elif name == "x":
            assert (change == 0).all()
        else:
            assert name in ("phase", "nuisance") and (change >= 10).all()


@every_effect
def test_every_corner_of_the_ranges_can_be_painted(kind):
    ends = np.array(list(itertools.product(*EFFECT_RANGES.values())))  # 2⁸ corners
    factors = np.zeros(len(ends), EFFECT_FACTORS)
    for k, name in enumerate(EFFECT_RANGES):
        factors[name] = ends[:, k]
    items = render_effects(factors, kind, 16, 2, 3)  # NaN or what does not fit a byte would warn, an error here
    assert items.max(axis=(1, 2, 3, 4)).min() >= 16


@every_effect
def test_grey_is_the_luma_of_colour(kind):
    factors = drawn(30, seed=8)
    luma = render_effects(factors, kind, 32, 2, 3) @ np.array([0.299, 0.587, 0.114])
    assert np.abs(grey(factors, kind, 32, 2) - luma).mean() < 0.5  # they part only where a colour is clipped


@pytest.mark.parametrize("kind", ["fire", "smoke", "snow", "explosion"])  # rain is drawn a pixel wide, however small
def test_a_large_clip_shrinks_to_the_small_one(kind):
    factors = drawn(20, seed=5)
    small, large = grey(factors, kind, 32, 4), grey(factors, kind, 64, 4)
    shrunk = large.reshape(20, 4, 32, 2, 32, 2).mean(axis=(3, 5))
    assert np.abs(shrunk - small).mean() < 0.1 * small.mean()


def test_no_effects_are_still_an_array_of_effects():
    items, factors = effects(0)
    assert items.shape == (0, 16, 32, 32, 1) and factors.shape == (0,)
    assert effect_stills(0)[0].shape == (0, 32, 32, 1)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"n": -1}, "effects: n is -1; it must be between 0"),
        ({"n": 2.5}, "effects: n is 2.5; it must be a whole number"),
        ({"n": 1, "size": 4}, "effects: size is 4; it must be between 8 and 128"),
        ({"n": 1, "size": 129}, "effects: size is 129; it must be between 8 and 128"),
        ({"n": 1, "frames": 0}, "effects: frames is 0; it must be between 1 and 1024"),
        ({"n": 1, "channels": 2}, r"channels is 2; it must be 1 \(grey\) or 3 \(colour\)"),
        ({"n": 1, "seed": -3}, "effects: seed is -3"),
        (
            {"n": 1, "kind": "Fier"},
            "unknown kind 'Fier'; did you mean fire. It is one of fire, smoke, rain, snow, expl",
        ),
        ({"n": 1, "kind": None}, "unknown kind None. It is one of fire, smoke"),
    ],
)
def test_a_wrong_setting_is_named(arguments, message):
    with pytest.raises(SettingError, match=message):
        effects(**arguments)


def test_wrong_factors_are_named():
    factors = draw_effect_factors(3)
    factors["wind"][1] = np.nan
    with pytest.raises(DataError, match=r"factor wind of item 1 is nan; it must lie in \[-1, 1\]"):
        render_effects(factors)
    with pytest.raises(DataError, match=r"factors lack x, amount, .* Start from draw_effect_factors\(n\)"):
        render_effects(np.zeros(3))
    with pytest.raises(DataError, match=r"factors have shape \(2, 2\)"):
        render_effects(draw_effect_factors(4).reshape(2, 2))


@every_effect
def test_effects_are_opened_by_name_as_stills(kind):
    images = open_data(f"effects:{kind}", size=16, channels=3, count=12, seed=5)
    items, factors = effect_stills(12, kind, 16, 3, seed=5)
    assert (images.items == items).all() and (images.factors == factors).all()
    assert images.name == f"effects-{kind}" and images.licence == "rendered by minigen"


@pytest.mark.parametrize(
    "spec, settings, message",
    [
        ("effects", {}, "^--data effects: an effect must follow, as in effects:fire. It is one of fire, smoke, rain"),
        ("effects:", {}, "^--data effects:: an effect must follow, as in effects:fire"),
        ("effects:smok", {}, "^--data effects:smok: there is no effect 'smok'; did you mean effects:smoke"),
        ("effects:lava", {}, "^--data effects:lava: there is no effect 'lava'. It is one of fire"),
        ("effect:fire", {}, "^--data effect:fire: unknown; did you mean effects. .* effects:KIND"),
        ("effects:fire", {"size": 4}, "^--data effects:fire: size is 4; it must be between 8 and 128"),
        ("effects:fire", {"count": None}, "^--data effects:fire: count is None; say how many effects to render"),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_ones(spec, settings, message):
    with pytest.raises(SettingError, match=message):
        open_data(spec, **settings)
