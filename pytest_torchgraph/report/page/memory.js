/* Memory: what is live, operation by operation, and what the peak is made of. */
function drawMemory(view) {
  const one = report.cases[state.at];
  const [before, after] = view.memory;
  const peak = one.metrics.find(each => each.name === "peak") || { before: null, after: null };
  const made = [];
  if (after) made.push(figure("after", after, peak.after, view.peak_at[1], before, peak.before));
  if (before) made.push(figure("before", before, peak.before, view.peak_at[0], after, peak.after));
  if (before && after) made.push(atPeak(before, after));
  else made.push(...stillAlive(view));
  if (!before || !after) made.push(totals(one, view, before || after));
  return [el("div", { class: "memory" }, made)];
}
function figure(title, memory, peak, at, other, otherPeak) {
  const total = memory.at.map((_, point) => Object.values(memory.series).reduce((sum, points) => sum + points[point], 0));
  const largest = Object.entries(memory.categories).sort((one, two) => two[1] - one[1]).slice(0, 3);
  return el("div", { class: "panel figure" }, el("h3", {}, `Live bytes ${title}`),
    el("p", {}, `The peak of ${bytes(total[memory.peak])} is reached ${at ? `at ${at}` : "there"}: `,
      largest.map(([name, count]) => `${bytes(count)} ${name}`).join(", "), "."),
    curve(memory, total, other, otherPeak, title === "after" ? "before" : "after"), legend(memory, other && (title === "after" ? "before" : "after")), alive(memory));
}
function curve(memory, total, other, otherPeak, otherTitle) {
  const W = Math.max(320, Math.min(1400, content.clientWidth - 90)), H = 260, left = 70, right = 12, top = 36, bottom = 22;
  const totals = other ? other.at.map((_, point) => Object.values(other.series).reduce((sum, points) => sum + points[point], 0)) : [];
  const high = Math.max(total[memory.peak], otherPeak || 0, ...totals, 1) * 1.06;
  const steps = Math.max(memory.steps, other ? other.steps : 0, 2);
  const x = step => left + (W - left - right) * step / (steps - 1), y = count => H - bottom - (H - top - bottom) * count / high;
  const root = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `live bytes, peak ${bytes(total[memory.peak])}` });
  for (const [name, start, stop] of memory.phases) root.append(svg("rect", { class: "phase", x: x(start), y: top, width: Math.max(1, x(stop) - x(start)), height: H - top - bottom }),
    svg("text", { x: x(start) + 4, y: 12 }, name));
  for (let line = 0; line <= 4; line++) root.append(svg("line", { class: "grid", x1: left, x2: W - right, y1: y(high * line / 4.24), y2: y(high * line / 4.24) }),
    svg("text", { x: left - 8, y: y(high * line / 4.24) + 4, "text-anchor": "end" }, bytes(high * line / 4.24, 1)));
  let base = total.map(() => 0);
  for (const name of CATEGORIES.filter(each => memory.series[each])) {
    const over = memory.series[name].map((count, point) => base[point] + count);
    const upper = memory.at.map((step, point) => `${x(step)},${y(over[point])}`), lower = memory.at.map((step, point) => `${x(step)},${y(base[point])}`).reverse();
    root.append(svg("polygon", { points: [...upper, ...lower].join(" "), fill: colour(name), "fill-opacity": .85 }));
    base = over;
  }
  if (other) root.append(svg("polyline", { class: "ghost", points: other.at.map((step, point) => `${x(step)},${y(totals[point])}`).join(" ") }));
  else if (otherPeak) root.append(svg("line", { class: "ghost", x1: left, x2: W - right, y1: y(otherPeak), y2: y(otherPeak) }),
    svg("text", { x: W - right - 4, y: y(otherPeak) + 13, "text-anchor": "end" }, `peak ${otherTitle}: ${bytes(otherPeak)}`));
  const px = x(memory.at[memory.peak]), py = y(total[memory.peak]), late = px > W * .7;
  root.append(svg("line", { class: "pin", x1: px, x2: px, y1: H - bottom, y2: py }), svg("circle", { class: "pin-dot", cx: px, cy: py, r: 4 }),
    svg("text", { class: "pin-text", x: px + (late ? -8 : 8), y: py - 6, "text-anchor": late ? "end" : "start" }, `peak ${bytes(total[memory.peak])}`),
    svg("text", { x: left, y: H - 6 }, "operation 0"), svg("text", { x: W - right, y: H - 6, "text-anchor": "end" }, `${steps - 1}`));
  return root;
}
const colour = name => `var(--c${Math.max(0, CATEGORIES.indexOf(name))})`;
function key(name) { const made = el("span", { class: "key" }); made.style.background = colour(name); return made; }
function legend(memory, other) {
  const told = name => [el("span", { class: "entry" }, key(name), `${name} `, el("b", {}, bytes(memory.categories[name] || 0))), " "];
  return el("p", {}, CATEGORIES.filter(name => memory.series[name]).flatMap(told),
    other ? el("span", { class: "dashed" }, `total ${other}`) : null);
}
function alive(memory) {
  return el("details", {}, el("summary", {}, "Largest at the peak, beside parameters and buffers"), el("div", { class: "scroll" }, el("table", {}, el("tbody", {},
    memory.alive.map(([count, name, what]) => el("tr", {}, el("td", { class: "number" }, bytes(count)), el("td", {}, key(name), name), el("td", { class: "mono" }, what)))))));
}
function atPeak(before, after) {
  const names = CATEGORIES.filter(name => before.categories[name] || after.categories[name]);
  return el("div", { class: "panel figure" }, el("h3", {}, "At the peak, by category"), el("div", { class: "scroll" }, el("table", {},
    el("thead", {}, el("tr", {}, ["", "before", "after", "by"].map((word, at) => el("th", { class: at ? "number" : "" }, word)))),
    el("tbody", {}, names.map(name => {
      const was = before.categories[name] || 0, is = after.categories[name] || 0, by = is - was;
      return el("tr", {}, el("td", { class: "entry" }, key(name), name), el("td", { class: "number" }, bytes(was)), el("td", { class: "number" }, bytes(is)),
        el("td", { class: `number ${by > 0 ? "more" : by < 0 ? "fewer" : ""}` }, by ? `${by > 0 ? "+" : "−"}${bytes(Math.abs(by))}` : "="));
    })))));
}
function stillAlive(view) {
  /* What is alive at the peak as both files tell it, beside parameters and buffers. */
  const [before, after] = view.alive.map(side => new Map(side.map(([count, number, what]) => [what, [count, number]])));
  if (!before.size && !after.size) return [];
  /* What has no line of its own on one side may be among the others there: how far it moved is not known. */
  const others = "others", least = side => Math.min(...[...side].filter(([what]) => what !== others).map(([, [count]]) => count));
  const on = (side, what, other) => side.get(what) || (what !== others && side.has(others) && other.get(what)[0] <= least(side) ? null : [0, 0]);
  const moved = ([what, was, is]) => what === others ? -2 : was && is ? Math.abs(is[0] - was[0]) : -1;
  const names = [...new Set([...after.keys(), ...before.keys()])].map(what => [what, on(before, what, after), on(after, what, before)])
    .sort((one, two) => moved(two) - moved(one) || (two[2] || two[1])[0] - (one[2] || one[1])[0]);
  const size = side => !side ? others : side[0] ? `${bytes(side[0])}${side[1] > 1 ? ` ×${side[1]}` : ""}` : "–";
  return [el("div", { class: "panel figure" }, el("h3", {}, "Alive at the peak, before and after"),
    el("p", {}, "Beside parameters and buffers, what moved most first. Small values share the line “others”."),
    el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, ["what", "before", "after", "by"].map((word, at) => el("th", { class: at ? "number" : "" }, word)))),
      el("tbody", {}, names.map(([what, was, is]) => {
        const known = what !== others && was && is, by = known ? is[0] - was[0] : 0;
        return el("tr", {}, el("td", { class: "mono" }, what), el("td", { class: "number" }, size(was)), el("td", { class: "number" }, size(is)),
          el("td", { class: `number ${by > 0 ? "more" : by < 0 ? "fewer" : ""}` }, !known ? "" : by ? `${by > 0 ? "+" : "−"}${bytes(Math.abs(by))}` : "="));
      })))))];
}
function totals(one, view, known) {
  const shown = one.metrics.filter(each => BYTES.has(each.name));
  const high = Math.max(1, ...shown.flatMap(each => [each.before || 0, each.after || 0]));
  const bar = (value, was) => { const made = el("div", { class: was ? "was" : "" }); made.style.width = `${100 * (value || 0) / high}%`; return el("div", { class: "track" }, made); };
  const rows = shown.flatMap(each => each.before === each.after
    ? [el("div", {}, each.name), bar(each.after), el("div", { class: "number" }, amount(each.name, each.after))]
    : [el("div", {}, `${each.name} before`), bar(each.before, true), el("div", { class: "number" }, amount(each.name, each.before)),
      el("div", {}, `${each.name} after`), bar(each.after), el("div", { class: "number" }, amount(each.name, each.after))]);
  const places = view.peak_at[0] === view.peak_at[1] ? view.peak_at[1] && `The peak is at ${view.peak_at[1]}.`
    : `The peak was at ${view.peak_at[0] || "another place"}, and is at ${view.peak_at[1] || "another place"}.`;
  return el("div", { class: "panel figure" }, el("h3", {}, "Totals"), el("p", {}, places || "",
    known ? " A file holds totals, not the curve: the curve is that of the graph that was recorded."
      : " Files hold totals only: the curve is drawn for graphs that were recorded in the same run."),
    shown.length ? el("div", { class: "bars" }, rows) : el("p", {}, "No bytes were recorded."));
}
