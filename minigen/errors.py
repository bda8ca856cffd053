"""The few errors minigen raises on purpose.

Each is also the built-in a caller would catch.  On the command line they become one sentence and exit status 2;
any other exception there is a bug and keeps its traceback.
"""


class MinigenError(Exception):
    """Base of every error below; its text is one sentence naming the place, then one giving the remedy."""


class ShapeError(MinigenError, ValueError):
    """Arrays whose shapes do not fit an operation or a layer."""


class DataError(MinigenError, ValueError):
    """A file or an array that is not what its reader was promised: damaged, empty, of the wrong kind."""


class SettingError(MinigenError, ValueError):
    """A setting, a flag or an argument outside what it may be."""


class GraphError(MinigenError, RuntimeError):
    """A derivative asked of a graph that cannot give it: released, changed since, or not connected."""


class BackendError(MinigenError, RuntimeError):
    """A backend that is not there, or arrays of two backends in one operation."""


class AnomalyError(MinigenError, ArithmeticError):
    """The first NaN or infinity of a computation, with the operation that made it."""
