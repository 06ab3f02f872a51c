"""Numpy, imported by the first who computes with it.

A bot without precedents and without a trained model never does. It costs 17 MB and 80 ms. What
computes in any case imports it as usual.
"""

from typing import TYPE_CHECKING, Any

from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    import numpy as np
else:

    class _Numpy(LazyModule):
        """Keeps each name, as looking up ten takes half a vector's time."""

        def __getattr__(self, attribute: str) -> Any:
            value = super().__getattr__(attribute)
            setattr(self, attribute, value)
            return value

    np = _Numpy("numpy")

__all__ = ["np"]
