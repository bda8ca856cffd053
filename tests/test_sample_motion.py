"""`python -m minigen.sample` of runs of motion: BVH files other programs read, films, loops, walks, restyled clips."""

import re
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from minigen import sample
from minigen.data.motion import animate, draw_motion_factors
from minigen.motion import (
    carrier,
    from_features,
    geodesic_angle,
    heading_of,
    read_bvh,
    resample,
    to_features,
    write_bvh,
)
from minigen.motion.loops import seamless
from minigen.sample_plan import Options, plan
from minigen.train import command, pictures, runs
from minigen.train.loop_films import in_step
from minigen.train.stick import film_wall
from minigen.train.stick_cell import TILE_M
from minigen.train.stick_figure import figure

SMALL = "--width 0.1 --latent 8 --batch 8 --steps 2 --pictures 1".split()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """trained("plain"), trained("action"), trained("real", folder): tiny runs, each made once."""
    folder = tmp_path_factory.mktemp("runs")
    made = {}

    def run(name, data=None):
        if name not in made:
            flags = ["--data", f"bvh:{data}"] if data else ["--data", "motion", "--count", "20"]
            flags += {"plain": [], "action": ["--condition", "action"], "real": ["--condition", "style"]}[name]
            assert command.main(["vae", *SMALL, *flags, "--out", str(folder / name)]) == 0
            (made[name],) = (folder / name).iterdir()
        return made[name]

    return run


@pytest.fixture
def made(tmp_path, capsys):
    """made(run, "a.gif", flags): the command, which must succeed, writes into the test's folder → the file's path."""

    def call(run, name, *flags):
        capsys.readouterr()
        assert sample.main([str(run), "--out", str(tmp_path / name), *flags]) == 0
        assert capsys.readouterr().err == ""
        return tmp_path / name

    return call


def refused(run, capsys, *flags):
    """The command must refuse in one sentence and leave nothing; that sentence."""
    capsys.readouterr()
    before = sorted(run.rglob("*"))
    assert sample.main([str(run), *flags]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("error: ") and shown.err.count("\n") == 1
    assert sorted(run.rglob("*")) == before
    return shown.err


def film(path):
    """The frames of a GIF (T, H, W, 3) and its comment."""
    with Image.open(path) as image:
        frames = []
        for k in range(image.n_frames):
            image.seek(k)
            frames.append(np.asarray(image.convert("RGB")).astype(int))
        return np.stack(frames), image.info["comment"].decode()


def features(path):
    with np.load(path) as archive:
        return archive["features"]


def as_read(recipe, x):
    """What the features (1, T, F) that a model made are after a way through rotations, as a file holds them."""
    return np.stack([to_features(clip, recipe.carrier) for clip in recipe.clips(x)])


# BVH ------------------------------------------------------------------------------------------------------------------


def test_a_clip_of_a_run_on_real_clips_has_their_joints_rate_and_unit_in_an_independent_reader(
    trained, made, real_data
):
    bvhio = pytest.importorskip("bvhio")
    run = trained("real", real_data("motion"))
    path = made(run, "a.bvh", "--seeds", "5")
    source = read_bvh(real_data("motion") / "walk_old_001.bvh")
    found = bvhio.readAsBvh(str(path))
    joints = [joint for joint, _, _ in found.Root.layout()]
    parents = {child.Name: joint.Name for joint in joints for child in joint.Children}
    names = source.skeleton.names
    assert [joint.Name for joint in joints] == list(names)
    assert parents == {names[j]: names[p] for j, p in enumerate(source.skeleton.parents) if p >= 0}
    assert found.FrameTime == pytest.approx(1 / 30, rel=2e-6)  # it adds the time up in float32
    assert found.FrameCount == 64 and len(joints[0].Keyframes) == 64
    clip = read_bvh(path)  # which guesses the unit anew
    assert clip.skeleton.same(source.skeleton) and clip.fps == source.fps == 30
    heights = clip.places[:, 1, 1]
    assert 50 < heights.mean() < 150  # the hips, in centimetres


def test_what_is_written_is_what_blender_needs(trained, made):
    text = made(trained("plain"), "a.bvh", "--seeds", "0").read_text()
    head, motion = text.split("MOTION\n")
    assert re.match(r"Frames: 64\nFrame Time: 0\.0333333333\n", motion)
    channels = re.findall(r"CHANNELS (\d) (.*)", head)
    total = sum(int(n) for n, _ in channels)
    frames = motion.split("\n")[2:-1]
    assert len(frames) == 64 and all(len(line.split()) == total for line in frames)
    for number, (n, names) in enumerate(channels):
        assert len(names.split()) == int(n) and names.count("rotation") in (0, 3)
        assert names.count("position") == (3 if number == 0 else 0)  # positions on the root only
    assert head.count("{") == head.count("}") and "\t" not in text and "nan" not in text and "#" not in text


def test_one_seed_is_one_clip_to_the_byte_whatever_else_is_asked(trained, made):
    run = trained("plain")
    alone = made(run, "a.bvh", "--seeds", "7").read_bytes()
    many = made(run, "many.##.bvh", "--seeds", "6-8")
    assert many.with_name("many.02.bvh").read_bytes() == alone
    assert made(run, "b.bvh", "--seeds", "7").read_bytes() == alone
    walk = made(run, "walk.##.bvh", "--seeds", "3,7", "--walk", "--frames-between", "2", "--start", "0")
    assert walk.with_name("walk.02.bvh").read_bytes() == alone
    each = made(run, "{seed}.bvh", "--seeds", "7-8")
    assert each.with_name("7.bvh").read_bytes() == alone
    assert made(run, "c.bvh", "--seeds", "8").read_bytes() == each.with_name("8.bvh").read_bytes() != alone


def test_a_clip_can_have_another_frame_rate(trained, made):
    run = trained("plain")
    own, film_rate = (
        read_bvh(made(run, f"{n}.bvh", "--seeds", "1", *f)) for n, f in (("a", []), ("b", ["--fps", "24"]))
    )
    assert own.fps == 30 and len(own) == 64 and film_rate.fps == 24 and len(film_rate) == 51
    assert np.abs(resample(own, 24).places - film_rate.places).max() < 1e-6
    ntsc = read_bvh(made(run, "c.bvh", "--seeds", "1", "--fps", "23.976"))
    assert ntsc.fps.denominator == 1001


# Films, strips, archives ----------------------------------------------------------------------------------------------


def test_without_flags_a_film_of_eight_figures_goes_into_the_run(trained, capsys):
    run = trained("plain")
    capsys.readouterr()
    assert sample.main([str(run)]) == 0
    assert capsys.readouterr().out == f"wrote {run / 'samples' / 'seeds_0-7.gif'}\n"
    frames, comment = film(run / "samples" / "seeds_0-7.gif")
    H, W = frames.shape[1:3]
    assert len(frames) == 64 and W == 512 and 256 < H < 300
    facts = dict(line.split(": ", 1) for line in comment.splitlines())
    assert facts["run"] == "0001-vae-motion" and facts["step"] == "2" and facts["seeds"] == "0-7"
    assert len(facts["settings"]) == 12 and facts["Software"].startswith("minigen ")
    assert "exists already" in refused(run, capsys)
    assert sample.main([str(run), "--force"]) == 0


def test_one_seed_is_seen_from_two_sides_and_many_in_rows(trained, made):
    run = trained("plain")
    assert film(made(run, "one.gif", "--seeds", "3"))[0].shape[2] == 2 * 224
    assert film(made(run, "big.gif", "--seeds", "3", "--scale", "2"))[0].shape[2] == 4 * 224
    assert film(made(run, "rows.gif", "--seeds", "0-3", "--columns", "2"))[0].shape[2] == 2 * 128
    assert len(film(made(run, "slow.gif", "--seeds", "0-1", "--fps", "15"))[0]) == 32


def test_films_and_frames_of_other_kinds_are_written(trained, made):
    run = trained("plain")
    assert made(run, "a.mp4", "--seeds", "0", "--repeat", "2").stat().st_size > 1000
    made(run, "f.##.png", "--seeds", "0", "--fps", "10", "--start", "8")
    assert sorted(p.name for p in made(run, "b.gif", "--seeds", "0").parent.glob("f.*"))[0] == "f.08.png"


@pytest.mark.parametrize(
    "own, name, shown", [(120, "a.gif", 40), (60, "a.gif", 30), (50, "a.gif", 50), (120, "a.mp4", 120)]
)
def test_a_gif_of_a_run_too_fast_for_it_shows_every_second_or_third_frame(own, name, shown, tmp_path):
    recipe = SimpleNamespace(config=SimpleNamespace(moves=True, window=64), fps=Fraction(own))
    assert plan(Options(tmp_path, out=tmp_path / name), recipe).fps == shown


def test_strips_have_a_row_a_seed(trained, made):
    run = trained("action")
    one, two = (pictures.read_png(made(run, f"{s}.png", "--seeds", s)) for s in ("0", "0-1"))
    assert one.shape[2] == 3 and two.shape[0] == pytest.approx(2 * one.shape[0], rel=0.02)
    text = pictures.read_text(made(run, "c.png", "--seeds", "0", "--label", "run"))
    assert text["class"] == "run" and text["seeds"] == "0" and text["run"] == "0001-vae-motion"


def test_an_archive_holds_features_and_their_names(trained, made):
    run = trained("action")
    with np.load(made(run, "a.npz", "--seeds", "4,9")) as archive:
        assert archive["features"].shape == (2, 64, 130) and len(archive["names"]) == 130
        assert str(archive["names"][-1]) == "yaw rate (rad/s)" and float(archive["fps"]) == 30
        assert archive["classes"].tolist() == ["wave", "wave"] and archive["latents"].shape == (2, 8)
        assert archive["seeds"].tolist() == [4, 9] and str(archive["run"]) == "0001-vae-motion"
        whole = archive["features"]
    assert (np.load(made(run, "a.npy", "--seeds", "4,9")) == whole).all()
    recipe = runs.load(run)
    assert np.abs(features(made(run, "b.npz", "--seeds", "4", "--fps", "30")) - whole[0]).max() == 0
    assert features(made(run, "c.npz", "--seeds", "4", "--fps", "15")).shape == (1, 32, 130)
    assert recipe.classes[4] == "wave"


def test_a_label_chooses_the_action(trained, made):
    run = trained("action")
    walk, run_ = (features(made(run, f"{name}.npz", "--seeds", "2", "--label", name)) for name in ("walk", "run"))
    assert (walk != run_).any()
    assert (
        features(made(run, "turns.npz", "--seeds", "3"))[0]
        == features(made(run, "w.npz", "--seeds", "3", "--label", "walk"))[0]
    ).all()


# Loops and walks ------------------------------------------------------------------------------------------------------


def test_a_loop_of_motion_is_the_seamless_part_of_the_seeds_clip(trained, made):
    run = trained("plain")
    whole = read_bvh(made(run, "a.bvh", "--seeds", "2"), unit="m")
    loop = read_bvh(made(run, "l.bvh", "--seeds", "2", "--loop"), unit="m")
    assert len(loop) < len(whole)
    again = seamless(whole)
    assert len(loop) == len(again) and geodesic_angle(loop.rotations, again.rotations).max() < 1e-3
    assert features(made(run, "l.npz", "--seeds", "2", "--loop")).shape == (1, len(loop), 130)


def seam(frames):
    steps = np.abs(np.diff(np.concatenate([frames, frames[:1]]), axis=0)).mean(axis=(1, 2, 3))
    return steps[-1] / steps[:-1].mean(), steps[:-1].max() / steps[:-1].mean()


@pytest.mark.parametrize("seeds", ["0", "0-3"])
def test_a_film_of_loops_repeats_without_a_seam(trained, made, seeds):
    run = trained("plain")
    frames, _ = film(made(run, "l.gif", "--seeds", seeds, "--loop"))
    last, most = seam(frames)
    assert last < 1.3 * most
    files = made(run, "l.#.bvh", "--seeds", seeds, "--loop", "--start", "0").parent.glob("l.?.bvh")
    each = [read_bvh(file, unit="m") for file in sorted(files)]
    assert len(frames) == len(in_step(each, carrier(each[0].skeleton, each))[0])


@pytest.fixture(scope="module")
def loops():
    """Loops of built-in figures that walk and run, of several lengths, and their carrier."""
    factors = draw_motion_factors(4, seed=1)
    factors["action"] = [1, 1, 2, 1]
    clips = animate(factors)
    body = carrier(clips[0].skeleton, clips)
    return [seamless(clip, body=body) for clip in clips], body


def test_loops_of_several_lengths_come_round_together(loops):
    before, body = loops
    assert len({len(loop) for loop in before}) > 1
    after = in_step(before, body)
    (T,) = {len(clip) for clip in after}
    assert max(map(len, before)) <= T <= 5 * max(map(len, before))
    for loop, clip in zip(before, after, strict=True):
        rounds = T / len(loop)
        assert abs(rounds / round(rounds) - 1) < 0.08 and clip.fps == loop.fps
        assert geodesic_angle(clip.rotations[0, 1:], loop.rotations[0, 1:]).max() < 1e-4


def test_a_film_of_walking_loops_has_no_seam(loops):
    before, body = loops
    last, most = seam(film_wall(in_step(before, body)).astype(int))
    assert last < 1.2 * most
    last, most = seam(film_wall(in_step(before[:1], body)).astype(int))
    assert last < 1.2 * most
    last, most = seam(film_wall(before).astype(int))  # cut to the shortest
    assert last > 1.2 * most


def test_the_ground_of_a_film_of_loops_comes_round_too(loops):
    before, body = loops
    for clip in in_step(before, body):
        p = clip.places[:, body.joint] * clip.skeleton.metres
        way = (p[-1] - p[0] + p[-1] - p[-2])[[0, 2]]  # the step over the seam is like the one before it
        x, z = figure(clip).forward
        tiles = np.array([[x, z], [z, -x]]) @ way / TILE_M
        assert abs(tiles[0]) > 1 and np.abs(tiles - np.round(tiles)).max() < 0.05


def test_a_film_of_a_loop_that_turns_faces_the_same_way_again(loops):
    before, body = loops
    x = to_features(before[0], body, dtype=np.float64)
    x[:, -1] += 1.0  # radians a second
    turning = from_features(x, before[0].skeleton, body, before[0].fps)
    (film,) = in_step([turning], body)
    f = np.degrees(heading_of(film, body))
    assert abs(f[-1] + (f[-1] - f[-2]) - f[0]) < 2  # over the seam it turns about as in the step before


def test_a_walk_is_clip_after_clip(trained, made):
    run = trained("action")
    walk = features(made(run, "w.npz", "--seeds", "2,7", "--walk"))
    assert len(walk) == 7
    steps = np.sqrt(((walk[1:] - walk[:-1]) ** 2).mean(axis=(1, 2)))
    assert steps.max() < 3 * steps.min()  # evenly spaced along the great circle
    assert film(made(run, "w.gif", "--seeds", "2,7", "--walk"))[0].shape[2] == 7 * 128
    assert film(made(run, "x.gif", "--seeds", "2,7,8", "--walk", "--frames-between", "3"))[0].shape[2] == 3 * 128
    assert pictures.read_png(made(run, "w.png", "--seeds", "2,7", "--walk")).shape[0] > 7 * 160


# Clips of one's own ---------------------------------------------------------------------------------------------------


def test_a_clip_is_encoded_and_decoded(trained, made):
    run = trained("plain")
    source = made(run, "a.bvh", "--seeds", "2")
    recipe = runs.load(run)
    x = as_read(recipe, features(made(run, "a.npz", "--seeds", "2")))
    with np.load(made(run, "again.npz", "--clip", str(source))) as archive:
        assert np.abs(archive["features"] - recipe.reconstruct(x)).max() < 1e-3  # the file rounds
        assert str(archive["clip"]) == "a.bvh"
    frames, comment = film(made(run, "again.gif", "--clip", str(source)))
    assert frames.shape[2] == 2 * 224 and len(frames) == 64 and "clip: a.bvh" in comment
    assert pictures.read_png(made(run, "again.png", "--clip", str(source))).shape[0] > 2 * 160  # both, in two rows
    assert len(read_bvh(made(run, "again.bvh", "--clip", str(source)))) == 64
    assert len(film(made(run, "slow.gif", "--clip", str(source), "--fps", "15"))[0]) == 32


def test_a_clip_is_decoded_as_another_class_and_told_its_own_by_its_name(trained, made, real_data):
    run = trained("real", real_data("motion"))
    source = str(real_data("motion") / "walk_old_001.bvh")
    with np.load(made(run, "a.npz", "--clip", source, "--label", "happy")) as archive:
        assert str(archive["class of the clip"]) == "old" and str(archive["class"]) == "happy"
        happy, z = archive["features"], archive["latents"]
    with np.load(made(run, "b.npz", "--clip", source)) as archive:
        assert str(archive["class"]) == "old"
        assert (archive["latents"] == z).all() and (archive["features"] != happy).any()
    assert (runs.load(run).generate(z, np.array([runs.load(run).classes.index("happy")])) == happy).all()


def test_the_class_of_a_clip_whose_name_does_not_tell_is_the_one_that_fits_best(trained, made, tmp_path, capsys):
    run = trained("action")
    source = made(run, "mine.bvh", "--seeds", "2")
    assert sample.main([str(run), "--clip", str(source), "--out", str(tmp_path / "a.npz"), "--label", "walk"]) == 0
    said = re.search(r"mine\.bvh: its name tells no class of this run; taken for (\w+),", capsys.readouterr().out)[1]
    with np.load(tmp_path / "a.npz") as archive:
        assert str(archive["class of the clip"]) == said and str(archive["class"]) == "walk"
        z = archive["latents"]
    recipe = runs.load(run)
    x = as_read(recipe, features(made(run, "x.npz", "--seeds", "2")))
    errors = []
    for k in range(len(recipe.classes)):
        d = recipe.scaling.to_units(recipe.reconstruct(x, np.array([k]))) - recipe.scaling.to_units(x)
        errors.append((d**2).mean())
    assert recipe.classes[int(np.argmin(errors))] == said
    assert np.abs(recipe.codes(x, np.array([int(np.argmin(errors))]))[0] - z).max() < 1e-3


def test_a_clip_that_does_not_fit_the_run_is_refused(trained, made, real_data, tmp_path, capsys):
    run = trained("plain")
    strange = str(real_data("motion") / "walk_old_001.bvh")
    message = refused(run, capsys, "--clip", strange)
    assert "walk_old_001.bvh: its skeleton has 22 joints" in message and "one of 21 joints" in message
    source = made(run, "a.bvh", "--seeds", "2")
    clip = read_bvh(source, unit="m")
    short = tmp_path / "short.bvh"
    write_bvh(short, resample(clip, 24))
    assert refused(run, capsys, "--clip", str(made(run, "s.bvh", "--seeds", "2", "--loop"))).count(
        "a window of this run, 64"
    )
    text = source.read_text()
    taller = tmp_path / "taller.bvh"
    offset = re.search(r"JOINT Spine\n\s*\{\n\s*OFFSET (.*)\n", text)[1]
    taller.write_text(text.replace(f"OFFSET {offset}", "OFFSET 0 0.3 0"))
    assert "taller.bvh: its bones differ in length from those this run learnt." in refused(
        run, capsys, "--clip", str(taller)
    )
    assert "none.bvh: does not exist. Name a BVH file." in refused(run, capsys, "--clip", str(tmp_path / "none.bvh"))
    assert "is a folder. Name a BVH file in it." in refused(run, capsys, "--clip", str(tmp_path))


def test_a_clip_of_another_rate_is_resampled(trained, made, tmp_path):
    run = trained("plain")
    clip = read_bvh(made(run, "a.bvh", "--seeds", "2"), unit="m")
    write_bvh(tmp_path / "fast.bvh", resample(clip, 120))
    slow, fast = (features(made(run, f"{n}.npz", "--clip", str(tmp_path / f"{n}.bvh"))) for n in ("a", "fast"))
    assert np.abs(slow - fast).max() < 1e-3


# Refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--out", "a.bvh"], "--out a.bvh: there are 8 clips, and a BVH file holds one; write a.####.bvh, or ask for"),
        (["--out", "a.#.bvh", "--seeds", "0-10"], "has more digits than there are #. Write ##."),
        (["--out", "a.jpg"], "--out a.jpg: write .bvh, name.####.bvh, .gif, .mp4, .png, name.####.png, .npy or .npz."),
        (["--seeds", "0-100"], "there are 101 clips, and a picture holds 100; write name.####.bvh or .npz, or fewer."),
        (["--loop", "--out", "a.npz"], "there are 8 clips, and loops differ in length; write a.####.bvh, or one seed."),
        (["--walk", "--seeds", "1"], "--walk needs two seeds or more"),
        (["--walk", "--loop"], "give one of them."),
        (["--label", "walk"], "--label walk: this run knows no classes; it was trained without --condition."),
        (["--scale", "2", "--out", "a.##.bvh"], "--scale 2 acts on pictures and films only, not here; leave it out."),
        (["--columns", "2", "--out", "a.##.bvh"], "--columns 2 acts on pictures of several items in rows only, not"),
        (["--columns", "2", "--out", "a.png"], "--columns 2 acts on pictures of several items in rows only, not here"),
        (["--columns", "2", "--seeds", "1"], "--columns 2 acts on pictures of several items in rows only, not here"),
        (["--repeat", "2", "--out", "a.##.bvh"], "--repeat 2 acts on .mp4 only, not here; leave it out."),
        (["--repeat", "2"], "repeat 2 is for .mp4"),
        (["--start", "2"], "--start 2 acts on numbered files, such as name.####.png only, not here; leave it out."),
        (["--loop", "--frames-between", "9"], "--frames-between 9 acts with --walk only, not here; leave it out."),
        (
            ["--out", "a.json"],
            "--out a.json: write .bvh, name.####.bvh, .gif, .mp4, .png, name.####.png, .npy or .npz.",
        ),
        (
            ["--alpha"],
            "--alpha acts on .png, name.####.png, name.####.exr and .json of images and clips only, not here",
        ),
        (["--alpha", "--out", "a.png"], "--alpha acts on .png, name.####.png, name.####.exr and .json of images and"),
        (["--clip", "a.bvh", "--out", "{seed}.bvh"], "{seed}.bvh: --clip makes one film, not one of each seed; leave"),
        (["--fps", "0"], "fps is 0; it must lie between"),
        (["--fps", "60"], "at most 50 frames a second"),
        (["--fps", "0.2", "--loop"], "seed 0: 1 frames are too few for a loop"),
    ],
)
def test_flags_that_cannot_be_met_are_named(trained, capsys, flags, message):
    assert message in refused(trained("plain"), capsys, *flags)


def test_an_unknown_action_is_named_with_those_there_are(trained, capsys):
    message = refused(trained("action"), capsys, "--label", "fly")
    assert "--label fly: no class of this run; choose one of idle, jump, run, walk, wave." in message


def test_nothing_is_overwritten_without_force(trained, made, tmp_path, capsys):
    run = trained("plain")
    for name, taken in (
        ("a.bvh", "a.bvh"),
        ("b.##.bvh", "b.01.bvh"),
        ("c.gif", "c.gif"),
        ("d.png", "d.png"),
        ("e.##.png", "e.05.png"),
    ):
        (tmp_path / taken).write_bytes(b"mine")
        flags = ["--seeds", "0", "--out", str(tmp_path / name)]
        assert "exists already; choose another --out, or overwrite with --force." in refused(run, capsys, *flags)
        assert (tmp_path / taken).read_bytes() == b"mine"
        made(run, name, "--seeds", "0", "--force")
        assert (tmp_path / taken).read_bytes() != b"mine"


def test_a_model_that_diverged_leaves_no_file(trained, monkeypatch, tmp_path, capsys):
    run = trained("plain")
    recipe = runs.load(run)
    generate, drawn = recipe.generate, []

    def diverging(z, *classes):
        drawn.append(z)
        return generate(z, *classes) * (1 if len(drawn) % 2 else np.nan)

    recipe.generate = diverging
    monkeypatch.setattr(runs, "load", lambda *given, **settings: recipe)
    for name in ("a.##.bvh", "a.gif", "a.png"):
        message = refused(run, capsys, "--seeds", "0-1", "--out", str(tmp_path / "new" / name))
        assert "seed 1: " in message and "not finite" in message
    assert not (tmp_path / "new").exists()
