"""The formats that a source may send, one module each."""
