"""What a captured graph consists of, asked of CUDA's driver; CuPy gives the graph's handle alone."""

import collections
import ctypes
import functools

KINDS = {0: "kernels", 1: "copies", 2: "fills"}  # CU_GRAPH_NODE_TYPE_KERNEL, _MEMCPY and _MEMSET of cuda.h

_place = ctypes.c_void_p
SIGNATURES = {
    "cuGraphGetNodes": [_place, _place, ctypes.POINTER(ctypes.c_size_t)],  # graph; where the nodes are put; how many
    "cuGraphNodeGetType": [_place, ctypes.POINTER(ctypes.c_int)],
}


@functools.cache
def library():
    """The driver, which is there where a GPU is; its graphs are those of CUDA's runtime."""
    return ctypes.CDLL("libcuda.so.1")


def nodes_of(graph):
    """How many nodes of each kind there are: kernels, copies, fills, and any other kind by its number in cuda.h."""
    count, kind = ctypes.c_size_t(), ctypes.c_int()
    _call("cuGraphGetNodes", graph.graph, None, ctypes.byref(count))
    nodes = (_place * count.value)()
    _call("cuGraphGetNodes", graph.graph, nodes, ctypes.byref(count))
    found = collections.Counter()
    for node in nodes:
        _call("cuGraphNodeGetType", node, ctypes.byref(kind))
        found[KINDS.get(kind.value, f"kind {kind.value}")] += 1
    return dict(found)


def _call(name, *args):
    function = getattr(library(), name)
    function.argtypes, function.restype = SIGNATURES[name], ctypes.c_int
    status = function(*args)
    assert status == 0, f"{name} failed with CUresult {status}"
