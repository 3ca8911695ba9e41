"""What stands between a change and its release: the regression gate; in a checkout, what the set-up fetches."""
