"""One module per form of body. Each turns bytes into signals, or says what is wrong with them."""
