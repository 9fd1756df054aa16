/* One graph: the words, then what there is to see. */
let body;
function drawCase() {
  const one = report.cases[state.at];
  if (!one) { content.replaceChildren(el("div", { class: "empty" }, "No graph was checked.")); return; }
  body = el("section", { id: "body", role: "tabpanel" });
  content.replaceChildren(
    el("div", { class: "where" }, el("span", { class: `chip is-${one.status}` }, SPOKEN[one.status]),
      headline(one) === one.outline.title ? null : el("code", {}, one.test),
      one.place ? el("code", { class: "t-dim" }, `${one.place.file}:${one.place.line}`) : null,
      named(one.outline.sections[0])),
    el("h1", {}, titled(one)),
    brief(one),
    one.outline.environment.length ? el("div", { class: "env" }, one.outline.environment.map(line => el("div", {}, line))) : "",
    metrics(one), findings(one), accept(one), ...tabs(one));
  drawTab();
  scrollTo(0, 0);
}
/* The lines that every report has beneath its title, as they stand there; a report of an earlier version has none. */
function brief(one) {
  const lines = one.outline.brief ?? [], hint = one.outline.sections[0]?.hint;
  if (!lines.length) return hint ? el("p", { class: "cause" }, hinted(one.outline.sections[0])) : "";
  const kind = line => /^(hint|also):/.exec(line.trim())?.[1];
  return el("div", { class: "brief mono" }, lines.map(line => el("div", { class: kind(line) }, line.trim())));
}
const toldInFull = (one, hint) => !hint || !one.outline.brief?.length || one.outline.brief.some(line => line.includes(hint));
function metrics(one) {
  const place = each => { const at = FIRST_METRICS.indexOf(each.name); return at < 0 ? FIRST_METRICS.length : at; };
  const moved = one.metrics.filter(each => each.before !== each.after).sort((left, right) => place(left) - place(right));
  const still = one.metrics.filter(each => each.before === each.after);
  const cards = moved.map(each => {
    const by = (each.after ?? 0) - (each.before ?? 0), known = each.before !== null && each.after !== null;
    const share = each.moved ? ` (${each.moved.replace("-", "−")})` : "";
    return el("dl", { class: "card" }, el("dt", {}, each.name),
      el("dd", {}, el("s", {}, `${amount(each.name, each.before)} → `), amount(each.name, each.after)),
      known ? el("small", { class: by > 0 ? "more" : "fewer" }, `${by > 0 ? "▲ +" : "▼ −"}${amount(each.name, Math.abs(by))}${share}`) : null);
  });
  const rest = still.map((each, at) => [at ? " · " : "", `${each.name} `, el("b", {}, amount(each.name, each.after))]);
  return el("div", { class: "cards" }, cards, rest.length ? el("div", { class: "still" }, moved.length ? "unmoved: " : "", rest.flat()) : null);
}
function findings(one) {
  const [first, ...others] = one.outline.sections;
  if (!first) return "";
  const lead = finding(first, arrowed(first.title) === titled(one), true, toldInFull(one, first.hint));
  const told = [...lead.children].length || one.outline.alive.length;
  const items = texts => el("ul", { class: "mono" }, texts.map(text => el("li", {}, text)));
  const living = one.outline.alive;
  const alive = living.length ? el("div", { class: "finding" }, el("h3", {}, "Alive at the peak"), items(living.slice(0, 2)),
    living.length > 2 ? el("details", {}, el("summary", {}, `${living.length - 2} more`), items(living.slice(2))) : null) : null;
  const rest = others.length ? el("details", { class: "further" }, el("summary", {}, `${counted(others.length, "further finding")}: `,
    el("span", { class: "t-dim" }, others.slice(0, 4).map(each => arrowed(each.title)).join("; ") + (others.length > 4 ? "; …" : ""))),
    others.map(section => finding(section))) : null;
  return told || rest ? el("div", { class: "panel findings" }, lead.children.length ? lead : null, alive, rest) : "";
}
const hinted = section => [arrowed(section.hint), section.cause ? el("span", { class: "tag", title: "The name of the cause" }, section.cause) : null];
const named = section => section?.change ? el("code", { class: "tag", title: `torchgraph accept --change ${section.change}` }, `change ${section.change}`) : null;
function finding(section, titled, led, told) {
  return el("div", { class: `finding${section.note ? " noted" : ""}` },
    titled ? null : el("h3", {}, arrowed(section.title), section.note ? el("span", { class: "tag" }, "note") : null, led ? null : named(section)),
    section.rows.length ? edits(section.rows.slice(0, FIRST)) : null,
    section.rows.length > FIRST ? el("details", {}, el("summary", {}, `${counted(section.rows.length - FIRST, "more place")}`), edits(section.rows.slice(FIRST, 500))) : null,
    section.hint && !told ? el("div", { class: "hint" }, hinted(section)) : null,
    section.lines.length ? el("details", {}, el("summary", {}, counted(section.lines.length, "line")),
      el("div", { class: "lines mono", tabindex: "0" }, section.lines.slice(0, 500).map(line =>
        el("div", { class: { "+": "plus", "-": "minus" }[line.trimStart()[0]] || "t-dim" }, line)))) : null);
}
const edits = rows => el("div", { class: "edits" }, rows.flatMap(row => [
  el("code", { class: "scope" }, row.scope), el("code", {}, arrowed(row.text)), el("code", { class: "source" }, row.source)]));
function accept(one) {
  if (!one.outline.accept) return "";
  const button = el("button", { class: "small", onclick: () => copy(one.outline.accept, button) }, "Copy");
  return el("div", { class: "accept" }, el("span", { class: "t-dim" }, "accept"), el("code", { tabindex: "0" }, one.outline.accept), button);
}
async function copy(text, button) {
  try { await navigator.clipboard.writeText(text); } catch {
    const area = el("textarea", {}); area.value = text; document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1200);
}
function tabs(one) {
  if (!one.view) return [el("div", { class: "empty" }, one.left_out ? "The graphs are left out: the page would be too large. The JSON report holds them." : "")];
  const row = el("div", { class: "tabs", role: "tablist" }, TABS.map((name, at) => el("button", { role: "tab", id: `tab-${at}`,
    "aria-controls": "body", "aria-selected": String(at === state.tab), tabindex: at === state.tab ? "0" : "-1", onclick: () => choose(at) }, name)));
  return [row, body];
}
function choose(at, focus) {
  state.tab = at;
  document.querySelectorAll("[role=tab]").forEach((tab, number) => {
    tab.setAttribute("aria-selected", String(number === at));
    tab.tabIndex = number === at ? 0 : -1;
    if (focus && number === at) tab.focus();
  });
  drawTab();
}
function drawTab() {
  const view = report.cases[state.at].view;
  if (!view) return;
  body.replaceChildren(...[drawSides, drawModules, drawMemory, drawOperations][state.tab](view));
  body.setAttribute("aria-labelledby", `tab-${state.tab}`);
}
