/* Graph: both snapshots side by side; what did not change is folded away. */
const TOKEN = /(%[\w.:]+|%"[^"]*")|\b((?:b?f|i|u|c)\d+|bool)(\[[\d,?]*\])|^((?:[^\s=(:]+)(?=: ))|([A-Za-z_]\w*|\d+)|(\s+|.)/g;
function tokens(text) {
  return [...text.matchAll(TOKEN)].map(found => [found[0],
    found[1] ? "t-value" : found[2] ? "t-type" : found[4] ? "t-name" : ""]);
}
function differing(left, right) {
  /* For each token of both lines whether the other line has it, by the longest common subsequence of what differs. */
  let start = 0, end = 0;
  const most = Math.min(left.length, right.length);
  while (start < most && left[start][0] === right[start][0]) start++;
  while (end < most - start && left[left.length - 1 - end][0] === right[right.length - 1 - end][0]) end++;
  const a = left.slice(start, left.length - end), b = right.slice(start, right.length - end);
  const marks = [left.map((_, at) => at >= start && at < left.length - end), right.map((_, at) => at >= start && at < right.length - end)];
  if (a.length * b.length > 40000) return marks;
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let x = a.length - 1; x >= 0; x--) for (let y = b.length - 1; y >= 0; y--)
    table[x][y] = a[x][0] === b[y][0] ? table[x + 1][y + 1] + 1 : Math.max(table[x + 1][y], table[x][y + 1]);
  for (let x = 0, y = 0; x < a.length && y < b.length;) {
    if (a[x][0] === b[y][0]) { marks[0][start + x++] = false; marks[1][start + y++] = false; }
    else if (table[x + 1][y] >= table[x][y + 1]) x++; else y++;
  }
  return marks;
}
function cell(kind, parts, marks, depth) {
  const made = el("div", { class: `cell ${kind}`, depth });
  let marked = null;
  (parts || []).forEach(([text, look], at) => {
    const piece = look ? el("span", { class: look }, text) : text;
    if (marks && marks[at]) {
      if (!marked) made.append(marked = el("mark", {}));
      marked.append(piece);
    } else { marked = null; made.append(piece); }
  });
  return made;
}
function flat(rows, depth, into) {
  for (const [mark, before, after, beneath, source] of rows) {
    const row = { mark, before, after, source, depth, at: into.length, size: 0, inner: beneath.length > 0, changed: mark !== "=", open: true };
    into.push(row);
    flat(beneath, depth + 1, into);
    row.size = into.length - row.at - 1;
  }
  return into;
}
let lines = { rows: [], whole: false, needle: "" };
function drawSides(view) {
  const rows = flat(view.lines, 0, []);
  const changed = rows.filter(row => row.changed).length;
  lines = { rows, changed, whole: !changed, opened: new Set(), needle: "", most: 2000 };
  const one = report.cases[state.at];
  const panel = el("div", { class: `panel sides${changed ? "" : " one"}`, id: "sides" });
  const find = el("input", { class: "search", type: "search", placeholder: "Find in the graph  /", "aria-label": "Find in the graph",
    oninput: event => { lines.needle = event.target.value.toLowerCase(); fillSides(panel); } });
  const whole = el("button", { class: "small", "aria-pressed": String(lines.whole), onclick: () => {
    lines.whole = !lines.whole; whole.setAttribute("aria-pressed", String(lines.whole)); fillSides(panel); } }, "All lines");
  fillSides(panel);
  return [el("div", { class: "bar" }, find, changed ? whole : null,
    changed ? el("button", { class: "small", onclick: () => step(-1) }, "↑ previous") : null,
    changed ? el("button", { class: "small", onclick: () => step(1) }, "↓ next change") : null,
    el("span", { class: "count" }, changed ? `${changed} of ${counted(rows.length, "line")} changed` : counted(rows.length, "line"))), panel];
}
function near(rows) {
  /* Rows that are shown around changes: some before and after, and the scopes that they stand in. */
  const kept = new Uint8Array(rows.length);
  rows.forEach((row, at) => {
    if (!row.changed) return;
    for (let other = Math.max(0, at - CONTEXT); other <= Math.min(rows.length - 1, at + CONTEXT); other++) kept[other] = 1;
  });
  const path = [];
  rows.forEach((row, at) => {
    path.length = row.depth;
    path.push(at);
    if (row.changed) path.forEach(outer => { kept[outer] = 1; });
  });
  return kept;
}
function fillSides(panel) {
  const { rows, needle, opened } = lines;
  const kept = lines.whole || needle ? null : near(rows);
  const hits = row => !needle || `${row.before || ""}\n${row.after || ""}\n${row.source || ""}`.toLowerCase().includes(needle);
  const made = [];
  if (lines.changed) made.push(el("div", { class: "heads" }, el("div", {}, "before"), el("div", {}, "after")));
  let skipped = [], drawn = 0;
  const flush = () => {
    if (!skipped.length) return;
    const those = skipped;
    skipped = [];
    if (needle) return;
    made.push(el("button", { class: "skip", onclick: () => { those.forEach(at => opened.add(at)); fillSides(panel); } }, `⋯ ${counted(those.length, "unchanged line")}`));
  };
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at];
    if (!(kept === null || kept[at] || opened.has(at)) || !hits(row)) { skipped.push(at); continue; }
    flush();
    if (drawn++ >= lines.most) {
      made.push(el("button", { class: "skip", onclick: () => { lines.most *= 4; fillSides(panel); } }, `⋯ more lines: ${rows.length - at}`));
      skipped = [];
      break;
    }
    made.push(drawRow(row, panel, needle));
    if (!row.open && !needle) at += row.size;
  }
  flush();
  if (!drawn) made.push(el("div", { class: "empty" }, "No line matches."));
  panel.replaceChildren(...made);
  const first = panel.querySelector(".row");
  if (first) first.tabIndex = 0;
}
function drawRow(row, panel, needle) {
  const left = row.before === null ? null : tokens(row.before);
  const right = row.mark === "=" ? left : row.after === null ? null : tokens(row.after);
  const marks = row.mark === "~" ? differing(left, right) : [null, null];
  const made = el("div", { class: `row ${row.mark === "=" ? "same" : "other"}${needle ? " found" : ""}`, tabindex: "-1", "data-at": row.at });
  const cells = lines.changed ? [cell(row.mark === "=" ? "" : left ? "minus" : "none", left, marks[0], row.depth),
    cell(row.mark === "=" ? "" : right ? "plus" : "none", right, marks[1], row.depth)] : [cell("", left, null, row.depth)];
  if (row.inner) cells[row.before === null ? 1 : 0].prepend(el("button", { class: "twist", tabindex: "-1", "aria-expanded": String(row.open),
    "aria-label": "lines beneath", onclick: () => fold(row, panel) }, row.open ? "▾" : "▸"));
  if (row.source) cells.at(-1).prepend(el("span", { class: "at" }, row.source));
  made.append(...cells);
  return made;
}
function fold(row, panel, open = !row.open) {
  if (!row.inner || row.open === open) return;
  row.open = open;
  fillSides(panel);
  panel.querySelector(`.row[data-at="${row.at}"]`)?.focus();
}
function step(by) {
  if (state.tab !== 0) choose(0);
  const panel = document.getElementById("sides");
  if (!panel) return;
  const shown = [...panel.querySelectorAll(".row")];
  const starts = shown.filter((row, at) => row.classList.contains("other") && !(at && shown[at - 1].classList.contains("other")));
  const here = shown.indexOf(document.activeElement);
  const target = by > 0 ? starts.find(row => shown.indexOf(row) > here) || starts[0]
    : starts.findLast(row => shown.indexOf(row) < here) || starts.at(-1);
  if (target) { target.focus({ preventScroll: true }); target.scrollIntoView({ block: "center" }); }
}
