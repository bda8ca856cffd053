"""Rows of measurements, and the sentence that says where the model loses."""

import json

import pytest

from minigen.train.table import Row, Table, shown


def test_a_baseline_that_wins_gets_its_sentence():
    rows = [Row("joint error", "cm", {"model": 6.2, "mean pose": 11.0, "PCA": 6.1}, "lower")]
    table = Table("How well", rows)
    assert table.verdicts() == ["joint error: PCA is better than the model, 6.10 against 6.20 cm."]


def test_a_model_that_wins_everything_is_told_so():
    table = Table("How well", [Row("joint error", "cm", {"model": 6.0, "PCA": 6.1}, "lower")])
    assert table.verdicts() == ["In nothing measured here is a baseline better than the model."]


def test_higher_may_be_better_and_the_data_are_no_baseline():
    assert Row("coverage", "%", {"model": 80, "PCA": 70, "data": 100}, "higher").losses() == []
    assert Row("coverage", "%", {"model": 60, "PCA": 70, "data": 100}, "higher").losses() == ["PCA"]


def test_a_value_that_is_good_near_the_datas_is_not_judged():
    table = Table("How it moves", [Row("jitter", "m/s³", {"model": 300.0, "data": 200.0})])
    assert table.verdicts() == []


def test_the_text_has_every_column_once_the_model_first():
    rows = [
        Row("a", "cm", {"mean pose": 1.0, "model": 2.0}, "lower", error=0.25),
        Row("b", "", {"model": 0.5, "PCA": 0.25}, note="of black and white pixels"),
    ]
    table = Table("Title", rows, ["A note."])
    lines = str(table).splitlines()
    assert lines[0] == "Title" and lines[1].split() == ["model", "mean", "pose", "PCA", "unit", "better"]
    assert lines[3].split() == ["a", "2", "±", "0.250", "1", "cm", "lower"]
    assert lines[-2:] == ["b: of black and white pixels", "A note."]
    assert json.loads(json.dumps(table.as_json()))["rows"][0]["values"] == {"mean pose": 1.0, "model": 2.0}


@pytest.mark.parametrize(
    "value, text",
    [
        (12345.6, "12,346"),
        (205.97, "206.0"),
        (6.123, "6.12"),
        (0.0312, "0.031"),
        (4e-15, "4.0e-15"),
        (-428.1, "−428.1"),
        (32.0, "32"),
        (0, "0"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_are_shown_in_about_four_digits(value, text):
    assert shown(value) == text


def test_a_number_that_is_none_becomes_null_and_breaks_nothing():
    table = Table("A run that diverged", [Row("−ELBO", "nats", {"model": float("inf")}, "lower", error=float("nan"))])
    assert "inf ± nan" in str(table)
    assert json.loads(json.dumps(table.as_json(), allow_nan=False))["rows"][0]["values"] == {"model": None}
