"""Result files in, report out: statistics, figures, one offline HTML page, Markdown, CSV.

`python -m reports FOLDER` is the entry; the only thing it knows about measuring are the files in that folder.
"""
