"""Which proteins are alike, and which of their interfaces: sequences, clusters of them, and clusters of interfaces."""
