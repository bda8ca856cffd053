"""A submission that tries what it may not; every act returns what came of it."""

import builtins
import ctypes
import gc
import glob
import importlib.machinery
import multiprocessing
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request

import numpy as np


class Text(str):
    """Says one thing and is another."""

    def __str__(self):
        return "inside"

    def split(self, *args):
        return ["", "inside"]


class Changing:
    """Names another file each time it is asked."""

    def __init__(self, path):
        self.names = ["inside", path]

    def __fspath__(self):
        return self.names.pop(0)


def _shared_library(path):
    shutil.copy(sys.modules["_ctypes"].__file__, "own.so")
    spec = importlib.machinery.ModuleSpec("_ctypes", None, origin=os.path.abspath("own.so"))
    return importlib.machinery.ExtensionFileLoader("_ctypes", spec.origin).create_module(spec)


def _deeper(path):
    os.makedirs("a/b/c", exist_ok=True)
    os.chdir("a/b/c")
    try:
        return open("../../../../outside", "w")
    finally:
        os.chdir("../../..")


def _patched(path):
    """With Python's own functions, and the guard's, replaced."""
    import minigen.check.grading.guard as module

    kept = [(place, dict(vars(place))) for place in (builtins, os, os.path, module)]
    for name in ("any", "isinstance", "str", "len", "set", "map", "bytes"):
        setattr(builtins, name, lambda *args, **kwargs: False)
    for place in (os, os.path):
        for name in ("abspath", "realpath", "getcwd", "stat", "fspath", "normpath"):
            setattr(place, name, lambda *args, **kwargs: "inside")
    for name in [name for name in vars(module) if not name.startswith("__")]:
        setattr(module, name, lambda *args, **kwargs: None)
    try:
        return open(path, "w")
    finally:
        for place, names in kept:
            vars(place).update(names)


def _spawned(path):
    return multiprocessing.get_context("spawn").Process(target=print).start()


WRITES = {
    "write": lambda path: open(path, "w"),
    "append": lambda path: open(path, "ab"),
    "write in the folder above": lambda path: open("../outside", "w"),
    "write by a way round": lambda path: open("here/../../outside", "w"),
    "write from deeper": _deeper,
    "write as bytes": lambda path: open(os.fsencode(path), "w"),
    "write by os.open": lambda path: os.open(path, os.O_CREAT | os.O_WRONLY),
    "write by pathlib": lambda path: pathlib.Path(path).write_text("x"),
    "write by numpy": lambda path: np.save(path, np.ones(1)),
    "write by a text that lies": lambda path: open(Text(path), "w"),
    "write with everything patched": _patched,
    "copy out": lambda path: shutil.copy(__file__, path),
    "move out": lambda path: os.replace(shutil.copy(__file__, "moving"), path),
    "make a folder": os.mkdir,
}
CHANGES = {
    "change": lambda path: open(path, "r+"),
    "remove": os.remove,
    "move in": lambda path: os.rename(path, "mine"),
    "truncate": lambda path: os.truncate(path, 0),
    "change its rights": lambda path: os.chmod(path, 0),
    "change its rights by its descriptor": lambda path: os.chmod(os.open(os.__file__, os.O_RDONLY), 0o777),
    "change its time": lambda path: os.utime(path),
    "remove its folder": lambda path: shutil.rmtree(os.path.dirname(path)),
    "link": lambda path: os.symlink(path, "link"),
    "link hard": lambda path: os.link(path, "link"),
}
READS = {
    "read": lambda path: open(path).read(),
    "read by numpy": lambda path: np.fromfile(path, np.uint8),
    "read by mapping": lambda path: np.memmap(path, np.uint8, "r"),
    "read by a way round": lambda path: open(os.path.join(os.path.dirname(path), "x", "..", os.path.basename(path))),
    "read by the root of the process": lambda path: open("/proc/self/root" + path),
    "read what lies beside": lambda path: open(os.path.join(os.path.dirname(path), "solution.py")).read(),
    "list its folder": lambda path: os.listdir(os.path.dirname(path)),
    "go through its folder": lambda path: list(os.scandir(os.path.dirname(path))),
    "open its folder": lambda path: os.open(os.path.dirname(path), os.O_RDONLY),
}
PROCESSES = {
    "subprocess": lambda path: subprocess.run(["true"]),
    "popen": lambda path: os.popen("true"),
    "system": lambda path: os.system("true"),
    "multiprocessing": _spawned,
    "signal the parent": lambda path: os.kill(os.getppid(), 0),
    "signal by thread": lambda path: signal.pthread_kill(1, 0),
    "fork": lambda path: os.fork(),
    "fork a terminal": lambda path: os.forkpty(),
    "spawn": lambda path: os.posix_spawn("/bin/true", ["true"], {}),
    "execute": lambda path: os.execv("/bin/true", ["true"]),
    "fork by the helper of subprocess": lambda path: __import__("_posixsubprocess").fork_exec(1),
    "signal by descriptor": lambda path: signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 0),
    "read the parent's memory": lambda path: open(f"/proc/{os.getppid()}/mem", "rb"),
    "read the parent's environment": lambda path: open(f"/proc/{os.getppid()}/environ", "rb"),
    "read its own environment as it was": lambda path: open("/proc/self/environ", "rb"),
    "make a pipe with a name": lambda path: os.mkfifo(path),
    "the parent's processors": lambda path: os.sched_setaffinity(os.getppid(), {0}),
    "the parent's priority": lambda path: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),
    "the parent's scheduler": lambda path: os.sched_setscheduler(os.getppid(), os.SCHED_BATCH, os.sched_param(0)),
    "the parent's scheduling": lambda path: os.sched_setparam(os.getppid(), os.sched_param(0)),
    "a helper of shared memory": lambda path: __import__("_posixshmem").shm_unlink("/none"),
    "shared memory of a helper": lambda path: __import__("_posixshmem").shm_open("/none", os.O_RDWR, mode=384),
}
OTHERS = {
    "data base": lambda path: sqlite3.connect(path),
    "data base in memory, which writes a file": lambda path: sqlite3.connect(":memory:").execute(
        f"ATTACH '{path}' AS a"
    ),
    "socket": lambda path: socket.socket(),
    "name server": lambda path: socket.gethostbyname("localhost"),
    "address": lambda path: urllib.request.urlopen("http://127.0.0.1:1"),
    "library": lambda path: ctypes.CDLL(None),
    "Python's own library": lambda path: ctypes.pythonapi.Py_IncRef,
    "memory": lambda path: ctypes.string_at(id(path), 8),
    "memory, written": lambda path: ctypes.memset(id(path), 0, 0),
    "compiled module": _shared_library,
    "objects": lambda path: gc.get_objects(),
}
ALLOWED = {
    "write here": lambda path: open("here", "w").write("x"),
    "a folder here": lambda path: (os.mkdir("d"), os.rename("d", "e"), os.rmdir("e")),
    "a temporary file": lambda path: tempfile.NamedTemporaryFile().write(b"x"),
    "a temporary folder": lambda path: tempfile.TemporaryDirectory().cleanup(),
    "numpy here": lambda path: (np.save("a.npy", np.ones(2)), np.load("a.npy").sum())[1],
    "Python's files": lambda path: len(open(np.__file__).read()),
    "nowhere": lambda path: open(os.devnull, "w").write("x"),
    "the name of the machine": lambda path: socket.gethostname(),
    "a late import": lambda path: __import__("minigen.losses.vae").losses.vae.gaussian_kl is not None,
    "what is here": lambda path: bool(glob.glob("*.py")) and "acts.py" in os.listdir(),
}


def act(group, name, path):
    try:
        return f"DONE {globals()[group][name](path)!r}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


def go_by_a_folder(path):
    """From the descriptor of a folder one could write anywhere."""
    try:
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        return f"DONE {os.open(os.path.basename(path), os.O_CREAT | os.O_WRONLY, dir_fd=folder)}"
    except OSError as error:
        return f"{type(error).__name__}: {error}"


def open_twice(path):
    """What a name that changes between two looks comes to."""
    os.open(Changing(path), os.O_CREAT | os.O_WRONLY)
    return sorted(os.listdir())
