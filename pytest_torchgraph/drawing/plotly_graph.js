const plot = document.getElementById("{plot_id}");
const sources = plot.data.map(trace => ({x: trace.x, y: trace.y, text: trace.text, hovertext: trace.hovertext, meta: trace.meta}));
const closed = new Map();

// Text is as large as the boxes it stands in, and not there where it could not be read.
let shown = 0;
function fit() {
  const axis = plot._fullLayout.yaxis;
  const scale = axis._length / Math.abs(axis.range[1] - axis.range[0]);
  if (Math.abs(scale - shown) < 0.01 * shown) return;
  shown = scale;
  const numbers = [], sizes = [];
  sources.forEach((source, number) => {
    if (!source.meta || !source.meta.size) return;
    numbers.push(number);
    sizes.push(Math.max(source.meta.size * scale, 1));
  });
  const modes = sizes.map(size => size < 3.5 ? "none" : "text");
  Plotly.restyle(plot, {"textfont.size": sizes, mode: modes}, numbers);
}

// A view is a run of traces that ends with the one that knows which box stands in which.
function view(number) {
  let first = number;
  while (first > 0 && !(sources[first - 1].meta && sources[first - 1].meta.parents)) first--;
  return first;
}

function toggle(number, box) {
  const {parents, groups} = sources[number].meta;
  if (!groups[box]) return;
  const boxes = closed.get(number) || closed.set(number, new Set()).get(number);
  boxes.has(box) ? boxes.delete(box) : boxes.add(box);
  const hidden = parents.map(() => false);
  parents.forEach((parent, at) => { hidden[at] = parent >= 0 && (hidden[parent] || boxes.has(parent)); });
  const update = {x: [], y: [], text: [], hovertext: []}, numbers = [];
  for (let at = view(number); at <= number; at++) {
    const {meta} = sources[at];
    if (!meta || !meta.owners) continue;
    const gone = owner => meta.of === "inside" ? hidden[owner] || boxes.has(owner) : hidden[owner];
    const kept = [];
    let point = 0;
    meta.owners.forEach((owner, index) => {
      const count = meta.cuts ? meta.cuts[index] : meta.each;
      for (let step = 0; step < count; step++, point++) if (!gone(owner)) kept.push([point, owner]);
    });
    numbers.push(at);
    const only = list => list ? kept.map(([index]) => list[index]) : list;
    update.x.push(only(sources[at].x));
    update.y.push(only(sources[at].y));
    update.text.push(sources[at].text && kept.map(([index, owner]) => (boxes.has(owner) ? "▸ " : "") + sources[at].text[index]));
    update.hovertext.push(only(sources[at].hovertext));
    plot.data[at].customdata = kept.map(([, owner]) => owner);
  }
  Plotly.restyle(plot, update, numbers);
}

plot.on("plotly_relayout", fit);
plot.on("plotly_afterplot", fit);
plot.on("plotly_click", event => {
  const point = event.points[0], number = point.curveNumber, meta = sources[number].meta;
  if (!meta || !meta.parents) return;
  const owners = plot.data[number].customdata;
  toggle(number, owners ? owners[point.pointNumber] : meta.owners[point.pointNumber]);
});
fit();
