"""The page as text: its parts, put together into one HTML file whose security policy forbids every request."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

SCRIPTS = ("network.js", "latents.js", "kinematics.js", "figure.js", "page.js", "controls.js")
UNSAID = ("seeds", "class", "loop", "walk")  # notes that are of a single drawing and not of the page


def page_of(recipe: Any, data: Mapping[str, Any], notes: Mapping[str, str]) -> str:
    """The document; its size, which it states, is taken from a first draft."""
    draft = _page(recipe, data, notes, 0)
    return _page(recipe, data, notes, len(draft.encode()))


def _page(recipe: Any, data: Mapping[str, Any], notes: Mapping[str, str], size: int) -> str:
    facts = _facts(recipe, data, size) | {k: v for k, v in notes.items() if k not in UNSAID}
    part = {name: files(__package__).joinpath(name).read_text(encoding="utf-8") for name in (*SCRIPTS, "page.css")}
    told = {
        "policy": _policy(part),
        "title": escape(f"Latent explorer: {facts['run']}"),
        "lead": escape(_lead(recipe, data)),
        "axes": escape(_about_axes(recipe, data)),
        "seeds": escape(_about_seeds(data)),
        "keys": _keys(data),
        "facts": "\n".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items()),
        "data": json.dumps(data, ensure_ascii=False).replace("<", "\\u003c"),  # nothing in it may end the script
    }
    frame = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{([\w.]+)\}\}", lambda match: (told | part)[match[1]], frame)


def _keys(data: Mapping[str, Any]) -> str:
    plays, moves = data["kind"] != "image", data["kind"] == "motion"
    acts = [("← →", "seed"), ("space", "play and pause" if plays else "loop")]
    if plays:
        acts += [(", .", "a frame back and on"), ("l", "loop")]
    acts += [("r", "random seed"), ("Esc", "reset")]
    told = (" ".join(f"<kbd>{key}</kbd>" for key in keys.split()) + f" {act}" for keys, act in acts)
    walk = " Drag the figure to walk around it; with Tab the focus comes to it, and arrows turn it." if moves else ""
    return f"Keys: {', '.join(told)}.{walk}"


def _policy(part: Mapping[str, str]) -> str:
    """Nothing but the style and the scripts of this very page, told by their hashes; no request to anywhere."""
    scripts = " ".join(_hash(part[name]) for name in SCRIPTS)
    return (
        f"default-src 'none'; script-src {scripts}; style-src {_hash(part['page.css'])}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# What it says of itself ---------------------------------------------------------------------------------------------


def _facts(recipe: Any, data: Mapping[str, Any], size: int) -> dict[str, str]:
    averaged = bool(getattr(recipe, "average", None)) and recipe.draw_averaged
    network = data["network"]
    return {
        "run": "a run without a name",
        "step": f"{recipe.step_count:,}",
        "weights": "averaged" if averaged else "raw",
        "data": str(recipe.config.data),
        "licence": "unknown",
        "network": f"{network['count']:,} numbers in {network['dtype']}; {_rounding(data)}",
        "latents": f"{data['latent']}, {data['prior']} prior",
        "size": f"{size / 1e6:.2f} MB, this file alone",
    }


def _rounding(data: Mapping[str, Any]) -> str:
    """By how much the page's items differ from the run's own."""
    moved, last = data["moved"], len(data["seeds"]) - 1
    which = f"of seeds 0 to {min(last, 63)}"
    if data["kind"] == "motion":
        return f"no feature {which} differs from the run's by more than {moved:.1e} of its deviation"
    return f"no pixel {which} differs from the run's by more than {127.5 * moved:.2g} of 255 grey levels"


def _lead(recipe: Any, data: Mapping[str, Any]) -> str:
    kind = "decoder of a variational autoencoder" if hasattr(recipe, "model") else "generator of a GAN"
    if data["kind"] == "motion":
        what = f"{data['frames']} frames of motion, {data['fps']:g} a second"
    elif data["kind"] == "clip":
        what = "clips of {frames} frames of {height} × {width} pixels, {fps:g} a second".format(**data, **data["image"])
        what += ", which come round" if data["loops"] else ""
    else:
        what = "pictures of {height} × {width} pixels".format(**data["image"])
    return f"The {kind} turns {data['latent']} numbers into {what}. Move them, and see what each of them does."


def _about_axes(recipe: Any, data: Mapping[str, Any]) -> str:
    kept = f"{len(data['names'])} of {data['latent']}, which together make {data['share']:.0%} of it"
    share = "in brackets its share of the mean squared change that all of them make"
    if hasattr(recipe, "model"):
        return f"Each slider is one number of z, the one that changes most first, {share}; {kept}."
    found = "a direction through z, at right angles to the others, the one along which most changes first"
    return f"Each slider is {found}, {share}; {kept}."


def _about_seeds(data: Mapping[str, Any]) -> str:
    more = f" and {data['seeds'][-1]}" if len(data["seeds"]) > 64 else ""
    return (
        f"Seeds 0 to 63{more} are the latents that NumPy draws for python -m minigen.sample --seeds; the page carries "
        "them. All other seeds are drawn by the page's own generator (xorshift32, Box and Muller), and are other "
        "latents than minigen.sample has under that number."
    )
