#!/usr/bin/env bash
# mace-torch installs a package that is called tests: 'import tests' succeeds everywhere, and finds those of MACE.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps mace-torch==0.3.16

"$room/venv/bin/python" -W ignore - <<'EOF'
from importlib.metadata import files, version
from importlib.util import find_spec

print("mace-torch", version("mace-torch"))
tops = sorted({file.parts[0] for file in files("mace-torch") if file.suffix == ".py"})
found = find_spec("tests")
print("top-level packages:", tops)
print("'import tests' finds", *found.submodule_search_locations)
assert "tests" in tops
assert all("site-packages" in folder for folder in found.submodule_search_locations)
EOF
