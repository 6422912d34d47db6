#!/usr/bin/env bash
# Times klfit beside programs in a virtual environment of their pinned versions, and beside mclust where R has it.
set -euo pipefail
cd "$(dirname "$0")"
venv="${PEERS_VENV:-../../target/peers}"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
# An older environment may lack some; what is there takes no time.
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt
exec "$venv/bin/python" compare.py
