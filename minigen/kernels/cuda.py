"""All that stands in for a formula on CuPy.  Registering needs neither CuPy nor a GPU; the first launch does."""

from minigen.kernels import cuda_activations as cuda_activations
from minigen.kernels import cuda_adam as cuda_adam
from minigen.kernels import cuda_bends as cuda_bends
from minigen.kernels import cuda_convolution as cuda_convolution
from minigen.kernels import cuda_gather as cuda_gather
from minigen.kernels import cuda_losses as cuda_losses
from minigen.kernels import cuda_normalise as cuda_normalise
from minigen.kernels import cuda_random as cuda_random
from minigen.kernels import cuda_rows as cuda_rows
