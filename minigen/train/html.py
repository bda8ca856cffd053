"""Pieces of an HTML page in one file: pictures inside it, no scripts, readable by day and by night."""

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

STYLE = """
:root { color-scheme: light dark; --ink: #1c1c1c; --paper: #fcfcfa; --faint: #66665f; --line: #d9d9d2; --box: #f1f1ec }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e3; --paper: #17181a; --faint: #a3a39b; --line: #3a3b3e; --box: #222326 }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 66rem; padding: 1.2rem; background: var(--paper); color: var(--ink);
       font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: break-word }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .4rem 0 }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; border-top: 1px solid var(--line); padding-top: 1rem }
p { max-width: 44rem }
.pair { display: flex; flex-wrap: wrap; gap: 1.2rem }
.pair figure { flex: 1 1 18rem }
figure { margin: .6rem 0 }
figcaption, .missing { color: var(--faint); font-size: .9rem; max-width: 44rem }
img { display: block; max-width: 100%; height: auto; margin-bottom: .35rem }
.wide { overflow-x: auto }
.wide img { min-width: 44rem }
.drawn img { background: #fff; border-radius: 4px }
pre { background: var(--box); padding: .7rem .9rem; overflow-x: auto; border-radius: 4px; font-size: .88rem }
table { border-collapse: collapse; font-size: .9rem }
th, td { text-align: left; vertical-align: top; padding: .18rem 1.2rem .18rem 0; border-bottom: 1px solid var(--line);
         overflow-wrap: anywhere }
th { font-weight: 500; color: var(--faint); overflow-wrap: normal }
"""


def page(title: str, parts: Sequence[str]) -> str:
    """A whole document of these parts, which needs no other file."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def figure(path: Path, alt: str, caption: str, kind: str = "whole") -> str:
    """The picture inside the page, with its caption; a line saying so where there is none."""
    if not path.is_file():
        return f'<p class="missing">{escape(path.name)} is not there (yet), so it is left out.</p>'
    data = base64.b64encode(path.read_bytes()).decode()
    source = f"data:image/{path.suffix[1:]};base64,{data}"
    image = f'<img alt="{escape(alt)}" src="{source}">'
    return f'<figure class="{kind}">\n{image}\n<figcaption>{escape(caption.strip())}</figcaption>\n</figure>'


def paragraph(text: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def code(text: str) -> str:
    """Commands, as one writes them."""
    return f"<pre><code>{escape(text)}</code></pre>"


def table(values: Mapping[str, Any]) -> str:
    """A row for each name and its value."""
    rows = (f"<tr><th scope=row>{escape(key)}</th><td>{escape(_shown(v))}</td></tr>" for key, v in values.items())
    return "<table>\n" + "\n".join(rows) + "\n</table>"


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with a line of headings; the first cell of each row is a heading too."""
    top = "".join(f"<th scope=col>{escape(cell)}</th>" for cell in head)
    lines = [
        f"<tr><th scope=row>{escape(row[0])}</th>" + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    ]
    return f'<div class="wide"><table>\n<tr>{top}</tr>\n' + "\n".join(lines) + "\n</table></div>"


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Dictionaries among the values are opened: {"a": {"b": 1}} becomes {"a · b": 1}."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{key} · {inner}": v for inner, v in value.items()}
        else:
            flat[key] = value
    return flat


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
