#!/usr/bin/env bash
# Writes the report as the one comment of this action on the pull request, or rewrites it.
set -euo pipefail

mark="<!-- $REPORT -->"
[ -f "$REPORT.md" ] || exit 0
body=$(mktemp)
trap 'rm -f "$body"' EXIT
{ echo "$mark"; cat "$REPORT.md"; } > "$body"
known=$(gh api --paginate "$COMMENTS" --jq ".[] | select(.body | startswith(\"$mark\")) | .url" | head -n 1)
if [ -n "$known" ]; then
    gh api --method PATCH "$known" -F "body=@$body" --silent
else
    gh api --method POST "$COMMENTS" -F "body=@$body" --silent
fi
