"""A library that plays CUDA's driver: what it tells of a captured graph.  Written from the driver's manual."""

import ctypes

from ..cuda.nodes import SIGNATURES
from .graphs import Graph

INVALID_VALUE = 1
APART = 2**20  # from the handle of a node of one graph to that of the next graph


class Library:
    """Called through C with the types that are declared for its functions."""

    def __init__(self):
        for name, takes in SIGNATURES.items():
            setattr(self, name, ctypes.CFUNCTYPE(ctypes.c_int, *takes)(getattr(self, "_" + name)))

    def _cuGraphGetNodes(self, graph, places, count):
        """With no places: how many nodes; else as many as there are places, and how many those were."""
        if graph not in Graph.by_handle:
            return INVALID_VALUE
        nodes = Graph.by_handle[graph].nodes
        if not places:
            count[0] = len(nodes)
            return 0
        given = count[0]
        count[0] = min(given, len(nodes))
        handles = [graph * APART + i for i in range(count[0])] + [None] * (given - count[0])
        (ctypes.c_void_p * given).from_address(places)[:] = handles
        return 0

    def _cuGraphNodeGetType(self, node, kind):
        graph, i = divmod(node or 0, APART)
        if graph not in Graph.by_handle or i >= len(Graph.by_handle[graph].nodes):
            return INVALID_VALUE
        kind[0] = Graph.by_handle[graph].nodes[i]
        return 0
