#!/usr/bin/env bash
# speedscope takes the args of a trace event into the frame's name: the same function with other args is another function.
# A Chromium on the path opens it.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cd "$room"
npm install --silent --no-fund --no-audit speedscope@1.25.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check playwright==1.65.2

venv/bin/python - <<'EOF'
import json
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

package = Path("node_modules/speedscope")
print("speedscope", json.loads((package / "package.json").read_text())["version"])
event = {"ph": "X", "pid": 1, "tid": 1, "name": "matmul", "dur": 10}
events = [{**event, "ts": 20 * place, "args": {"call": place}} for place in range(3)]
Path("trace.json").write_text(json.dumps({"traceEvents": events}))
chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
flags = ["--no-sandbox", "--allow-file-access-from-files", "--use-gl=swiftshader", "--enable-unsafe-swiftshader"]
with sync_playwright() as driver:
    browser = driver.chromium.launch(executable_path=chromium, args=flags)
    page = browser.new_page()
    page.goto((package / "dist/release/index.html").resolve().as_uri())
    page.set_input_files("input[type=file]", "trace.json")
    page.wait_for_selector("text=Sandwich")
    page.keyboard.press("3")
    page.wait_for_selector("text=Symbol Name")
    page.wait_for_timeout(1000)
    rows = [line.strip() for line in page.inner_text("body").splitlines() if "matmul" in line]
    browser.close()
print("one function, called three times, is shown as:", *rows, sep="\n  ")
assert sorted(rows) == ['matmul {"call":0}', 'matmul {"call":1}', 'matmul {"call":2}']
EOF
