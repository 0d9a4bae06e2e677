"""What Markdown and layouts share of HTML: how links that ask for something look."""

from __future__ import annotations

# One of several links to choose from. In the element, so that a layout which knows nothing of it shows it, too: large
# enough for a thumb (24 pixels at least, WCAG 2.5.8).
CHOICE = (
    "display:inline-block;min-width:22px;margin:0 4px 8px 0;padding:8px 10px;border:1px solid #767676;border-radius:6px;"
    "color:#1f2933;background-color:#ffffff;font-weight:600;text-align:center;text-decoration:none"
)
