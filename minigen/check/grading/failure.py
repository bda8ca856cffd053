"""SubmissionError: what a submission did wrong, in a sentence; and text of a submission's, made fit to print."""

from typing import Any


class SubmissionError(AssertionError):
    """A submission that did not do what it was asked: it raised, took too long, ended itself, handed over no value.

    Its text names the function, the error and the submission's own line.  `kind` is the name of the error's type where
    the submission raised one, else ""; `hidden` is the text without what the submission itself wrote.
    """

    def __init__(self, text: str, kind: str = "", hidden: str | None = None):
        super().__init__(text)
        self.kind = kind
        self.hidden = text if hidden is None else hidden


class MissingError(SubmissionError, AttributeError):
    """A name that the submission, or one of its objects, does not define."""


def cleaned(text: Any, most: int = 100_000) -> str:
    """Text from a submission without control characters, which could rewrite what a terminal shows; cut."""
    if not isinstance(text, str):
        return "?"
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text[:most])
