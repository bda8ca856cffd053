"""Submissions that end, stall, exhaust or forge their process: the case fails in words, the next has a new process."""

import os
import sys

import numpy as np
import pytest

from minigen.check.grading import desk
from minigen.check.grading.process import Process

POSIX = pytest.mark.skipif(os.name != "posix", reason="limits and signals are POSIX's")

TEXT = """
import json, os, signal, struct, sys, threading, time
import numpy as np

def fine():
    return 1.0

def exits():
    os._exit(0)

def exits_with_3():
    os._exit(3)

def sleeps():
    time.sleep(1000)

def sleeps_a_little():
    time.sleep(0.3)
    return 1.0

def will_not_stop():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            pass

def allocates():
    return np.ones(50 * 2**27).sum()

def hoards():
    kept = []
    while True:
        kept.append(bytes(2**26))

def aborts():
    os.abort()

def kills_its_parent():
    os.kill(os.getppid(), signal.SIGKILL)

def kills_by_descriptor():
    signal.pidfd_send_signal(os.pidfd_open(os.getppid()), signal.SIGKILL)

def prints():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    os.write(1, b"to 1\\n")
    os.write(2, b"to 2\\n")
    sys.stdout.write("\\x00\\xff\\x1b[2J no message")
    return 1.0

def floods():
    for _ in range(1000):
        os.write(2, b"y" * 1000)
    return 1.0

def closes_its_streams():
    sys.stdout.close()
    sys.stderr.close()
    os.close(1)
    os.close(2)
    return 1.0

def _to_all(raw):
    for descriptor in range(3, 40):
        try:
            os.write(descriptor, raw)
        except OSError:
            pass

def writes_rubbish():
    _to_all(b"x" * 100)
    return 1.0

def _message(body):
    text = json.dumps(body).encode()
    return struct.pack(">QQ", len(text), 0) + text

def answers_twice():
    _to_all(_message([{"value": 1.0, "changed": []}, []]))
    return 2.0

def answers_by_the_number():
    number = sys._getframe(2).f_locals["number"]
    _to_all(_message([{"to": number, "value": 1.0, "changed": []}, []]))
    return 2.0

def announces_too_much():
    _to_all(struct.pack(">QQ", 2**60, 2**60))
    time.sleep(1000)

def closes_the_channel():
    os.closerange(3, 40)
    return 1.0
"""

LIMIT = 1.0
ENDS = {
    "exits": "the submission ended its own process (exit status 0), in exits",
    "exits_with_3": "ended its own process (exit status 3)",
    "sleeps": f"the submission took longer than the {LIMIT:g} s it has, in sleeps",
    "will_not_stop": f"took longer than the {LIMIT:g} s it has",
    "writes_rubbish": "wrote into the grader's own channel, in writes_rubbish",
    "answers_twice": "wrote into the grader's own channel",
    "answers_by_the_number": "wrote into the grader's own channel",
    "announces_too_much": "wrote into the grader's own channel",
    "closes_the_channel": "the submission ended its own process",
}
POSIX_ENDS = {
    "allocates": "allocates ran out of its memory: MemoryError: Unable to allocate 50.0 GiB",
    "hoards": "hoards ran out of its memory: MemoryError",
    "aborts": "was ended by SIGABRT",
    "kills_its_parent": "PermissionError: while it is graded, a submission may not signal a process",
    "kills_by_descriptor": "Error: ",
}
PASS = ("prints", "floods", "closes_its_streams")


def calls(name):
    def check(submission, rng):
        assert getattr(submission, name)() == 1.0, f"{name} is not 1"

    return check


def many_times(submission, rng):
    for _ in range(20):
        assert submission.sleeps_a_little() == 1.0


@pytest.fixture(scope="module")
def ends(graded):
    checks = {}
    for name in (*ENDS, *(POSIX_ENDS if os.name == "posix" else ()), *PASS):
        checks |= {name: calls(name), f"after {name}": calls("fine")}
    checks |= {"in small steps": many_times, "a little": calls("sleeps_a_little")}
    return graded(TEXT, checks, seconds=LIMIT, memory_mib=1024)


@pytest.mark.parametrize("name", ENDS)
def test_it_is_told_how_a_process_ended(ends, name):
    assert not ends[name].passed and ENDS[name] in ends[name].message
    assert ends[f"after {name}"].passed, ends[f"after {name}"].message


@POSIX
@pytest.mark.parametrize("name", POSIX_ENDS)
def test_it_is_told_what_a_process_may_not_have(ends, name):
    assert not ends[name].passed and POSIX_ENDS[name] in ends[name].message
    assert ends[f"after {name}"].passed, ends[f"after {name}"].message


@pytest.mark.parametrize("name", PASS)
def test_printing_costs_nothing(ends, name):
    assert ends[name].passed, ends[name].message
    assert ends[f"after {name}"].passed, ends[f"after {name}"].message


def test_the_time_is_the_whole_cases(ends):
    assert f"took longer than the {LIMIT:g} s it has, in sleeps_a_little" in ends["in small steps"].message
    assert ends["a little"].passed, ends["a little"].message


def test_what_is_printed_is_shown_and_cut(ends):
    shown = ends["prints"].printed
    assert all(text in shown for text in ("to stdout", "to stderr", "to 1\n", "to 2\n"))
    assert "\x1b" not in shown and "\x00" not in shown
    assert "1,000,000 bytes in all" in ends["floods"].printed and len(ends["floods"].printed) < 21_000


LOADS = {
    "endless": ("while True:\n    pass\n", "took longer than the 0.7 s it has, while it was being executed"),
    "exit at once": ("import os\nos._exit(0)\n", "ended its own process (exit status 0), while it was being executed"),
    "answers before it is asked": (
        "import os, struct\nfor d in range(3, 40):\n    try:\n        os.write(d, struct.pack('>QQ', 2, 0) + b'{}')\n"
        "    except OSError:\n        pass\ndef f():\n    return 1.0\n",
        "wrote into the grader's own channel, while it was being executed",
    ),
}


@pytest.mark.parametrize("name", LOADS)
def test_what_cannot_be_executed_fails_every_case_at_once(graded, monkeypatch, name):
    started = []
    monkeypatch.setattr(desk, "Process", lambda *arguments: started.append(1) or Process(*arguments))
    found = graded(LOADS[name][0], {str(k): calls("f") for k in range(20)}, seconds=0.7)
    assert all(LOADS[name][1] in outcome.message for outcome in found.values())
    assert found.result.score == 0 and len(started) == 1, "it must not be tried again for every case"


@POSIX
def test_limits_cannot_be_raised_and_files_not_fill_the_disk(graded):
    text = """
import os, resource
def raises_its_limits():
    try:
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    except PermissionError as error:
        return str(error)
def fills_the_disk():
    with open("large", "wb") as file:
        for _ in range(100):
            file.write(bytes(2**20))
def limits():
    return [resource.getrlimit(x)[1] for x in (resource.RLIMIT_CORE, resource.RLIMIT_AS, resource.RLIMIT_CPU)]
"""

    def limits(submission, rng):
        assert submission.limits() == [0, 1500 * 2**20, 13]
        assert submission.raises_its_limits() == "while it is graded, a submission may not change its own limits"

    checks = {"limits": limits, "disk": lambda s, rng: s.fills_the_disk()}
    found = graded(text, checks, memory_mib=1500, processor_seconds=12)
    assert found["limits"].passed, found["limits"].fault or found["limits"].message
    assert "OSError: [Errno 27] File too large" in found["disk"].message
    assert found.result.unlimited == [] or sys.platform == "darwin"


def test_rooms_and_processes_are_gone_afterwards(graded, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    text = """
import os, stat
os.mkdir("locked"); open("locked/file", "w").close()
os.chmod("locked", 0)
def place(): return os.getcwd(), os.getpid()
def sleeps():
    import time
    time.sleep(100)
"""
    seen = []

    def check(submission, rng):
        seen.append(submission.place())

    graded(text, {"place": check, "sleeps": calls("sleeps"), "again": check}, seconds=0.6)
    assert len(seen) == 2 and seen[0][0].startswith(str(tmp_path.resolve())) and seen[0][1] != seen[1][1]
    assert list(tmp_path.iterdir()) == []
    for _, pid in seen:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_worker_that_does_not_start_is_no_fault_of_the_submission(graded, monkeypatch, tmp_path):
    broken = tmp_path / "worker.py"
    broken.write_text("import no_such_module\n")
    monkeypatch.setattr("minigen.check.grading.process.SCRIPT", broken)
    with pytest.raises(ValueError, match="a process for submissions does not start: ModuleNotFoundError: No module"):
        graded("def f():\n    return 1.0\n", {"f": calls("f")})


def test_the_environment_holds_no_secrets(graded, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")

    def check(submission, rng):
        names, home, folder, threads = submission.f()
        assert "SECRET_TOKEN" not in names and "PYTHONPATH" not in names
        assert home == folder and threads == "1"

    text = """
import os
def f():
    return list(os.environ), os.environ["HOME"], os.getcwd(), os.environ["OPENBLAS_NUM_THREADS"]
"""
    assert graded(text, {"f": check})["f"].passed


def test_packages_of_the_user_are_there(graded, monkeypatch, tmp_path):
    place = tmp_path / "site-packages"
    place.mkdir()
    (place / "an_installed_package.py").write_text("open(__file__ + '.txt', 'w').close()\nanswer = 1.0\n")
    monkeypatch.setattr("site.ENABLE_USER_SITE", True)
    monkeypatch.setattr("site.USER_SITE", str(place))
    found = graded("from an_installed_package import answer\ndef f():\n    return answer\n", {"f": calls("f")})
    assert found["f"].passed, found["f"].message
    assert (place / "an_installed_package.py.txt").exists(), "a package starts before the guard does"


def test_nothing_in_its_folder_starts_by_itself(graded, tmp_path):
    for name in ("usercustomize.py", "sitecustomize.py", ".local/lib/python3.11/site-packages/usercustomize.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("import os\nos._exit(0)\n")
    (tmp_path / "submission.py").write_text("def f():\n    return 1.0\n")
    found = graded(tmp_path, {"f": calls("f")})
    assert found["f"].passed, found["f"].message


def test_asked_numbers_come_back_to_the_bit(graded):
    x = np.random.default_rng(0).normal(size=(300, 200))

    def check(submission, rng):
        assert submission.f(x).tobytes() == x.tobytes()

    assert graded("def f(x):\n    return x\n", {"f": check})["f"].passed
