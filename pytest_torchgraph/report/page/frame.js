/* The frame: counts, the list of graphs, the one that is shown. */
const app = document.getElementById("app");
const alone = report.cases.length < 2;
const content = el("main", { id: "main", tabindex: "-1" });
const list = el("div", {});
const filter = el("input", { class: "search", type: "search", placeholder: "Find a test  /", "aria-label": "Find a test",
  oninput: event => { state.filter = event.target.value; drawList(); } });
const side = el("nav", { "aria-label": "Graphs", hidden: alone }, filter, list);

function frame() {
  const logo = svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" },
    svg("path", { d: "M12 6.5v4M12 10.5 6.5 16M12 10.5 17.5 16" }), svg("circle", { cx: 12, cy: 4.5, r: 2 }),
    svg("circle", { cx: 5.5, cy: 18, r: 2.4 }), svg("circle", { cx: 18.5, cy: 18, r: 2.4 }));
  const words = Object.fromEntries(Object.entries(SPOKEN).map(([status, word]) => [word, status]));
  const counts = Object.entries(report.counts).map(([word, count]) => el("span", { class: `chip is-${words[word]}` }, `${count} ${word}`));
  app.append(
    el("header", { class: "top" }, el("div", { class: "brand" }, logo, "torchgraph"),
      el("div", { class: "counts", title: report.headline }, counts),
      el("button", { class: "tool", id: "theme", title: "Light or dark (t)", "aria-label": "Light or dark", onclick: switchTheme }, "◐"),
      el("button", { class: "tool", title: "Keys (?)", "aria-label": "Keys", onclick: () => help.showModal() }, "?")),
    el("div", { class: `layout${alone ? " alone" : ""}` }, side, content));
}

function drawList() {
  const wanted = state.filter.toLowerCase();
  const shown = report.cases.map((one, at) => [one, at]).filter(([one]) =>
    !wanted || `${one.test} ${one.path} ${one.outline.title} ${one.outline.changes.join(" ")}`.toLowerCase().includes(wanted));
  const groups = new Map();
  for (const pair of shown) {
    const one = pair[0];
    const ids = one.outline.changes, more = ids.length > 1 ? ` and ${ids.length - 1} more` : "";
    const name = ids.length ? `change ${ids[0]}${more}` : SPOKEN[one.status], key = ids.length ? [...ids].sort().join() : name;
    groups.has(key) ? groups.get(key)[1].push(pair) : groups.set(key, [name, [pair]]);
  }
  list.replaceChildren(...[...groups.values()].flatMap(([name, pairs]) => [
    el("div", { class: "group" }, `${name} · ${pairs.length}`), ...pairs.slice(0, PAGE).map(([one, at]) => item(one, at)),
    pairs.length > PAGE ? el("div", { class: "group" }, `and ${pairs.length - PAGE} more: search for them`) : null].filter(Boolean)));
  if (!list.querySelector('[tabindex="0"]') && list.querySelector(".item")) list.querySelector(".item").tabIndex = 0;
  if (!shown.length) list.append(el("div", { class: "empty" }, "No test matches."));
}
function item(one, at) {
  const cut = one.test.lastIndexOf("::");
  return el("button", { class: `item is-${one.status}`, "data-at": at, "aria-current": String(at === state.at), tabindex: at === state.at ? "0" : "-1", title: one.test,
    onclick: () => show(at) }, el("div", {}, el("span", {}, cut < 0 ? one.test : one.test.slice(cut + 2)),
    el("small", {}, one.status === "same" ? one.test.slice(0, Math.max(cut, 0)) : titled(one))));
}
function show(at) {
  if (at < 0 || at >= report.cases.length) return;
  state.at = at;
  state.scope = "";
  for (const each of list.querySelectorAll(".item")) {
    each.setAttribute("aria-current", String(Number(each.dataset.at) === at));
    each.tabIndex = Number(each.dataset.at) === at ? 0 : -1;
  }
  const current = list.querySelector('[aria-current="true"]');
  /* Not at first: it would also be where Tab goes on from. */
  if (current && document.documentElement.dataset.ready) current.scrollIntoView({ block: "nearest" });
  drawCase();
}
