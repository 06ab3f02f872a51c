"""Numpy, imported by the first who computes with it.

A bot without precedents and without a trained model never does. It costs 17 MB and 80 ms. What
computes in any case imports it as usual.
"""

from typing import TYPE_CHECKING

from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    import numpy as np
else:
    np = LazyModule("numpy")

__all__ = ["np"]
