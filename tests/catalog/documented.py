"""The code blocks of the document on collecting operations, as they are written there but for the name of the package."""

from __future__ import annotations

from tests.documents.block import Block

COLLECT = Block(
    1,
    "Usage",
    """\
from pytest_torchgraph.catalog import PyTorchOperationCollector

# Create collector and automatically collect operations
collector = PyTorchOperationCollector()

# Access all operations
all_ops = collector.all_operations

# Get counts by namespace
counts = collector.get_operation_count_by_namespace()
print(f"Found {counts['torch']} operations in torch namespace")
""",
)
SUMMARIZE = Block(
    2,
    "Usage",
    """\
from pytest_torchgraph.catalog import PyTorchOperationCollector, PyTorchOperationSummarizer

# Create collector
collector = PyTorchOperationCollector()

# Create summarizer with the collector
summarizer = PyTorchOperationSummarizer(collector)

# Print summary to console
summarizer.print_summary()

# Export detailed information to a folder
summarizer.export_full_summary('pytorch_ops')
""",
)
