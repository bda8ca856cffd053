#!/usr/bin/env bash
# Runs once, when Gradescope builds the image: a Python that is new enough, and minigen from the wheel in the zip.
set -euo pipefail
root=${AUTOGRADER_ROOT:-/autograder}

python=python3
if ! python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))'; then
    apt-get update
    apt-get install -y python3.11-venv # Ubuntu 22.04 brings Python 3.10
    python=python3.11
fi
"$python" -m venv "$root/venv"
"$root/venv/bin/pip" install "$root"/source/minigen-*.whl
