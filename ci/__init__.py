"""What stands between a change and its release: the regression gate, and in a checkout the set-up."""
