"""The verbs of ``torchgraph``, by what they are about; each file is one verb, and registers itself."""
