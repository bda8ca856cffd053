"""`python -m minigen.check SUBMISSION… --cases cases.py`: grade notebooks and modules."""

import os
import sys

if __name__ == "__main__":
    searched = None
    if not sys.flags.safe_path and sys.path[:1] in ([""], [os.getcwd()]):  # -m puts the present folder first, and
        sys.path.pop(0)  # submissions may lie in it: what is imported from here on must not be a student's
        searched = os.getcwd()

    from minigen.check.grading.command import main

    sys.exit(main(searched=searched))
