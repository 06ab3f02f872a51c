"""The formats that a source may send, one module each: bytes in, signals or problems out."""
