"""The doctor tells what works, what does not and why, and sees a wrong derivative."""

import json

import pytest

import minigen
from minigen import backend, doctor

ON_A_GPU = {
    "works": True,
    "why_not": "",
    "wrong": "",
    "right": True,
    "gpu": "NVIDIA Example",
    "compute_capability": "90",
    "cupy": "14.2.0",
    "driver_cuda": 13010,
    "runtime_cuda": 13000,
    "gpu_memory_gib": {"free": 70.1, "all": 79.6},
    "images_per_second": 123456,
    "precision": "tf32",
}


def test_it_says_what_is_there_and_that_numpy_computes_rightly(capsys):
    assert doctor.main(["--seconds", "0.05"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"minigen {minigen.__version__} in ") and err == ""
    assert "--backend numpy: works" in out and "gradients: right" in out and "images/s" in out
    assert "batch 64, products in fp32" in out
    assert "packages: matplotlib" in out


def test_a_gpu_that_cannot_be_used_is_explained(capsys, monkeypatch):
    why_not = "CuPy 14.2.0 is installed, but this machine has no NVIDIA driver.\nInstall it."
    monkeypatch.setattr(backend, "probe", lambda: why_not)
    assert doctor.main(["--seconds", "0"]) == 0
    out = capsys.readouterr().out
    assert "--backend cupy: cannot be used\n  " + why_not.replace("\n", "\n  ") in out
    assert "images/s" not in out


def test_a_gpu_that_works_is_described():
    found = {**doctor.examine(0), "backends": {"cupy": ON_A_GPU}}
    out = doctor.in_words(found)
    assert "NVIDIA Example, compute capability 90, 70.1 of 79.6 GiB free" in out
    assert "CuPy 14.2.0, CUDA 13.0; the driver supports CUDA 13.1" in out
    assert "123,456 images/s" in out and "products in tf32" in out


def test_wrong_gradients_are_told_with_their_place_and_status_1(capsys, monkeypatch):
    monkeypatch.setitem(minigen.leaky_relu.rules, "x", lambda dy, y, x, **settings: 2 * dy)
    assert doctor.main(["--seconds", "0"]) == 1
    assert "is wrong" in capsys.readouterr().out


def test_json_holds_the_same(capsys):
    assert doctor.main(["--json", "--seconds", "0"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["backends"]["numpy"] == {"works": True, "why_not": "", "wrong": "", "right": True}
    assert found["packages"][""]["numpy"]


def test_the_backend_in_use_stays():
    before = backend.current()
    doctor.examine(0)
    assert backend.current() is before


@pytest.mark.parametrize("seconds", ["-1", "61", "nan"])
def test_a_time_out_of_range_is_refused(seconds, capsys):
    assert doctor.main(["--seconds", seconds]) == 2
    assert capsys.readouterr().err == f"error: --seconds {seconds} must lie between 0 and 60.\n"
