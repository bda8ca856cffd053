"""What the page's buttons, sliders and keys do, in as much of a browser as they need."""

import shlex

import numpy as np
import pytest

from minigen.explorer.carried import drawn, rows_of

from .small_runs import run

HELD = """
const by = (id) => document.getElementById(id);
const now = () => ({
  seed: by("seed").value, origin: by("origin").textContent, check: by("check").textContent,
  z: state.exact ?? fromNormal(state.normal, data.prior), told: by("told").textContent,
  sliders: sliders.map(({ input }) => input.value), words: sliders.map(({ output }) => output.textContent),
  looping: by("loop").attributes["aria-pressed"], label: canvas.attributes["aria-label"],
  frame: by("frame").textContent,
});
const slide = (k, value) => { sliders[k].input.value = value; sliders[k].input.fire("input"); };
"""


@pytest.fixture
def act(page, in_node):
    """act("gan 28", "by('next').fire('click')", …): what the page holds at first and after each of the acts."""

    def done(name, *acts):
        code = HELD + f"[now(), {', '.join(f'({act}, now())' for act in acts)}]"
        return in_node(page(name), code, controls=True)

    return done


def test_it_opens_with_its_seed_and_checks_itself(act):
    (first,) = act("gan 28")
    assert first["seed"] == 0 and first["origin"] == "as python -m minigen.sample --seeds 0"
    assert first["check"].startswith("DEMO-OK") and first["looping"] == "false"
    np.testing.assert_array_equal(np.float32(first["z"]), rows_of(run("gan 28"), np.arange(1))[0])


def test_next_previous_and_a_typed_seed(act):
    held = act(
        "gan 28",
        "by('next').fire('click')", "by('previous').fire('click')", "by('previous').fire('click')",
        "(by('seed').value = '77', by('seed').fire('change'))", "key('ArrowRight')", "key('ArrowLeft')",
        "(by('seed').value = 'x', by('seed').fire('change'))",
        "(by('seed').value = '1e30', by('seed').fire('change'))",
    )  # fmt: skip
    assert [h["seed"] for h in held] == [0, 1, 0, 0, 77, 78, 77, 0, 2**32 - 2]
    assert held[4]["origin"].startswith("drawn by this page's own generator")
    assert held[0]["z"] == held[2]["z"] != held[1]["z"]


def test_a_slider_sets_one_coordinate_and_leaves_the_others(act):
    first, moved, back = act("gan 32", "slide(1, 2.5)", "by('reset').fire('click')")
    changed = np.array(moved["sliders"]) - first["sliders"]
    assert moved["sliders"][1] == pytest.approx(2.5) and moved["words"][1] == "2.50"
    np.testing.assert_allclose(np.delete(changed, 1), 0, atol=1e-6)
    assert np.abs(np.array(moved["z"]) - first["z"]).max() > 0.1
    assert moved["origin"] == first["origin"] + "; moved since"
    assert back == first


def test_the_loop_goes_round_and_comes_back_to_the_bit(act):
    held = act("gan 32", "by('loop').fire('click')", "pass(1000)", "pass(3000)", "pass(1000)", "key('l')", "pass(500)")
    first, begun, quarter, whole, again, stopped, later = held
    assert begun["looping"] == quarter["looping"] == "true"
    assert quarter["z"] != first["z"] and whole["z"] == first["z"] and again["z"] == quarter["z"]
    assert stopped["looping"] == "false" and later == stopped
    assert whole["origin"] == first["origin"] != quarter["origin"]
    assert np.abs(quarter["z"]).max() < 1  # its prior is uniform


def test_a_slider_stops_the_loop_and_a_seed_carries_it_on(act):
    acts = ("key('l')", "pass(400)", "by('next').fire('click')", "pass(400)", "pass(3600)", "slide(0, 1)")
    _, _, _, seeded, on, round_again, moved = act("gan 28", *acts)
    assert seeded["looping"] == on["looping"] == "true" and moved["looping"] == "false"
    np.testing.assert_array_equal(np.float32(seeded["z"]), rows_of(run("gan 28"), np.array([1]))[0])
    assert on["z"] != seeded["z"] == round_again["z"]  # the circle is that of the new seed


def test_keys_are_left_to_the_controls_that_have_the_focus(act):
    held = act(
        "gan 28",
        "key('ArrowRight', sliders[0].input)", "key(' ', by('random'))", "key('q')",
        "document.fire('keydown', { key: 'r', ctrlKey: true, target: by('page') })",
    )  # fmt: skip
    assert all(h == held[0] for h in held)


def test_space_loops_pictures_and_r_takes_a_seed_by_chance(act):
    _, looping, chance, reset = act("gan 28", "key(' ')", "key('r')", "key('Escape')")
    assert looping["looping"] == "true" and 0 <= chance["seed"] < 1e6 and chance["seed"] != 0
    assert reset["looping"] == "false"


def test_a_class_is_the_seeds_until_one_is_chosen(act):
    held = act(
        "gan of classes", "by('next').fire('click')", "classButtons[1].fire('click')", "by('next').fire('click')",
        "classButtons[0].fire('click')", "by('next').fire('click')", "by('reset').fire('click')",
    )  # fmt: skip
    assert [h["told"] for h in held] == ["land", "sea", "land", "land", "land", "sea", "sea"]
    assert held[1]["label"] == "A picture, seed 1, sea"


def test_the_canvas_shows_what_the_network_draws(page, in_node):
    for name in ("gan 28", "gan 32"):
        code = "document.getElementById('picture').drawn.at(-1)[1].data"
        pixels = np.array(in_node(page(name), code, controls=True)).reshape(run(name).config.size, -1, 4)
        x = drawn(run(name), rows_of(run(name), np.arange(1)))[0]
        wanted = np.broadcast_to((x + 1) * 127.5, (*pixels.shape[:2], 3))
        assert np.abs(pixels[..., :3] - wanted).max() <= 0.51 and (pixels[..., 3] == 255).all()


def test_factors_have_sliders_of_their_own(page, in_node):
    code = """
        const pixel = () => by("picture").drawn.at(-1)[1].data;
        const before = pixel();
        factorSliders[1].input.value = 0.25; factorSliders[1].input.fire("input");
        [before, pixel(), state.factors, factorSliders.map(({ input }) => [input.min, input.max]),
         by("origin").textContent]"""
    before, after, factors, ranges, origin = in_node(page("gan of factors"), HELD + code, controls=True)
    assert before != after and factors == [0.5, 0.25] and ranges == [[0, 1], [0.2, 0.8]]
    assert origin == "as python -m minigen.sample --seeds 0 --set time=0.5 haze=0.25"


def test_a_figure_plays_pauses_and_turns(page, in_node):
    code = """
        const strokes = () => by("picture").drawn.length;
        const found = [now().frame, (pass(500), now().frame), (key(" "), pass(500), now().frame)];
        const before = strokes();
        by("picture").fire("keydown", { key: "ArrowRight" });
        const byKeys = { ...state.view };
        by("picture").fire("pointermove", { clientX: 500, clientY: 0 });  // nothing is held
        by("picture").fire("pointerdown", { pointerId: 1, clientX: 100, clientY: 100 });
        by("picture").fire("pointermove", { clientX: 140, clientY: 110 });
        by("picture").fire("pointermove", { clientX: 160, clientY: 110 });
        by("picture").fire("pointerup", {});
        by("picture").fire("pointermove", { clientX: 500, clientY: 0 });
        [...found, strokes() > before, byKeys, state.view, now().seed, (key(" "), pass(100), now().frame)]"""
    frames = in_node(page("motion"), HELD + code, controls=True)
    assert frames == [
        "frame 1 of 16", "frame 16 of 16", "frame 16 of 16", True, {"azimuth": 50, "elevation": 14},
        {"azimuth": 20, "elevation": 18}, 0, "frame 3 of 16",
    ]  # fmt: skip


CLIP = """
const frame = () => now().frame.split(" ")[1] - 1;
const shown = () => by("picture").drawn.at(-1)[1].data;
"""


@pytest.mark.parametrize("name", ["clips", "clips with an end, frame by frame"])
def test_a_clip_plays_in_its_own_time(name, page, in_node):
    code = "const found = [frame()]; for (let i = 0; i < 50; i++) { pass(40); found.push(frame()); } found"
    frames = in_node(page(name), HELD + CLIP + code, controls=True)
    T, fps = 16, 12 if name == "clips" else 25
    rest = 0 if name == "clips" else 13  # frames, half a second: where a clip does not come round
    steps = np.arange(51) * 40 * fps // 1000
    assert frames == np.minimum(steps % (T + rest), T - 1).tolist()


def test_the_canvas_shows_the_frame_that_the_page_names(page, in_node):
    code = "[2, 9, 15].map((t) => (by('at').value = t + 1, by('at').fire('input'), [now().frame, shown()]))"
    for name in ("clips", "clips with an end"):
        recipe = run(name)
        clip = drawn(recipe, rows_of(recipe, np.arange(1)))[0]
        for t, (told, pixels) in zip([2, 9, 15], in_node(page(name), HELD + CLIP + code, controls=True), strict=True):
            assert told == f"frame {t + 1} of {len(clip)}"
            found = np.array(pixels).reshape(32, 32, 4)
            wanted = np.broadcast_to((clip[t] + 1) * 127.5, (32, 32, 3))
            assert np.abs(found[..., :3] - wanted).max() <= 0.51 and (found[..., 3] == 255).all()


def test_a_clip_pauses_goes_on_and_is_stepped_through(page, in_node):
    code = """
        const found = [], note = () => found.push([frame(), by("at").value - 1, by("play").attributes["aria-pressed"]]);
        pass(1000), note();                                        // frame 12
        key(" "), pass(500), note();                               // pause
        key(" "), pass(0.1), note(), pass(500), note();            // on, from where it stood
        key("."), pass(500), note(), key("."), note();             // stepping pauses
        for (let i = 0; i < 5; i++) key(","); note();
        by("at").value = 1; by("at").fire("input"), note(), key(","), note(), key("."), note();  // round both ends
        by("play").fire("click"), pass(100), note();
        key(" ", sliders[0].input), note();                        // a slider has no use for space
        found"""
    found = in_node(page("clips"), HELD + CLIP + code, controls=True)
    frames = [12, 12, 12, 2, 3, 4, 15, 0, 15, 0, 1, 1]
    playing = ["true", "false", "true", "true", *["false"] * 6, "true", "false"]
    assert found == [[t, t, p] for t, p in zip(frames, playing, strict=True)]


def test_nothing_moves_by_itself_for_who_asks_for_reduced_motion(page, in_node):
    code = "pass(2000); const still = [frame(), now().looping]; key(' '); pass(500); [...still, frame()]"
    assert in_node(page("clips"), HELD + CLIP + code, controls="calm") == [0, "false", 6]


def test_a_clip_plays_while_the_loop_goes_round(page, in_node):
    code = """
        pass(500); const first = [now().z, frame(), shown()];
        by("loop").fire("click"); pass(4000); const half = [now().z, frame()];
        pass(4000); const whole = [now().z, frame(), shown()];
        pass(4000); key("l"); by("next").fire("click"); pass(100); [first, half, whole, now().looping]"""
    first, half, whole, looping = in_node(page("clips"), HELD + CLIP + code, controls=True)
    assert half[0] != first[0] and half[1] == first[1] == 6  # 48 frames later: three rounds of the clip
    assert whole == first and looping == "false"  # and 96 frames later all is as it was, to the bit


def test_a_slider_changes_the_clip_and_not_its_time(page, in_node):
    code = """
        pass(500); const first = [frame(), shown()];
        slide(0, 2); const moved = [frame(), shown(), now().words[0]];
        pass(1000); [first, moved, frame()]"""
    first, moved, later = in_node(page("clips frame by frame"), HELD + CLIP + code, controls=True)
    assert first[0] == moved[0] == 6 and later == 2 and moved[2] == "2.00"
    assert first[1] != moved[1]


SLOW = """
let time = 1e6;
performance.now = () => (time += 20);  // so each piece of the network seems to take 20 ms
const busy = () => work.run !== null || work.next !== null;
"""


def test_a_slow_network_is_computed_between_frames_and_the_last_wish_comes_next(page, in_node):
    code = """
        const before = shown(), count = by("picture").drawn.length;
        by("next").fire("click");
        const begun = [busy(), now().seed, by("picture").drawn.length - count];  // told at once, drawn later
        for (const value of [1, 2, 3]) slide(0, value);
        const waiting = [busy(), work.next !== null];
        let screens = 0, drawn = 0, items = [];
        for (; busy() && screens < 200; screens++) {
          const item = state.item;
          tick(time);
          if (state.item !== item) items.push(state.item);
        }
        const wanted = [latentOf(1, data).z, fromNormal(state.normal, data.prior)];
        [begun, waiting, screens, items, wanted.map((z) => network(z)), by("pace").textContent, work.next]"""
    stop = "state.playing = false;"
    begun, waiting, screens, items, wanted, pace, left = in_node(
        page("clips"), HELD + CLIP + stop + SLOW + code, controls=True
    )
    assert begun == [True, 1, 0] and waiting == [True, True] and left is None
    assert items == wanted  # the one that was begun is shown, those between are not, the last one is
    assert 2 < screens < 20 and float(pace.split()[0]) >= 60


def test_a_clip_goes_on_playing_while_the_next_one_is_computed(page, in_node):
    code = """
        by("next").fire("click");
        const found = [];
        for (let t = 0; busy(); t++) { found.push(frame()); state.begun = time - (1000 * (t + 0.5)) / FPS; tick(time); }
        [found, now().check]"""
    frames, check = in_node(page("clips"), HELD + CLIP + SLOW + code, controls=True)
    assert len(set(frames)) > 1 and check.startswith("DEMO-OK")


def test_a_chosen_class_stands_in_the_command(act):
    held = act("clips of classes", "classButtons[1].fire('click')", "by('next').fire('click')", "key('Escape')")
    command = "as python -m minigen.sample --seeds"
    assert [h["origin"] for h in held] == [
        f"{command} 0", f"{command} 0 --label land", f"{command} 1 --label land", f"{command} 1",
    ]  # fmt: skip
    assert held[3]["label"] == "A clip, seed 1, sea"


def test_a_word_is_quoted_for_the_shell(page, in_node):
    found = in_node(page("clips"), """["sea", "two words", "it's"].map(quoted)""", controls=True)
    assert [shlex.split(word) for word in found] == [["sea"], ["two words"], ["it's"]] and found[0] == "sea"


def test_who_listens_hears_what_was_asked_and_no_more(page, in_node):
    code = """
        const quiet = sliders.concat(factorSliders).map(({ output }) => output.attributes["aria-hidden"]);
        const before = by("previous").attributes["aria-disabled"];
        by("next").fire("click");
        const counted = () => by("at").attributes["aria-valuetext"];
        const heard = [(pass(500), counted()), (key(" "), counted()), (key(","), counted()), (key(" "), counted())];
        [quiet, before, by("previous").attributes["aria-disabled"], by("previous").disabled ?? null, heard]"""
    quiet, at_first, later, disabled, heard = in_node(page("clips frame by frame"), HELD + code, controls=True)
    assert set(quiet) == {"true"}  # as output it would be read aloud with each frame of a loop
    assert [at_first, later, disabled] == ["true", "false", None]  # a button that is disabled would lose the focus
    assert heard == ["playing", "7 of 16", "6 of 16", "playing"]  # and not each frame


def test_only_what_plays_has_a_frame_to_choose(page, in_node):
    code = "[by('at').hidden, by('play').hidden, by('at').max, canvas.tabIndex ?? null]"
    assert in_node(page("gan 28"), HELD + code, controls=True)[:2] == [True, True]
    assert in_node(page("clips"), HELD + code, controls=True) == [False, False, 16, None]
    assert in_node(page("motion"), HELD + code, controls=True) == [False, False, 16, 0]


def test_every_limb_is_drawn_in_the_colour_of_its_side(page, in_node):
    code = """
        const used = [];
        const pen = new Proxy({}, {
          set: (kept, name, value) => (name === "strokeStyle" && used.push(value), (kept[name] = value), true),
          get: (kept, name) => kept[name] ?? (() => {}),
        });
        const names = ["paper", "line", "shadow", "ink", "left", "right"];
        const colours = Object.fromEntries(names.map((name) => [name, name]));
        const scene = sceneOf(networkOf(data)(float32Of(data.reference.row)), data.body);
        const view = { azimuth: 40, elevation: 14 };
        drawFigure({ width: 400, height: 400, getContext: () => pen }, scene, 0, view, data.body, colours);
        [used, data.body.limbs.map(({ side }) => side || "ink")]"""
    strokes, sides = in_node(page("motion"), code)
    limbs = [colour for colour in strokes if colour in ("left", "right", "ink")]
    assert sorted(limbs) == sorted(sides) and limbs.count("left") == limbs.count("right") > 1
