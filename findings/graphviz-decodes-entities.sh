#!/usr/bin/env bash
# Graphviz reads HTML entities in plain quoted labels, which are no HTML: "q&lt;k" is drawn as q<k.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cd "$room"
npm install --silent --no-fund --no-audit @hpcc-js/wasm-graphviz@1.29.2

cat > drawn.mjs <<'EOF'
import { Graphviz } from "@hpcc-js/wasm-graphviz";
const graphviz = await Graphviz.load();
console.log("Graphviz", graphviz.version());
const texts = label => [...graphviz.dot(`digraph { a [label="${label}"] }`).matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(found => found[1]);
for (const label of ["q&lt;k", "q<k", "&eacute;", "q&amp;lt;k"]) console.log(label, "is drawn as", ...texts(label));
const same = texts("q&lt;k")[0] === texts("q<k")[0];
process.exit(same ? 0 : 1);
EOF
node drawn.mjs
