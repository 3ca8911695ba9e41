"""The drawings of a comparison's page. matplotlib is imported only when one is drawn."""
