"""The pictures: plots of a graph."""
