"""What the real CuPy has: its names and keywords as JSON, read off the installed package; no GPU is needed.

    python tests/lookalike/names.py > tests/lookalike/names.json       (where a CuPy is installed)

A signature is written as "a, axis=, *, dtype=": what may be left out ends in "=".
"""

import inspect
import json
import re


def signature(function):
    """The parameters of a function or method, from its signature or, where it is compiled, from its docstring."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return from_docstring((function.__doc__ or "").partition("\n")[0])
    written, starred = [], False
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            written.append("*" + p.name)
            starred = True
        elif p.kind is p.VAR_KEYWORD:
            written.append("**" + p.name)
        else:
            if p.kind is p.KEYWORD_ONLY and not starred:
                written.append("*")
                starred = True
            written.append(p.name + ("" if p.default is p.empty else "="))
    return ", ".join(written)


def from_docstring(line):
    """The same from "ndarray.sum(self, axis=None) -> ndarray", as compiled methods write it; None if it is not so."""
    found = re.match(r"[\w.]+\((.*)\)", line.replace("\\", ""))
    if not found:
        return None
    written = []
    for part in re.split(r",\s*(?![^()]*\))", found[1]):
        name, equals, _ = part.partition("=")
        name = name.strip().split(" ")[-1]  # the last word: before it may stand a type
        if name not in ("self", "/", ""):
            written.append(name + equals)
    return ", ".join(written)


def methods(kind):
    """{name: signature} for what can be called on it, and the names of its attributes."""
    called, plain = {}, []
    for name in sorted(dir(kind)):
        member = getattr(kind, name)
        if name.startswith("_") and not (name.startswith("__") and member is not getattr(object, name, None)):
            continue
        if member is None:  # such as __hash__
            continue
        if callable(member):
            called[name] = from_docstring((member.__doc__ or "").partition("\n")[0]) or signature_or_none(member)
        else:
            plain.append(name)
    return called, plain


def signature_or_none(function):
    text = signature(function)
    return None if text is None else text.removeprefix("self, ").removeprefix("self")


def found():
    """Everything, as what JSON can hold."""
    import cupy
    import cupyx
    from cupy._core import _routines_linalg, flags

    functions, ufuncs, others = {}, {}, {}
    for name in sorted(dir(cupy)):
        if name.startswith("_") or name == "annotations":
            continue
        member = getattr(cupy, name)
        if isinstance(member, cupy.ufunc):
            keywords = from_docstring((member.__doc__ or "").partition("\n")[0]) or "out=, casting=, dtype="
            ufuncs[name] = {
                "inputs": member.types[0].index("->"),
                "keywords": sorted(part[:-1] for part in keywords.split(", ") if part.endswith("=")),
                "loops": list(member.types),
            }
        elif callable(member) and not isinstance(member, type):
            functions[name] = signature(member)
        else:
            others[name] = type(member).__name__
    called, plain = methods(cupy.ndarray)
    return {
        "cupy": cupy.__version__,
        "functions": functions,
        "ufuncs": ufuncs,
        "others": others,
        "methods": called,
        "attributes": plain,
        "flags": [name for name in dir(flags.Flags) if not name.startswith("_")],
        "stride_tricks": {"as_strided": signature(cupy.lib.stride_tricks.as_strided)},
        "cuda": [name for name in dir(cupy.cuda) if not name.startswith("_")],
        "core": [name for name in dir(cupy._core) if "compute_type" in name],
        "compute_types": {
            name.removeprefix("COMPUTE_TYPE_"): int(getattr(_routines_linalg, name))
            for name in dir(_routines_linalg)
            if name.startswith("COMPUTE_TYPE_")
        },
        "runtime": [name for name in dir(cupy.cuda.runtime) if not name.startswith("_")],
        "cupyx": {
            name: signature(getattr(cupyx, name))
            for name in dir(cupyx)
            if not name.startswith("_") and inspect.isfunction(getattr(cupyx, name))
        },
    }


if __name__ == "__main__":
    print(json.dumps(found(), indent=0, sort_keys=True))
