"""docs/checking.md keeps its word: every block of Python runs and prints what stands beneath it."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from minigen.check import CheckError

PAGE = Path(__file__).parents[2] / "docs" / "checking.md"
BLOCKS = re.findall(r"```python\n(.*?)```\n(?:```text\n(.*?)```)?", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def masked(text):
    """Last digits and evaluations differ between machines; words and counts do not."""
    return re.sub(r"\d+\.\d+(e[+-]?\d+)?|\d+e[+-]?\d+|\d+ evaluations", "#", text).strip()


def test_every_block_prints_what_stands_beneath_it():
    assert len(BLOCKS) >= 5
    names = {}
    for code, said in BLOCKS:
        if "import torch" in code:
            pytest.importorskip("torch", reason="the page's block on PyTorch needs PyTorch")
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            try:
                exec(compile(code, str(PAGE), "exec"), names)
            except CheckError as error:
                print(error)
        assert masked(out.getvalue()) == masked(said), code
