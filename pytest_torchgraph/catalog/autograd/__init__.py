"""The autograd sources behind a graph: files, what they define and include, and the node classes of backward."""
