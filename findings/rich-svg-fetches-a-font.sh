#!/usr/bin/env bash
# A terminal picture that rich exports as SVG asks another server for its font whenever somebody looks at it.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check rich==15.0.0

"$room/venv/bin/python" -W ignore - <<'EOF'
import io
import re
from importlib.metadata import version

from rich.console import Console

print("rich", version("rich"))
console = Console(record=True, file=io.StringIO(), width=40)
console.print("hello")
fetched = re.findall(r'url\("(https://[^"]+)"\)', console.export_svg())
print("\n".join(fetched))
assert len(fetched) == 4
assert all("cdnjs.cloudflare.com" in address for address in fetched)
EOF
