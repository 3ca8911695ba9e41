"""Result files in, report out: statistics, figures, one offline HTML page, Markdown, CSV.

`python -m reports FOLDER` starts it. All that it knows of a measurement is in the files of that folder.
"""
