"""The house is in order: imports point down, files stay small, the linters are content, the papers agree."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import minigen

ROOT = Path(__file__).parent.parent
LIBRARY = [*sorted((ROOT / "minigen").rglob("*.py")), ROOT / "pytest_minigen.py"]


def run(*command):
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def in_a_fresh_python(code):
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_imports_point_down():
    in_a_fresh_python("from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])")


def test_ruff_is_content():
    run("ruff", "check", "--no-cache", ".")
    run("ruff", "format", "--check", "--no-cache", ".")


def test_mypy_is_content():
    run("mypy")


@pytest.mark.parametrize("module", ["matplotlib", "PIL", "tyro", "cupy", "rich", "safetensors", "pooch"])
def test_import_minigen_brings_numpy_alone(module):
    out = in_a_fresh_python("import sys, minigen, minigen.data, minigen.nn; print(*sys.modules)")
    assert module not in out.split()


def test_the_pytest_plugin_brings_nothing_of_minigen():
    out = in_a_fresh_python("import sys, pytest_minigen; print(*sys.modules)")
    assert "pytest_minigen" in out.split() and not re.search(r"(^|\s)(minigen|numpy)\b", out)


def test_minigen_works_without_its_kernels():
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'minigen.kernels' else find(name, *rest)\n"
        "import minigen; assert 'minigen.kernels' not in sys.modules\n"
        "x = minigen.tensor([[1.0], [3.0]], requires_grad=True)\n"
        "print(minigen.batch_norm(x, minigen.ones(1), minigen.zeros(1), eps=0.0).tolist())"
    )
    assert in_a_fresh_python(code).strip() == "[[-1.0], [1.0]]"


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_idea(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith(('"""', 'r"""')), "a file opens with one sentence saying what it is"
    assert text.count("\n") <= 300, "a file rarely passes 250 lines: is this still one idea?"


def test_no_pickle_is_ever_loaded():
    for path in LIBRARY:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(import|from) (pickle|dill|joblib|shelve)", text, re.MULTILINE), path
        assert "allow_pickle=True" not in text, path


def test_the_changelog_speaks_of_this_version():
    newest = re.search(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None and newest[1] == minigen.__version__


def test_the_public_names_are_what_they_say():
    assert sorted(minigen.__all__) == list(minigen.__all__)
    for name in minigen.__all__:
        assert getattr(minigen, name).__doc__, f"minigen.{name} has no docstring"


def test_the_readmes_example_prints_what_it_says(capsys):
    (code,) = re.findall(
        r"```python\n(import minigen.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    exec(compile(code, "README.md", "exec"), {})
    out = capsys.readouterr().out
    assert out.startswith("1.30050") and "tensor([-0.44039" in out and "right; 2 entries" in out


@pytest.mark.parametrize("name", ["train", "test"])
def test_the_readme_has_its_two_commands(name):
    done = subprocess.run([sys.executable, "scripts/readme_command.py", name], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "pip install" in done.stdout
