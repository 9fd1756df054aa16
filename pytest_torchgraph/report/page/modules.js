/* Modules: the tree of module calls, changed ones open. */
function drawModules(view) {
  const panel = el("div", { class: "panel tree", role: "tree", "aria-label": "Modules" });
  const open = new Set();
  let most = 1000;
  (function unfold(entry, depth, id) {
    if (entry[5] || depth < 2) open.add(id);
    entry[7].forEach((child, at) => unfold(child, depth + 1, `${id}.${at}`));
  })(view.modules, 0, "0");
  const draw = focus => {
    const made = [];
    let hidden = 0;
    (function add(entry, depth, id) {
      if (made.length < most) made.push(module(entry, depth, id, open, draw)); else hidden++;
      if (open.has(id)) entry[7].forEach((child, at) => add(child, depth + 1, `${id}.${at}`));
    })(view.modules, 0, "0");
    panel.replaceChildren(...made);
    if (hidden) panel.append(el("button", { class: "skip", onclick: () => { most *= 4; draw(); } }, `⋯ ${counted(hidden, "more module")}`));
    (panel.querySelector(`[data-id="${focus || "0"}"]`) || made[0]).tabIndex = 0;
    if (focus) panel.querySelector(`[data-id="${focus}"]`)?.focus();
  };
  draw();
  return [el("div", { class: "bar" }, el("span", { class: "t-dim" }, "operations before → after, with all beneath; Enter shows them"),
    el("span", { class: "count" }, counted(view.modules[5], "change"))), panel];
}
function module([name, path, kind, before, after, changes, repeats, beneath], depth, id, open, draw) {
  const look = before === null ? " come" : after === null ? " gone" : changes ? " touched" : "";
  const ops = before === after ? `${after ?? ""}` : `${before ?? "–"} → ${after ?? "–"}`;
  const turn = (to, target) => { to ? open.add(id) : open.delete(id); draw(target || id); };
  const twist = el("u", { onclick: event => { event.stopPropagation(); turn(!open.has(id)); } }, beneath.length ? open.has(id) ? "▾" : "▸" : "");
  const made = el("div", { class: `node mono${look}`, role: "treeitem", tabindex: "-1", depth, "data-id": id, "aria-level": depth + 1,
    "aria-expanded": beneath.length ? String(open.has(id)) : undefined, ondblclick: () => { state.scope = path; choose(3); },
    onclick: () => made.focus() }, el("div", { class: "name", title: path || kind }, twist, el("b", {}, name || "model"), repeats > 1 ? ` ×${repeats}` : "", " ", el("i", {}, kind)),
    el("div", { class: "ops" }, ops), changes ? el("div", { class: "badge" }, counted(changes, "change")) : el("span", {}));
  made.addEventListener("keydown", event => {
    if (event.key === "ArrowRight" && beneath.length && !open.has(id)) turn(true);
    else if (event.key === "ArrowLeft" && open.has(id) && beneath.length) turn(false);
    else if (event.key === "ArrowLeft" && id.includes(".")) draw(id.slice(0, id.lastIndexOf(".")));
    else if (event.key === "Enter") { state.scope = path; choose(3); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return made;
}
