#!/usr/bin/env bash
# Runs the tests with a report; what they end with is an output, so that the steps that follow can tell of it first.
set -euo pipefail

code=0
# shellcheck disable=SC2086  # ARGS are the words of a command line
"$PYTHON" -m pytest ${ARGS:-} \
    --torchgraph-report="$REPORT.html" --torchgraph-report="$REPORT.md" --torchgraph-report="$REPORT.json" || code=$?

drifted=0
if [ -f "$REPORT.json" ]; then
    drifted=$("$PYTHON" -c '
import json, sys
cases = json.load(open(sys.argv[1], encoding="utf-8"))["cases"]
print(sum(case["status"] in ("drift", "improved") for case in cases))' "$REPORT.json")
fi
{
    echo "exit-code=$code"
    echo "drifted=$drifted"
    echo "page=$REPORT.html"
} >> "$GITHUB_OUTPUT"
