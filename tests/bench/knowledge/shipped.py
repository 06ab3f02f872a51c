"""What the figures belong to: the version, caps and targets as shipped, and the processor."""

import importlib
import importlib.metadata
import numbers
from pathlib import Path

#: The modules whose constants decide how good and how dear judgement is.
MODULES = (
    "knowledge.learning.training_set",
    "knowledge.learning.model_file",
    "knowledge.learning.backtest",
    "knowledge.learning.calibration",
    "knowledge.learning.calibration_training",
    "knowledge.learning.plan_training",
    "knowledge.learning.recogniser",
    "knowledge.learning.recogniser_training",
    "knowledge.learning.recogniser_limits_training",
    "knowledge.learning.stranger_share",
    "knowledge.memory.precedent_index",
    "knowledge.memory.precedent_query",
    "knowledge.memory.ranking",
    "knowledge.memory.keyword_index",
    "knowledge.memory.minilm",
    "knowledge.memory.vectors",
)

#: The instructions that kernels of 8-bit numbers differ by.
INT8_FLAGS = ("avx2", "avx512bw", "avx_vnni", "avx512_vnni", "amx_int8")

#: How far figures may lie apart on processors with other kernels; docs/benchmarks.md says why.
INT8_TOLERANCE = 0.005


def shipped_constants():
    """Return the numeric constants of judgement by module, as the product has them."""
    constants = {}
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        values = {
            name: value for name, value in vars(module).items() if is_own_number(module, name)
        }
        constants[module_name.removeprefix("knowledge.")] = values
    return constants


def is_own_number(module, name):
    """Tell whether a module defines this constant itself, and it is a number or some."""
    value = getattr(module, name)
    parts = value if isinstance(value, tuple) else (value,)
    is_numeric = bool(parts) and all(isinstance(part, numbers.Real) for part in parts)
    is_numeric = is_numeric or name == "FORMAT"
    is_constant = name.isupper() and not name.startswith("_")
    source = Path(module.__file__).read_text(encoding="utf-8")
    return (
        is_numeric
        and is_constant
        and any(line.startswith((f"{name} =", f"{name}:")) for line in source.splitlines())
    )


def product_version():
    return importlib.metadata.version("countersign")


def processor():
    """Return the model of the processor and its instructions for 8-bit numbers."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    fields = dict(line.partition("\t")[::2] for line in lines if ":" in line)
    values = {name.strip(" :\t"): value.strip(" :\t") for name, value in fields.items()}
    flags = set(values.get("flags", "").split())
    return values.get("model name", "unknown"), [flag for flag in INT8_FLAGS if flag in flags]
