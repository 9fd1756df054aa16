#!/usr/bin/env bash
# speedscope chooses how to read a file by its name: a valid trace that is called NAME.chrome.json cannot be opened.
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
text = json.dumps({"traceEvents": [{"ph": "X", "pid": 1, "tid": 1, "name": "matmul", "ts": 0, "dur": 10}]})
chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
flags = ["--no-sandbox", "--allow-file-access-from-files", "--use-gl=swiftshader", "--enable-unsafe-swiftshader"]


def opened(name):
    Path(name).write_text(text)
    page = browser.new_page()
    page.goto((package / "dist/release/index.html").resolve().as_uri())
    page.set_input_files("input[type=file]", name)
    page.wait_for_timeout(2000)
    shown = page.inner_text("body")
    return "Sandwich" in shown, "Something went wrong" in shown


with sync_playwright() as driver:
    browser = driver.chromium.launch(executable_path=chromium, args=flags)
    found = {name: opened(name) for name in ("trace.json", "trace.chrome.json")}
    browser.close()
for name, (shown, wrong) in found.items():
    print(f"{name}: shown {shown}, went wrong {wrong}")
assert found == {"trace.json": (True, False), "trace.chrome.json": (False, True)}
EOF
