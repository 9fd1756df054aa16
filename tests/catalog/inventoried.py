"""The code blocks of the document on the autograd sources, as they are written there but for the name of the package."""

from __future__ import annotations

from tests.documents.block import Block

LAYERS = Block(
    1,
    "ARCHITECTURE OVERVIEW",
    """\

│                    PYTHON API LAYER                             │
│  torch/autograd/*.py - User-facing API                          │
└─────────────────────────────────────────────────────────────────
                              

│                  PYTHON BINDING LAYER                           │
│  python_*.h/cpp - Python wrappers for C++ components            │
└─────────────────────────────────────────────────────────────────
                              

│              SUPPORTING INFRASTRUCTURE LAYER                    │
│  custom_function.h, forward_grad.h, profiler.h, etc.            │
└─────────────────────────────────────────────────────────────────
                              

│                 GRAPH EXECUTION LAYER                           │
│  engine.h/cpp - Backward pass execution                         │
└─────────────────────────────────────────────────────────────────
                              

│                 GRAPH BUILDING LAYER                            │
│  functions/utils.h - Tensor history and grad_fn connection      │
└─────────────────────────────────────────────────────────────────
                              

│              GRAPH STRUCTURE LAYER                              │
│  function.h, edge.h, graph_task.h - Core data structures        │
└─────────────────────────────────────────────────────────────────
""",
)
