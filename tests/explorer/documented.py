"""The code blocks of the explorer's documentation, as they are written there but for the name of the package."""

from __future__ import annotations

from typing import Any

RECORD = """\
# Typical usage pattern in RP
with record_torch_module_forward_stats(model):
    output = model(input_data)  # Collect stats during forward pass

EMA  # Command to explore model with collected timing data
"""
FORMAT_SHAPE = '''\
def format_shape(shape):
    """Format a shape tuple consistently with proper multiplication symbols"""
    return "×".join(str(dim) for dim in shape) if shape else ""

# Example: (3, 224, 224) → "3×224×224"
'''
FORMAT_COUNT = '''\
def format_param_count(count):
    """Format parameter count as human-readable (e.g., 1.7M, 5.4B)"""
    if count < 1000:
        return f"{count}"
    elif count < 1_000_000:
        return f"{count/1000:.1f}K"
    elif count < 1_000_000_000:
        return f"{count/1_000_000:.1f}M"
    else:
        return f"{count/1_000_000_000:.1f}B"
'''
FORMAT_TIME = '''\
def format_time(seconds):
    """Format time duration in a human-readable format"""
    if seconds < 1e-6:
        ns = seconds * 1e9
        return f"{ns:.1f}ns"
    elif seconds < 1e-3:
        us = seconds * 1e6
        return f"{us:.2f}μs"
    elif seconds < 1.0:
        ms = seconds * 1e3
        return f"{ms:.2f}ms"
    elif seconds < 60.0:
        return f"{seconds:.4f}s" if seconds < 10.0 else f"{seconds:.2f}s"
    else:
        minutes = seconds / 60.0
        return f"{minutes:.1f}min" if minutes < 60.0 else f"{minutes/60.0:.1f}h"
'''
TEXTUAL = """\
from textual import work
from textual.widgets._tree import Tree, TreeNode
from textual.worker import Worker, WorkerCancelled, WorkerFailed
"""
ASYNCIO = """\
from asyncio import Queue, Lock
from textual.await_complete import AwaitComplete
"""
MODULE_INFO = '''\
@dataclass
class ModuleInfo:
    """Container for module analysis results"""
    name: str
    module_type: str
    parameter_count: int
    shapes: Dict[str, Tuple[int, ...]]
    timing_stats: Optional[Dict[str, float]] = None
    memory_usage: Optional[int] = None
'''
BASIC = """\
import torch
import torchvision.models as models
from pytest_torchgraph.explorer import explore_model

# Load a model
model = models.resnet50(pretrained=True)

# Launch interactive explorer
explore_model(model)
"""
CUSTOM = """\
class CustomNet(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1)
        self.conv2 = torch.nn.Conv2d(64, 128, 3, padding=1)
        self.fc = torch.nn.Linear(128 * 56 * 56, 1000)

    def forward(self, x):
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        x = x.view(x.size(0), -1)
        return self.fc(x)

# Explore custom model
model = CustomNet()
explore_model(model)
"""
HOOKS = """\
# If torch_hooks is available, show timing statistics
try:
    from pytest_torchgraph.explorer import get_forward_stats
    timing_data = get_forward_stats(model)
    display_timing_in_explorer(timing_data)
except ImportError:
    # Explorer still works without timing data
    pass
"""
MEMORY = '''\
def analyze_memory_usage(model):
    """Calculate memory usage for each parameter"""
    memory_stats = {}

    for name, param in model.named_parameters():
        element_size = param.element_size()  # bytes per element
        num_elements = param.numel()
        total_bytes = element_size * num_elements
        memory_stats[name] = total_bytes

    return memory_stats
'''
STATISTICS = '''\
def get_parameter_statistics(model):
    """Comprehensive parameter analysis"""
    stats = {
        'total_params': sum(p.numel() for p in model.parameters()),
        'trainable_params': sum(p.numel() for p in model.parameters() if p.requires_grad),
        'non_trainable_params': sum(p.numel() for p in model.parameters() if not p.requires_grad),
        'memory_usage': sum(p.numel() * p.element_size() for p in model.parameters()),
    }
    return stats
'''
CONFIG = """\
class ExplorerConfig:
    show_parameter_counts: bool = True
    show_shapes: bool = True
    show_timing: bool = True
    show_memory: bool = True
    compact_view: bool = False
    color_scheme: str = "dark"
    max_depth: Optional[int] = None
"""
EXPORT = '''\
def export_model_summary(model, format='text'):
    """Export analysis results"""
    if format == 'text':
        return generate_text_summary(model)
    elif format == 'json':
        return generate_json_summary(model)
    elif format == 'html':
        return generate_html_summary(model)
'''
ASYNC = '''\
@work(exclusive=True)
async def analyze_model_async(model):
    """Non-blocking model analysis for large models"""
    try:
        # Process in chunks to maintain UI responsiveness
        for i, (name, module) in enumerate(model.named_modules()):
            if i % 100 == 0:  # Yield control periodically
                await asyncio.sleep(0.01)

            analyze_module(name, module)
    except WorkerCancelled:
        # Handle cancellation gracefully
        pass
'''
LAZY = '''\
def lazy_parameter_analysis(model):
    """Analyze parameters on-demand to save memory"""
    def get_module_info(module_path):
        # Only analyze when requested
        module = get_module_by_path(model, module_path)
        return analyze_module_detailed(module)

    return get_module_info
'''
LOADING = """\
# Works with RP's model loading functions
model_path = rp.input_select_file(extension_filter='pth')
model = torch.load(model_path)
explore_model(model)
"""
DIAGRAM = """\
# Generate model diagrams using RP's plotting
def generate_architecture_diagram(model):
    graph_data = extract_model_graph(model)
    return rp.plot_network_graph(graph_data)
"""
SAVING = """\
# Save analysis results using RP's file functions
summary = generate_model_summary(model)
rp.save_text_file(summary, 'model_analysis.txt')
"""


def run(source: str, **given: Any) -> dict[str, Any]:
    """The names that *source* leaves, run with the names that are *given*."""
    names: dict[str, Any] = {**given, "__name__": "__main__"}
    exec(compile(source, "documented", "exec", dont_inherit=True), names)  # noqa: S102 -- documentation is run
    return names
