/* Operations: one table, searched as one types. */
function drawOperations(view) {
  const { rows, words, reached, declared } = view.operations;
  const looks = { "+": "plus", "-": "minus", "~": "tilde", ">": "move", "=": "" };
  const texts = rows.map(row => `${words[row[1]]} ${words[row[2]]} ${words[row[3]]} ${words[row[4]]}`.toLowerCase());
  const flops = rows.some(row => row[5] !== null), source = rows.some(row => words[row[4]] !== "");
  let most = PAGE, only = false;
  const count = el("span", { class: "count" }), table = el("tbody", {});
  const find = el("input", { class: "search", type: "search", placeholder: "Find operations  /", "aria-label": "Find operations", value: state.scope, oninput: () => { most = PAGE; fill(); } });
  find.value = state.scope;
  const changed = el("button", { class: "small", "aria-pressed": "false", onclick: () => { only = !only; changed.setAttribute("aria-pressed", String(only)); fill(); } }, "Changed only");
  const more = el("button", { class: "skip", onclick: () => { most *= 4; fill(); } });
  function fill() {
    const parts = find.value.toLowerCase().split(/\s+/).filter(Boolean).map(part => part.includes("*")
      ? new RegExp(part.split("*").map(piece => piece.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join("\\d*")) : part);
    const found = rows.filter((row, at) => (!only || row[0] !== "=") && parts.every(part => typeof part === "string" ? texts[at].includes(part) : part.test(texts[at])));
    table.replaceChildren(...found.slice(0, most).map(row => el("tr", { class: looks[row[0]], tabindex: "-1", onclick: event => tellMore(event.currentTarget, row),
      onkeydown: event => { if (event.key === "Enter") tellMore(event.currentTarget, row); } },
      el("td", {}, row[0] === "=" ? "" : row[0] === "-" ? "−" : row[0]), el("td", {}, words[row[1]]), el("td", { class: "t-dim" }, words[row[2]]), el("td", { class: "t-type" }, words[row[3]]),
      flops ? el("td", { class: "number" }, row[5] === null ? "?" : row[5].toLocaleString("en")) : null, source ? el("td", { class: "t-dim place", title: words[row[4]] }, words[row[4]]) : null)));
    if (table.firstChild) table.firstChild.tabIndex = 0;
    count.textContent = `${found.length.toLocaleString("en")} of ${counted(rows.length + view.operations.left_out, "operation")}`;
    more.hidden = found.length <= most;
    more.textContent = `⋯ ${counted(found.length - most, "more operation")}`;
  }
  function tellMore(line, row) {
    if (line.nextSibling?.classList?.contains("about")) { line.nextSibling.remove(); line.removeAttribute("aria-expanded"); return; }
    const name = words[row[1]], node = words[row[6]];
    const known = [[reached[name], "reached from "], [node && (declared[node] ? `${node}, ${declared[node]}` : node), "autograd node "]].filter(([text]) => text);
    const shown = node && declared[node] ? el("div", { class: "t-dim" }, "all of it: ", el("code", {}, `torchgraph autograd show ${node}`)) : null;
    line.setAttribute("aria-expanded", "true");
    line.after(el("tr", { class: "about" }, el("td", {}), el("td", { colspan: String(3 + flops + source) },
      known.length ? known.map(([text, word]) => el("div", {}, el("span", { class: "t-dim" }, word), text)) : el("div", { class: "t-dim" }, "Nothing more is known of it."), shown)));
  }
  fill();
  const heads = [["", "2.2rem"], ["operation", "22%"], ["module", "30%"], ["result", ""], ...(flops ? [["FLOPs", "8.5rem"]] : []), ...(source ? [["source", "12.5rem"]] : [])];
  return [el("div", { class: "bar" }, find, changed, count), el("div", { class: "panel operations scroll" }, el("table", {}, el("thead", {}, el("tr", {}, heads.map(([word, width]) => {
    const made = el("th", { class: word === "FLOPs" ? "number" : "" }, word); made.style.width = width; return made; }))), table), more)];
}
