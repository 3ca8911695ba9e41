"""Makes the parts of the documentation site that come from the program itself.

`hook.py` is what mkdocs calls; each other module makes one kind of page.
Nothing here imports gevent or Locust: commands run as children, and their output is read.
"""
