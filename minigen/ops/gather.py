"""Many arrays into one, in place: the gradients of all parameters side by side."""

from minigen.ops.steps import InPlace


@InPlace
def gather(y, *pieces):
    """y ← the pieces one after another, each in row order; y (n,) has as many numbers as all of them together"""
    start = 0
    for piece in pieces:
        y[start : start + piece.size] = piece.reshape(-1)
        start += piece.size
