"""The code blocks of the document on tracking graphs, as they are written there but for the name of the package."""

from __future__ import annotations

from tests.documents.block import Block

QUICK_START = Block(
    1,
    "Quick Start",
    """\
import torch
import torch.nn as nn
from pytest_torchgraph.tracking import track_computational_graph_execution, visualize_computational_graph

# Create a simple model
model = nn.Sequential(
    nn.Linear(10, 20),
    nn.ReLU(),
    nn.Linear(20, 1)
)

# Create input tensor
input_tensor = torch.randn(1, 10, requires_grad=True)

# Track the computational graph
tracker = track_computational_graph_execution(model, input_tensor)

# Get summary
summary = tracker.get_graph_summary()
print(f"Total operations: {summary['total_nodes']}")
print(f"Execution time: {summary['execution_time']:.4f}s")

# Visualize the graph
fig = visualize_computational_graph(model, input_tensor, renderer='plotly')
fig.show()
""",
)
TRACK = Block(
    2,
    "track_computational_graph_execution",
    """\
tracker = track_computational_graph_execution(model, input_tensor)

# Get summary
summary = tracker.get_graph_summary()
print(f"Operations: {summary['total_nodes']}")

# Get detailed data
graph_data = tracker.get_graph_data()
print(f"Nodes: {len(graph_data['nodes'])}")
print(f"Edges: {len(graph_data['edges'])}")
""",
)
ANALYZE = Block(
    3,
    "analyze_computational_graph_execution",
    """\
analysis = analyze_computational_graph_execution(model, input_tensor)

print(f"Total operations: {analysis['summary']['total_nodes']}")
print(f"Execution time: {analysis['summary']['execution_time']:.4f}s")

# Performance metrics
if 'performance' in analysis:
    perf = analysis['performance']
    print(f"Operations per second: {perf['operations_per_second']:.2f}")

# Layer-wise analysis
if 'layer_analysis' in analysis:
    for layer_name, operations in analysis['layer_analysis'].items():
        print(f"{layer_name}: {len(operations)} operations")
""",
)
VISUALIZE = Block(
    4,
    "visualize_computational_graph",
    """\
# Create interactive visualization
fig = visualize_computational_graph(model, input_tensor, renderer='plotly')
fig.show()

# Save to HTML file
fig.write_html("computational_graph.html")

# Use matplotlib instead
fig = visualize_computational_graph(model, input_tensor, renderer='matplotlib')
fig.savefig("computational_graph.png")
""",
)
EXPORT = Block(
    5,
    "export_computational_graph",
    """\
filepath = export_computational_graph(model, input_tensor, "graph.json")
print(f"Graph exported to: {filepath}")

# Load and inspect the exported data
import json
with open(filepath, 'r') as f:
    graph_data = json.load(f)

print(f"Nodes: {len(graph_data['nodes'])}")
print(f"Edges: {len(graph_data['edges'])}")
""",
)
NODE = Block(
    6,
    "GraphNode",
    """\
@dataclass
class GraphNode:
    id: str                    # Unique node identifier
    name: str                  # Human-readable name
    operation_type: OperationType  # Type of operation
    module_name: Optional[str] = None  # Associated module name
    input_shapes: Optional[List[Tuple[int, ...]]] = None  # Input tensor shapes
    output_shapes: Optional[List[Tuple[int, ...]]] = None  # Output tensor shapes
    parameters: Optional[Dict[str, Any]] = None  # Module parameters
    execution_time: Optional[float] = None  # Execution time in seconds
    memory_usage: Optional[int] = None  # Memory usage in bytes
    metadata: Optional[Dict[str, Any]] = None  # Additional metadata
    parent_ids: Optional[List[str]] = None  # Parent node IDs
    child_ids: Optional[List[str]] = None  # Child node IDs
    timestamp: Optional[float] = None  # Timestamp relative to start
""",
)
EDGE = Block(
    7,
    "GraphEdge",
    """\
@dataclass
class GraphEdge:
    source_id: str  # Source node ID
    target_id: str  # Target node ID
    edge_type: str  # Type of edge (data_flow, gradient_flow, etc.)
    tensor_shape: Optional[Tuple[int, ...]] = None  # Tensor shape
    metadata: Optional[Dict[str, Any]] = None  # Additional metadata
""",
)
TYPES = Block(
    8,
    "OperationType",
    """\
class OperationType(Enum):
    FORWARD = "forward"        # Forward pass operations
    BACKWARD = "backward"      # Backward pass operations
    TENSOR_OP = "tensor_op"   # Tensor operations
    LAYER_OP = "layer_op"     # Layer operations
    GRADIENT_OP = "gradient_op"  # Gradient operations
    MEMORY_OP = "memory_op"   # Memory operations
    CUSTOM = "custom"          # Custom operations
""",
)
OPTIONS = Block(
    9,
    "Custom Tracking Options",
    """\
# Track with specific options
tracker = track_computational_graph_execution(
    model, 
    input_tensor,
    track_memory=True,      # Track memory usage
    track_timing=True,      # Track execution timing
    track_tensor_ops=False  # Disable tensor operation tracking for performance
)
""",
)
MANUAL = Block(
    10,
    "Manual Tracker Usage",
    """\
from pytest_torchgraph.tracking import ComputationalGraphTracker

# Create tracker manually
tracker = ComputationalGraphTracker(model, track_memory=True)

# Start tracking
tracker.start_tracking()

# Run your model
output = model(input_tensor)
loss = output.sum()
loss.backward()

# Stop tracking
tracker.stop_tracking()

# Get results
summary = tracker.get_graph_summary()
graph_data = tracker.get_graph_data()
""",
)
PERFORMANCE = Block(
    11,
    "Performance Analysis",
    """\
# Get detailed performance analysis
analysis = analyze_computational_graph_execution(model, input_tensor, detailed=True)

# Access performance metrics
performance = analysis['performance']
print(f"Operations per second: {performance['operations_per_second']:.2f}")
print(f"Memory usage: {performance['memory_usage']}")

# Access layer-wise analysis
layer_analysis = analysis['layer_analysis']
for layer_name, operations in layer_analysis.items():
    print(f"\\n{layer_name}:")
    for op in operations:
        print(f"  - {op['operation_type']}: {op['input_shapes']} -> {op['output_shapes']}")
""",
)
PLOTLY = Block(
    12,
    "Interactive Plotly Visualization",
    """\
import plotly.graph_objects as go

# Create visualization
fig = visualize_computational_graph(model, input_tensor, renderer='plotly')

# Customize the plot
fig.update_layout(
    title="PyTorch Computational Graph",
    width=1200,
    height=800
)

# Save as HTML
fig.write_html("computational_graph.html")

# Display in Jupyter notebook
fig.show()
""",
)
MATPLOTLIB = Block(
    13,
    "Matplotlib Visualization",
    """\
import matplotlib.pyplot as plt

# Create visualization
fig = visualize_computational_graph(model, input_tensor, renderer='matplotlib')

# Customize the plot
plt.title("PyTorch Computational Graph")
plt.tight_layout()

# Save as PNG
plt.savefig("computational_graph.png", dpi=300, bbox_inches='tight')
plt.show()
""",
)
NO_TORCH = Block(
    14,
    "Common Issues",
    """\
pip install torch
""",
)
NO_PLOTLY = Block(
    15,
    "Common Issues",
    """\
pip install plotly
""",
)
NO_MATPLOTLIB = Block(
    16,
    "Common Issues",
    """\
pip install matplotlib
""",
)
LARGE = Block(
    17,
    "Common Issues",
    """\
# Disable tensor operation tracking for better performance
tracker = track_computational_graph_execution(
    model, input_tensor, track_tensor_ops=False
)
""",
)
LOOP = Block(
    18,
    "Integration with Existing Code",
    """\
# Wrap your existing training loop
def train_with_tracking(model, dataloader, num_epochs=10):
    for epoch in range(num_epochs):
        for batch_idx, (data, target) in enumerate(dataloader):
            # Track computational graph for first batch of each epoch
            if batch_idx == 0:
                tracker = track_computational_graph_execution(model, data)
                summary = tracker.get_graph_summary()
                print(f"Epoch {epoch}: {summary['total_nodes']} operations")
            
            # Your existing training code
            optimizer.zero_grad()
            output = model(data)
            loss = criterion(output, target)
            loss.backward()
            optimizer.step()
""",
)
