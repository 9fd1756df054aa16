"""Explore a model in a terminal: its modules, what they hold and cost, what they did, and what has changed."""

from __future__ import annotations

from pytest_torchgraph.explorer.config import ExplorerConfig, ModuleInfo
from pytest_torchgraph.explorer.diagram import ModelEdge, ModelGraph, extract_model_graph, generate_architecture_diagram
from pytest_torchgraph.explorer.errors import CannotExplore
from pytest_torchgraph.explorer.export import (
    export_model_summary,
    generate_html_summary,
    generate_json_summary,
    generate_model_summary,
    generate_text_summary,
)
from pytest_torchgraph.explorer.formatting import format_param_count, format_shape, format_time
from pytest_torchgraph.explorer.running import (
    display_timing_in_explorer,
    explore_model,
    explore_models,
    explore_module,
    explore_torch_module,
)
from pytest_torchgraph.explorer.stats import ForwardStats, get_forward_stats, record_torch_module_forward_stats
from pytest_torchgraph.explorer.summary import (
    analyze_memory_usage,
    analyze_model_async,
    analyze_module,
    analyze_module_detailed,
    get_module_by_path,
    get_parameter_statistics,
    lazy_parameter_analysis,
)

__all__ = [
    "CannotExplore",
    "ExplorerConfig",
    "ForwardStats",
    "ModelEdge",
    "ModelGraph",
    "ModuleInfo",
    "analyze_memory_usage",
    "analyze_model_async",
    "analyze_module",
    "analyze_module_detailed",
    "display_timing_in_explorer",
    "explore_model",
    "explore_models",
    "explore_module",
    "explore_torch_module",
    "export_model_summary",
    "extract_model_graph",
    "format_param_count",
    "format_shape",
    "format_time",
    "generate_architecture_diagram",
    "generate_html_summary",
    "generate_json_summary",
    "generate_model_summary",
    "generate_text_summary",
    "get_forward_stats",
    "get_module_by_path",
    "get_parameter_statistics",
    "lazy_parameter_analysis",
    "record_torch_module_forward_stats",
]
