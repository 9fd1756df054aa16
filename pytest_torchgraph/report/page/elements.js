"use strict";
const report = JSON.parse(document.getElementById("report").textContent);
const SPOKEN = { drift: "drifted", budget: "over budget", missing: "without a snapshot", unreadable: "unreadable",
  refused: "refused", improved: "improved", updated: "updated", recorded: "recorded", added: "added", removed: "removed",
  note: "unchanged", same: "unchanged" };
const BYTES = new Set(["peak", "saved", "parameters", "buffers", "gradients", "state", "temporaries"]);
const CATEGORIES = ["parameters", "buffers", "inputs", "saved", "gradients", "optimizer state", "temporaries", "other"];
const FIRST_METRICS = ["peak", "saved", "ops", "copies", "syncs", "casts"];
const TABS = ["Graph", "Modules", "Memory", "Operations"];
const CONTEXT = 3, PAGE = 200, FIRST = 4;
const state = { at: 0, tab: 0, filter: "", scope: "" };

/* Elements are made of text nodes and properties alone: what a model calls itself is never read as HTML. */
function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "depth") made.style.setProperty("--depth", value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
  return made;
}
function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
function bytes(count, digits = 2) {
  let unit = 0;
  for (; Math.abs(count) >= 1024 && unit < 4; unit++) count /= 1024;
  return `${unit ? count.toFixed(digits) : count} ${["B", "KiB", "MiB", "GiB", "TiB"][unit]}`;
}
const amount = (name, value) => value === null ? "–" : BYTES.has(name) ? bytes(value) : value.toLocaleString("en");
const arrowed = text => text.replaceAll(" -> ", " → ");
const headline = one => one.outline.title.startsWith(`${one.test}: `) ? one.outline.title.slice(one.test.length + 2) : one.outline.title;
const titled = one => arrowed(headline(one));
