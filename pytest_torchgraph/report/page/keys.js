/* Keys and theme. */
const help = document.getElementById("help");
function isDark() { const chosen = document.documentElement.dataset.theme; return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches; }
function switchTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try { localStorage.setItem("torchgraph-theme", theme); } catch { /* a file without storage forgets it */ }
}
try { const chosen = localStorage.getItem("torchgraph-theme"); if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen; } catch { /* as above */ }
function moveFocus(selector, by) {
  const all = [...document.querySelectorAll(selector)], here = all.indexOf(document.activeElement);
  const target = all[here + by];
  if (here < 0 || !target) return false;
  document.activeElement.tabIndex = -1;
  target.tabIndex = 0;
  target.focus();
  return true;
}
function arrows(event) {
  const by = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const here = document.activeElement, vertical = event.key === "ArrowDown" || event.key === "ArrowUp";
  if (here.matches("[role=tab]") && !vertical) { choose((Number(here.id.slice(4)) + by + TABS.length) % TABS.length, true); return true; }
  if (here.matches(".row")) return vertical ? moveFocus(".row", by) : (fold(lines.rows[Number(here.dataset.at)], here.parentElement, by > 0), true);
  if (here.matches(".node") && vertical) return moveFocus(".node", by);
  if (here.matches("tr") && vertical) return moveFocus(".operations tr[tabindex]", by);
  if (here.matches(".item") && vertical) { const moved = moveFocus(".item", by); if (moved) show(Number(document.activeElement.dataset.at)); return moved; }
  return false;
}
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (event.target.matches("input, textarea")) {
    if (event.key === "Escape") { event.target.value = ""; event.target.dispatchEvent(new Event("input")); event.target.blur(); }
    if (event.key === "ArrowDown" && event.target === filter) list.querySelector(".item")?.focus();
    return;
  }
  const order = [...list.querySelectorAll(".item")].map(each => Number(each.dataset.at)), here = order.indexOf(state.at);
  const acts = { "?": () => help.showModal(), t: switchTheme, n: () => step(1), p: () => step(-1),
    j: () => show(order[here + 1] ?? state.at), k: () => show(order[here - 1] ?? state.at),
    "/": () => (content.querySelector(".search") || filter).focus() };
  TABS.forEach((_, at) => { acts[at + 1] = () => report.cases[state.at]?.view && choose(at, true); });
  if (acts[event.key]) acts[event.key]();
  else if (!event.key.startsWith("Arrow") || !arrows(event)) return;
  event.preventDefault();
});

frame();
drawList();
show(0);
if (!report.cases.length) drawCase();
document.documentElement.dataset.ready = "true";
