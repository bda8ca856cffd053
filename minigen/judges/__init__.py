"""Judges: small networks, trained here, that say which factors or which digit an image shows, or how a body moves.

By their features samples are compared with real images, and by their answers samples are counted.  A judge is trained
at first use, on other seeds than any run learns from, and kept in the user's cache; how good it is stands beside every
number that it finds.

| file | what |
|---|---|
| subjects.py, motion.py | what judges are taught: factors of scenes and effects, digits; actions and factors |
| which.py | which judge some data have |
| network.py, judge.py | the networks; what one asks of them |
| training.py | how it learns and is tested, beside a linear model |
| files.py | where judges are kept |
| command.py | `python -m minigen.judges scenes` |
"""

from minigen.judges.files import judge_of
from minigen.judges.judge import Judge
from minigen.judges.motion import Motion
from minigen.judges.subjects import Digits, Known, Rendered
from minigen.judges.which import subject_of

__all__ = ["Digits", "Judge", "Known", "Motion", "Rendered", "judge_of", "subject_of"]
