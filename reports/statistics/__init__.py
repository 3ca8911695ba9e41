"""From the result files of a comparison to its figures, and to sentences about them."""
