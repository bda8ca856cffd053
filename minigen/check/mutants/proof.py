"""What a test is worth: which planted errors it caught, which it let through, which nobody could have caught there."""

import textwrap
from dataclasses import dataclass, field

from minigen.check.verdict import CheckError


class MutantError(CheckError):
    """A test that lets a wrong derivative through, rejects the right one, or looks where nobody can tell them apart."""


@dataclass
class Proof:
    """What became of every planted error, by name ("sign for x").  str(proof) is a table for people."""

    name: str
    caught: list[str] = field(default_factory=list)
    survived: list[str] = field(default_factory=list)  # let through
    equivalent: list[str] = field(default_factory=list)  # the same numbers as the right one wherever the test looked
    rejected: str = ""  # what the test says of the right one, if it is not content
    returned: list[str] = field(default_factory=list)  # those for which the test returned False
    unasked: list[str] = field(default_factory=list)  # inputs whose gradient the test never asks for
    constant: list[str] = field(default_factory=list)  # inputs that came as constants, where nothing was planted
    says: dict[str, str] = field(default_factory=dict)  # name → what is wrong
    by: dict[str, str] = field(default_factory=dict)  # name → the type of the error that caught it

    @property
    def ok(self) -> bool:
        """Does the test pass the right one, and catch all that can be told from it?"""
        return not self.rejected and not self.survived and bool(self.caught)

    def __str__(self) -> str:
        if self.rejected:
            return f"{self.name}: the test rejects the right one: {self.rejected}"
        counts = {"caught": self.caught, "let through": self.survived, "equivalent": self.equivalent}
        total = sum(map(len, counts.values()))
        told = ", ".join(f"{len(names)} {what}" for what, names in counts.items() if names or what == "caught")
        lines = [f"{self.name}: {total} planted error{'' if total == 1 else 's'}: {told}"]
        for label, text in self._rows():
            lines += textwrap.wrap(text, 118, initial_indent=f"  {label:13}", subsequent_indent=" " * 15)
        return "\n".join(lines)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            ("let through", f"every error for {where}: the test never asks for that gradient") for where in self.unasked
        ]
        for name in self.survived:
            if _place(name) not in self.unasked:
                rows.append(("let through", f"{name}: {self.says[name]}" if self.says[name] else name))
        if self.equivalent:
            text = f"{self._short(self.equivalent)}: no case of the test tells these from the right one"
            rows.append(("equivalent", text))
        for error in dict.fromkeys(self.by.values()):
            rows.append(("caught", f"by {error}: {self._short([x for x in self.caught if self.by[x] == error])}"))
        if self.constant:
            rows.append(("not planted", f"in {', '.join(self.constant)}: the test passes a constant there"))
        if self.returned:
            text = f"the test returned False for {self._short(self.returned)}; "
            rows.append(("but", text + "a grader may take that for a pass: raise instead"))
        return rows

    def _short(self, names: list[str]) -> str:
        """The names, those of one place together; "all 21 for x"."""
        texts = []
        for where in dict.fromkeys(map(_place, names)):
            own = [name.removesuffix(f" for {where}") for name in names if _place(name) == where]
            total = sum(_place(name) == where for name in self.caught + self.survived + self.equivalent)
            which = f"all {total}" if len(own) == total > 3 else ", ".join(own)
            texts.append(f"{which} for {where}" if where else which)
        return "; ".join(texts)


def _place(name: str) -> str:
    """The input or the parameter in the name of a planted error."""
    return name.rpartition(" for ")[2] if " for " in name else ""
