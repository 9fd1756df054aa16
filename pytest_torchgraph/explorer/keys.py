"""The keys, as the help lists them."""

from __future__ import annotations

KEYS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "tree",
        (
            ("↑ ↓  k j", "move"),
            ("→ l  ← h", "open or go in, close or go out"),
            ("Enter", "open or close"),
            ("Space", "hold the module in the panels, or let it go"),
            ("u", "tell repeated layers one by one, or as one"),
            ("1 … 9", "open to that depth"),
            ("E + / C -", "open, close everything"),
            ("g G", "first, last"),
            ("m M", "measure by parameters, time, FLOPs, …"),
        ),
    ),
    (
        "search",
        (
            ("/", "name, class or regular expression, and also"),
            ("", "params>1M  time>1ms  op:aten.clone  changed  sync"),
            ("Enter", "keep what was found and go back to the tree"),
            ("n N", "next, previous that was found"),
            ("Esc", "clear"),
        ),
    ),
    (
        "panels",
        (
            ("Tab  Shift+Tab", "next, previous panel"),
            ("w", "from the tree to the panel and back"),
            ("J K", "scroll the panel from the tree"),
            ("< >  p", "move the memory cursor (← → in the panel); to the peak"),
            ("v", "look at values: run the model once more"),
        ),
    ),
    (
        "anywhere",
        (
            ("e", "export what is shown: text, JSON or a page"),
            ("Ctrl+P", "all commands"),
            ("Esc", "give up what is loading"),
            ("?", "these keys"),
            ("q", "quit"),
        ),
    ),
)
