"""The report of faults that were played on clusters."""
