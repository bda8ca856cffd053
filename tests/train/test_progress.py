"""What training shows while it runs."""

import pytest

from minigen.train.progress import Progress, _span

ROW = {"discriminator": 1.3, "generator": 0.7, "d_real": 0.55, "d_fake": 0.45, "images_per_second": 512.0}


def shown(row):
    return f"D {row['discriminator']:.3f}  G {row['generator']:.3f}", f"D(x) {row['d_real']:.2f}"


def test_away_from_a_terminal_it_prints_a_line_now_and_then(capsys):
    with Progress(shown, 0, 3, line_seconds=60) as progress:
        for step in (1, 2, 3):
            progress.show({"step": step, **ROW})
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("step 1 of 3  D 1.300  G 0.700  D(x) 0.55  512 img/s") and " left" in first
    assert last.startswith("step 3 of 3")


@pytest.mark.parametrize("seconds, text", [(5, "5 s"), (89, "89 s"), (120, "2 min"), (7200, "2.0 h")])
def test_a_length_of_time_is_said_as_a_person_says_it(seconds, text):
    assert _span(seconds) == text
