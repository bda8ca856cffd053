"""Print one of the README's commands, so that what runs is what is written: readme_command.py train|test."""

import re
import sys
from pathlib import Path


def readme_command(name: str) -> str:
    """The shell lines of the README's code block that follows the comment <!-- command: NAME -->."""
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- command: {name} -->\s*```bash\n(.*?)```", text, re.DOTALL)
    if found is None:
        raise SystemExit(f"README.md has no code block after <!-- command: {name} -->")
    return found[1].strip()


if __name__ == "__main__":
    print(readme_command(sys.argv[1]))
