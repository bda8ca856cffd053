"""`python -m minigen.train`."""

from minigen.train.command import main

if __name__ == "__main__":
    raise SystemExit(main())
