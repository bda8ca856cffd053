"""`python -m minigen.judges`."""

from minigen.judges.command import main

if __name__ == "__main__":
    raise SystemExit(main())
