#!/usr/bin/env bash
# networkx writes GraphML that it cannot read: a control character in a label goes into the file as it is.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check networkx==3.6.1

"$room/venv/bin/python" -W ignore - <<'EOF'
from io import BytesIO
from xml.etree.ElementTree import ParseError

import networkx

print("networkx", networkx.__version__)
graph = networkx.DiGraph()
graph.add_node("a", label="one\x02two")
file = BytesIO()
networkx.write_graphml(graph, file)
try:
    networkx.read_graphml(BytesIO(file.getvalue()))
except ParseError as error:
    print("written without a complaint; reading it:", error)
else:
    raise AssertionError("it was read back")
EOF
