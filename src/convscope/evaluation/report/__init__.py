"""The report: one self-contained HTML page about a classifier, and the same in short as Markdown.

`report.html.j2` and `multi_label.html.j2` list its sections, each a template in `sections/`.
"""
