"""From the result files of a comparison to its figures, and to the sentences that these carry."""
