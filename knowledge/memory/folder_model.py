"""The sentence model of a folder as an embedder."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.lazy_module import LazyModule
from knowledge.memory.model_folder import TOKENIZER, ModelFolder, hash_files
from knowledge.memory.sentence_encoder import (
    MAX_TOKENS,
    WEIGHTS_FOLDER,
    SentenceEncoder,
    open_session,
)

if TYPE_CHECKING:
    from knowledge.memory import sentence_graph
else:
    # It needs the library onnx, which is optional.
    sentence_graph = LazyModule("knowledge.memory.sentence_graph")

# Change it with what the graph computes: models of before then wait for the next training.
GRAPH_VERSION = "1"


class FolderModel(SentenceEncoder):
    """A published sentence model of the architecture BERT or MPNet.

    Its files are hashed at once, and once more when the first text is embedded.

    Raises:
        ImportError: a package that it needs is not installed.
        OSError: a file is missing.
        ValueError: the model is none that can be run here.
    """

    def __init__(self, path: Path) -> None:
        for name in ("onnxruntime", "onnx", "tokenizers"):
            if importlib.util.find_spec(name) is None:
                raise ImportError(
                    f"the package {name} is not installed; countersign[embedder] has it"
                )
        self._folder = ModelFolder.read(path)
        checksum = self._folder.checksum[:12]
        super().__init__(
            f"folder/{checksum}/{self._folder.size}/{GRAPH_VERSION}", self._folder.size
        )

    def _open_tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder.path / TOKENIZER))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def _open_session(self, options: Any) -> Any:
        # Vectors of two models must never be compared.
        if hash_files(self._folder.path) != self._folder.checksum:
            raise ValueError(f"{self._folder.path} has changed since the start; start again")
        options.add_session_config_entry(WEIGHTS_FOLDER, str(self._folder.path))
        graph = sentence_graph.SentenceGraph(self._folder, MAX_TOKENS).build()
        return open_session(graph, options)
