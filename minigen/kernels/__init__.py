"""Optional speed: texts that stand in for a formula on one backend.

Delete this folder and every result stays the same to rounding.  Each kernel is held against its formula, value and
derivative, by one test that walks the registry.
"""

from minigen.kernels import cuda as cuda
from minigen.kernels import memory as memory
from minigen.kernels import numpy_activations as numpy_activations
from minigen.kernels import numpy_bends as numpy_bends
from minigen.kernels import numpy_convolution as numpy_convolution
from minigen.kernels import numpy_likelihoods as numpy_likelihoods
from minigen.kernels import numpy_normalise as numpy_normalise
from minigen.kernels import numpy_products as numpy_products
from minigen.kernels import numpy_shapes as numpy_shapes
