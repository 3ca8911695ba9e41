"""The cases, one module an area of the protocol. Each names its requirement; bytes are literal."""
