#!/usr/bin/env bash
# Times klfit beside JAX, scikit-learn and NumPy, in a virtual environment of their pinned versions.
set -euo pipefail
cd "$(dirname "$0")"
venv="${PEERS_VENV:-../../target/peers}"
if ! [ -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement requirements.txt
fi
exec "$venv/bin/python" compare.py
