"""Which notes of a graph the summary shows: those that are told, by their kind and not by their words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_torchgraph.recorded.note import Told

if TYPE_CHECKING:
    from tests.plugin.conftest import Project


def test_a_note_is_shown_once_where_it_is_told(live: Project) -> None:
    live.write(
        {
            "test_m.py": """
                import torch
                from pytest_torchgraph.capture import tracing
                from pytest_torchgraph.recorded.note import Told

                def test_m(torch_graph, monkeypatch):
                    recording = tracing.Runs.__call__
                    notes = Told("any words at all"), "not replayed: of the graph alone"
                    monkeypatch.setattr(tracing.Runs, "__call__", lambda self: recording(self).noting(*notes))
                    torch_graph.check(torch.nn.ReLU(), torch.ones(2))
            """,
        }
    )
    told = live.run("--torchgraph-update").text
    assert told.count("any words at all") == 1
    assert "of the graph alone" not in told


def test_a_note_that_is_told_is_text_like_any_other() -> None:
    assert Told("words") == "words"
    assert type(str(Told("words"))) is str
