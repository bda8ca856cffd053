"""One architecture a file.

| file | what |
|---|---|
| dcgan.py | the article's generator and discriminator of images |
| mlp.py | small ones for points in the plane |
"""

from minigen.models import dcgan, mlp

__all__ = ["dcgan", "mlp"]
