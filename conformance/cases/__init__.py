"""The cases, one module for each area of the protocol. Each names its requirement; bytes are literal."""
