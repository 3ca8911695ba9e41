"""Servers that answer the contract, in environments of their own. They import nothing of the judge."""
