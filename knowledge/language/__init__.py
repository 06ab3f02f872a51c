"""Natural language: the grammar of questions, and the chat model.

The grammar always works; a chat model is used when one is configured.

The output of a chat model is untrusted text: bounded, checked against its sources and labelled.
"""
