"""Every scenario once against one server: which are clean, and what is wrong with the others."""
