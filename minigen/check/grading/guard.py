"""What a submission may not do: an audit hook that refuses network, processes, foreign files and native code.

A guard against accidents and cheap tricks, no jail: who reaches the interpreter's memory, or finds an act that Python
does not announce to its hooks, gets past it.  Isolation is the platform's task (docs/grading.md).
"""

import builtins
import contextlib
import importlib
import os
import shutil
import site
import sys
import sysconfig
import types
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

PROGRAMS = ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "pty.")
REFUSED = {  # what an event that begins so would do
    **dict.fromkeys((*PROGRAMS, "_winapi."), "start another program"),
    **dict.fromkeys(("os.kill", "signal.pthread_kill"), "signal a process"),
    "socket.": "use the network",
    "ctypes.": "call native code through ctypes",
    "resource.": "change its own limits",
    "gc.": "look through the interpreter's objects",
    "winreg.": "touch the registry",
    "syslog.": "write to the system's log",
    "sqlite3.": "open a data base",  # in memory neither: ATTACH writes files, and announces nothing
    "os.link": "make a link",
    "os.symlink": "make a link",
}
CHANGES = ("remove", "rmdir", "mkdir", "rename", "chmod", "chown", "chflags", "truncate", "utime", "setxattr")
READS = ("os.listdir", "os.scandir", "os.getxattr", "os.listxattr")
SCHEDULING = ("sched_setaffinity", "sched_setscheduler", "sched_setparam", "setpriority")  # of any process
UNANNOUNCED = {  # acts by module that no hook is told of
    **dict.fromkeys(("os", "posix"), ("pidfd_open", "mkfifo", "mknod", "chroot", *SCHEDULING)),
    **dict.fromkeys(("signal", "_signal"), ("pidfd_send_signal",)),
    "_posixsubprocess": ("fork_exec",),
    "subprocess": ("_fork_exec",),
    "_posixshmem": ("shm_open", "shm_unlink"),
    "ctypes": ("memmove", "memset"),
}
PROC = ("cpuinfo", "filesystems", "loadavg", "meminfo", "self", "stat", "sys", "uptime", "version")  # of /proc
PROC_SELF = ("cgroup", "limits", "maps", "mountinfo", "mounts", "stat", "statm", "status")  # of /proc/self
DEVICES = ("/dev/null", "nul")


def guard(folder: str, private: Iterable[str]) -> Callable[[], None]:
    """A function that closes the gate: this process then writes only inside `folder` and starts nothing.

    Nor does it read anything under the `private` paths.  What is refused raises PermissionError with a sentence.  There
    is no way back.  folder: a path without links.
    """
    secret = {path for name in private for path in (os.path.abspath(name), os.path.realpath(name))}
    files = frozenset((s.st_dev, s.st_ino) for s in map(os.stat, filter(os.path.isfile, secret)))
    python = [sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *site.getsitepackages(), *sys.path]
    # Globals of its own, builtins included: whatever the submission patches afterwards, the hook does not see it.
    own = {**globals(), "__builtins__": dict(vars(builtins))}
    make = types.FunctionType(_hook.__code__, own)
    hook = make(folder, sorted(secret), files, [folder, *python], os.getcwd, os.stat)

    def close() -> None:
        _refuse_unannounced()
        sys.addaudithook(hook)

    return close


def _hook(
    folder: str, secret: list[str], files: Any, readable: list[str], getcwd: Callable[[], str], stat: Callable[..., Any]
) -> Callable[[str, tuple[Any, ...]], None]:
    """The hook.  Only methods of str are called in it, which nobody can patch, and what was handed in."""
    windows, fold = os.name == "nt", os.name == "nt" or sys.platform == "darwin"  # fold: Hidden.py is hidden.py there
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    refused, changes = tuple(REFUSED.items()), frozenset("os." + act for act in CHANGES)
    reads, proc, proc_self, devices = frozenset(READS), PROC, PROC_SELF, DEVICES

    def plain(path: Any) -> str:
        """The path from the root, without . and ..; nobody can make links here, so this is where it leads."""
        if isinstance(path, bytes):
            text = bytes.decode(path, "utf-8", "surrogateescape")
        elif isinstance(path, str):
            text = str.__str__(path)  # a class of one's own may say anything with str()
        else:
            refuse("name a file by anything but text")
        if windows:
            text = str.replace(text, "\\", "/")
        if not str.startswith(text, "/") and not (windows and str.find(text, ":") == 1):
            text = str.replace(getcwd(), "\\", "/") + "/" + text if windows else getcwd() + "/" + text
        parts: list[str] = []
        for part in str.split(text, "/"):
            if part == "..":
                del parts[-1:]
            elif part not in ("", "."):
                parts.append(part)
        text = ("" if windows else "/") + str.join("/", parts)
        return str.lower(text) if fold else text

    def refuse(what: str) -> NoReturn:
        raise PermissionError(f"while it is graded, a submission may not {what}")

    def under(path: str, roots: tuple[str, ...]) -> bool:
        for root in roots:
            if path == root or str.startswith(path, root + "/"):
                return True
        return False

    home, secrets, allowed = (plain(folder),), tuple(map(plain, secret)), tuple(map(plain, readable))

    def change(path: Any) -> None:
        if not under(plain(path), home) and plain(path) not in devices:
            refuse(f"write outside its own folder ({plain(path)[:200]})")

    def look(path: Any) -> None:
        parts = str.split(plain(path), "/")
        if under(plain(path), secrets) and not under(plain(path), allowed):
            refuse("read the grader's files")
        if parts[1:2] == ["proc"] and (parts[2:3] or proc)[0] not in proc:
            refuse("read about other processes")
        if parts[1:3] == ["proc", "self"] and (parts[3:4] or proc_self)[0] not in proc_self:
            refuse("go round by way of /proc")

    def read(path: Any) -> None:
        look(path)
        known = None
        try:
            known = stat(path)
        except (OSError, ValueError):
            pass  # it is not there
        if known and (known.st_dev, known.st_ino) in files:
            refuse("read the grader's files")
        if known and known.st_mode & 0o170000 == 0o040000:
            raise IsADirectoryError(21, "Is a directory", plain(path))  # opened, one could go anywhere from it

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = args
            if isinstance(path, int):
                return
            if isinstance(mode, str) and set(mode) & set("wax+") or isinstance(flags, int) and flags & writing:
                change(path)
            else:
                read(path)
        elif event in changes:
            for path in args[:2] if event == "os.rename" else args[:1]:
                if isinstance(path, int) and event != "os.truncate":
                    refuse("change a file by its descriptor")
                if not isinstance(path, int):
                    change(path)
        elif event in reads and isinstance(args[0], (str, bytes)):
            look(args[0])
        elif event == "import" and isinstance(args[1], (str, bytes)) and under(plain(args[1]), home):
            refuse("import a compiled module of its own")
        else:
            for start, what in refused:
                if str.startswith(event, start) and event != "socket.gethostname":
                    refuse(what)

    return hook


def _refuse_unannounced() -> None:
    """The acts that Python performs without telling its hooks lose their names."""

    def refused(*args: Any, **kwargs: Any) -> Any:
        raise PermissionError("while it is graded, a submission may not do this")

    for name, acts in UNANNOUNCED.items():
        with contextlib.suppress(ImportError):  # some are there on POSIX only
            module = importlib.import_module(name)
            for act in acts:
                if hasattr(module, act):
                    setattr(module, act, refused)
    vars(shutil)["_use_fd_functions"] = False  # so that rmtree names the paths it removes
