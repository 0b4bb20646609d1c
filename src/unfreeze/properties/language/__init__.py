"""Embeddings of protein language models that a user has on disk; nothing that is shipped needs them."""
