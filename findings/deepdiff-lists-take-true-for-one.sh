#!/usr/bin/env bash
# deepdiff tells 1 from True and from 1.0 in a dictionary, and takes them for equal in a list, unless told to go through it in order.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check deepdiff==9.1.0

"$room/venv/bin/python" -W ignore - <<'EOF'
import deepdiff
from deepdiff import DeepDiff

print("deepdiff", deepdiff.__version__)
pairs = [(1, True), (1, 1.0), (0, False)]
for before, after in pairs:
    in_dictionary = DeepDiff({"a": before}, {"a": after})
    in_list = DeepDiff([before, 2], [after, 2])
    in_order = DeepDiff([before, 2], [after, 2], zip_ordered_iterables=True)
    print(f"{before!r} against {after!r}: dictionary {list(in_dictionary)}, list {list(in_list)}, in order {list(in_order)}")
    assert list(in_dictionary) == list(in_order) == ["type_changes"]
    assert list(in_list) == []
EOF
