"""Figures of many result folders over time, with the steps marked. It informs, and fails nothing."""
