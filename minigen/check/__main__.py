"""`python -m minigen.check SUBMISSION… --cases cases.py`: grade notebooks and modules."""

import sys

from minigen.check.grading.command import main

if __name__ == "__main__":
    sys.exit(main())
