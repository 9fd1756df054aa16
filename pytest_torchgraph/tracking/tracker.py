"""The tracker: records a run of the user's own code, and tells of it."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.tracking.content import Content, content
from pytest_torchgraph.tracking.document import document, summary
from pytest_torchgraph.tracking.node import GraphEdge, GraphNode
from pytest_torchgraph.tracking.settings import settings_of
from pytest_torchgraph.words.extra import required

if TYPE_CHECKING:
    from types import TracebackType

    from pytest_torchgraph.graph import Graph


class ComputationalGraphTracker:
    """Tracks what runs between :meth:`start_tracking` and :meth:`stop_tracking`, or inside ``with tracker:``.

    The modules of *model* are told by their paths. ``track_memory`` and ``track_timing`` say whether bytes and times
    are told, ``track_tensor_ops`` whether single operations are: without them, what is told of a large model is about
    its modules, and nobody looks for the lines that ask for operations. Whatever is told, it is told of one record,
    ``graph``.
    """

    def __init__(
        self,
        model: Any = None,
        track_memory: bool = True,  # noqa: FBT001, FBT002 -- the names and places that are documented
        track_timing: bool = True,  # noqa: FBT001, FBT002
        track_tensor_ops: bool = True,  # noqa: FBT001, FBT002
    ) -> None:
        self.model = model
        self.track_memory = track_memory
        self.track_timing = track_timing
        self.track_tensor_ops = track_tensor_ops
        self._open: ExitStack | None = None
        self._recording: Any = None
        self._graph: Graph | None = None

    def start_tracking(self) -> None:
        """Begin; what was tracked before is let go. Raises ``RuntimeError`` where it has begun already."""
        required("torch", "tracking")
        from pytest_torchgraph.capture.recording import record

        if self._open is not None:
            raise RuntimeError("tracking has started already: call stop_tracking() before starting again")
        stack = ExitStack()
        self._recording = stack.enter_context(record(self.model, timing=self.track_timing))
        if not self.track_tensor_ops:
            self._recording.seek_no_lines()
        self._open = stack
        self._forget()

    def stop_tracking(self) -> None:
        """End; raises ``RuntimeError`` where nothing has begun."""
        if self._open is None:
            raise RuntimeError("tracking has not started: call start_tracking() first")
        stack, self._open = self._open, None
        stack.close()

    def __enter__(self) -> ComputationalGraphTracker:  # noqa: PYI034 -- Python 3.10 has no Self
        self.start_tracking()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stack, self._open = self._open, None
        if stack is not None:
            stack.__exit__(kind, error, trace)

    @property
    def graph(self) -> Graph:
        """The record; raises ``RuntimeError`` where there is none."""
        if self._open is not None:
            raise RuntimeError("tracking is still on: call stop_tracking() first, or leave the 'with' block")
        if self._graph is None:
            if self._recording is None:
                raise RuntimeError(
                    "nothing was tracked yet: call start_tracking(), run the model, call stop_tracking()"
                )
            self._graph = self._recording.graph
        return self._graph

    def take(self, graph: Graph) -> None:
        """Tell of *graph*, recorded or loaded elsewhere."""
        self._forget()
        self._graph = graph

    @property
    def nodes(self) -> list[GraphNode]:
        """What ran: module calls, operations, autograd nodes, memory."""
        return self._content[0]

    @property
    def edges(self) -> list[GraphEdge]:
        """What flows between them."""
        return self._content[1]

    def get_graph_summary(self) -> dict[str, Any]:
        """The run in a few numbers: ``total_nodes``, ``execution_time`` in seconds, and more."""
        return summary(self.graph, self.nodes, self.edges, memory=self.track_memory)

    def get_graph_data(self) -> dict[str, Any]:
        """Everything as plain values, ``nodes`` and ``edges`` among them: what is exported as JSON."""
        return document(self.graph, self._content, memory=self.track_memory)

    def table(self, *, depth: int | None = None, width: int = 120) -> str:
        """The analysis as tables of text; *depth* is how deep modules may lie in modules."""
        from pytest_torchgraph.analysis.overview import analyse
        from pytest_torchgraph.report.analysis import render

        return render(analyse(self.graph), depth=depth, width=width)

    def data_frames(self) -> dict[str, Any]:
        """The analysis as frames of pandas: ``operations``, ``kinds``, ``layers``, ``costliest``."""
        from pytest_torchgraph.tracking.frames import data_frames

        return data_frames(self.graph)

    @cached_property
    def _content(self) -> Content:
        return content(self.graph, settings_of(self.model), memory=self.track_memory, tensor_ops=self.track_tensor_ops)

    def _forget(self) -> None:
        self._graph = None
        self.__dict__.pop("_content", None)
