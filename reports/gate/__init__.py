"""The regression gate's statistics, its rule, and its pages: from slices to a verdict, without measuring."""
