"""What every command does at its edges: our errors as a sentence, Ctrl-C, a closed pipe, a console without Unicode."""

import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from minigen.errors import MinigenError

Options = TypeVar("Options")


def asked(kind: type[Options], module: str, usage: str, argv: Sequence[str] | None) -> Options:
    """The flags of `python -m minigen.MODULE` as the dataclass `kind` says them; argv: by default those of the process.

    A flag that is wrong ends the program with status 2 and a sentence; --help prints `usage` and every flag.
    """
    import tyro

    return tyro.cli(
        kind,
        prog=f"python -m minigen.{module}",
        description=usage,
        args=sys.argv[1:] if argv is None else argv,
        config=(tyro.conf.FlagCreatePairsOff,),
    )


def run(command: Callable[[], int], spare: str) -> int:
    """The exit status of a command: its own; 2 for bad input, 130 after Ctrl-C, 141 where nobody reads its output.

    spare: the flags that ask for less memory.
    """
    _prepare()
    try:
        status = command()
        sys.stdout.flush()
        return status
    except MinigenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except MemoryError as error:
        why = f" ({error})" if str(error) else ""
        print(f"error: there is not enough memory for that{why}. Ask for less with {spare}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; what was saved before is untouched", file=sys.stderr)
        return 130
    except BrokenPipeError:  # as of `| head -1`, which has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes once more at its end
        return 141


def _prepare() -> None:
    """Streams that take every character: what a console has no sign for is written as its number."""
    if sys.stdout is None:  # closed by whoever started the command
        sys.stdout = open(os.devnull, "w")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
