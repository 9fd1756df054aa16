"""The names of causes, as reports and JSON show them, with what each of them means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """A likely cause: a stable name from ``CAUSES``, and one line that says what to look for."""

    name: str
    hint: str


CAUSES: Mapping[str, str] = {
    "attention-path": "an attention call has another mask, causality, dropout, scale or grouping",
    "attention-unfused": "attention is computed by separate operations instead of one call",
    "attention-fused": "separate operations became one attention call",
    "mask-materialised": "a mask or another query x key tensor is written to memory",
    "mask-removed": "a mask or another query x key tensor is written no longer",
    "repeated-keys": "keys and values are repeated in memory for the heads that share them",
    "keys-shared": "keys and values are repeated no longer",
    "extra-copy": "the same values are written to other memory",
    "copy-removed": "a copy is made no longer",
    "moved-each-call": "a parameter or buffer is copied or cast in each call",
    "moved-once": "a parameter or buffer is copied or cast in each call no longer",
    "upcast": "values are held or computed in a wider type",
    "upcast-removed": "values are widened no longer",
    "downcast": "values are held or computed in a narrower type",
    "downcast-removed": "values are narrowed no longer",
    "unfused": "one operation became several that do the same",
    "fused": "several operations became one that does the same",
    "out-of-place": "an operation writes to new memory instead of over what it reads",
    "in-place": "an operation writes over what it reads",
    "host-sync": "the host reads a value from the device",
    "sync-removed": "the host reads a value from the device no longer",
    "communication": "ranks send values to each other",
    "communication-removed": "ranks send values to each other no longer",
    "reduction": "ranks combine their values by another operation",
    "other-ranks": "ranks send values to each other in another group",
    "repeated-work": "the same work is done on the same values more than once",
    "repeat-removed": "work that was done more than once is done once",
    "unused-result": "work whose results nothing needs",
    "unused-removed": "work whose results nothing needed is done no longer",
    "checkpointing-on": "modules run again in the backward pass instead of keeping values for it",
    "checkpointing-off": "modules run in the backward pass no longer",
    "checkpointing-twice": "what is checkpointed is checkpointed once more inside or around it",
    "gradient-lost": "work that is the same in the forward pass is differentiated no longer",
    "gradient-added": "work that is the same in the forward pass is now differentiated",
    "grad-in-evaluation": "an autograd graph is built where none was",
    "grad-off": "no autograd graph is built any more",
    "training-mode": "the model runs in training mode",
    "evaluation-mode": "the model runs in evaluation mode",
    "dropout": "dropout came or went in the same mode",
    "saved-more": "the forward pass keeps more for the backward pass",
    "saved-less": "the forward pass keeps less for the backward pass",
    "kept-alive": "values live longer while the work is the same",
    "released-sooner": "values are let go of sooner while the work is the same",
    "state-bytes": "parameters, buffers, gradients or optimizer state take other space",
    "other-configuration": "parameters or buffers have other sizes",
    "other-sizes": "the inputs have other sizes, and nothing else changed",
    "other-inputs": "the inputs are others",
    "module-added": "a module is called that was not",
    "module-removed": "a module is called no longer",
    "other-module": "another module is called in the place of one",
    "phase-added": "the test runs more of a training step than was recorded",
    "phase-removed": "the test runs less of a training step than was recorded",
    "other-parameters": "backward or optimizer work is done for other parameters",
    "other-optimizer": "the optimizer keeps or does something else for each parameter",
    "other-weight": "an operation reads another parameter than before",
    "other-number": "the same number has another type",
    "renamed": "a module, input or parameter has another name",
    "moved-module": "a module lies elsewhere in the tree, or work in another module",
    "reordered": "independent operations run in another order",
    "other-backend": "another kernel runs beneath the same call",
}
