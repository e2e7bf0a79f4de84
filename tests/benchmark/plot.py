#!/usr/bin/env python3
"""Draws how cost grows, from the JSON of export_benchmark, as one SVG.

usage: plot.py FIGURES.json PLOT.svg
"""
import collections
import json
import statistics
import sys

WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 150, 70, 46, 96
COLUMNS = [
    ("identities", "identities (20 lists, 2 streams)"),
    ("lists", "lists (2 streams)"),
    ("streams", "streams (20 lists)"),
]
ROWS = [
    ("accepted_per_s", "accepted by Pinterest, identities/s"),
    ("durable_per_s", "durable, identities/s"),
    ("server_cpu_ns", "processor of the server, ns/identity"),
    ("memory_mb", "most memory of the server, MB"),
]


def short(value):
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def panel(x, y, title, points):
    """Points are (size, [values]); sizes stand at equal distances."""
    top = max(v for _, values in points for v in values) * 1.15 or 1
    out = [
        f'<text x="{x}" y="{y - 8}" class="title">{title}</text>',
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" class="frame"/>',
    ]
    for share in (0, 0.5, 1):
        line = y + HEIGHT * (1 - share / 1.15)
        out.append(f'<line x1="{x}" x2="{x + WIDTH}" y1="{line:.1f}" y2="{line:.1f}" class="grid"/>')
        out.append(f'<text x="{x - 6}" y="{line + 4:.1f}" class="left">{short(top / 1.15 * share)}</text>')
    path = []
    for i, (size, values) in enumerate(points):
        px = x + WIDTH * (i + 0.5) / len(points)
        py = y + HEIGHT * (1 - statistics.median(values) / top)
        path.append(f"{px:.1f},{py:.1f}")
        out.append(f'<text x="{px:.1f}" y="{y + HEIGHT + 15}" class="below">{short(size)}</text>')
        for value in values:
            out.append(f'<circle cx="{px:.1f}" cy="{y + HEIGHT * (1 - value / top):.1f}" r="3"/>')
    out.append(f'<polyline points="{" ".join(path)}"/>')
    return out


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        growth = json.load(file)["growth"]
    if not growth:
        sys.exit("plot.py: the figures hold no growth; run the scenario growth")
    by = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in growth:
        by[row["by"]][row[row["by"]]].append(row)
    out = []
    for column, (name, label) in enumerate(COLUMNS):
        x = LEFT + column * (WIDTH + GAP)
        out.append(f'<text x="{x + WIDTH / 2}" y="16" class="head">by {label}</text>')
        for line, (key, title) in enumerate(ROWS):
            points = [(size, [row[key] for row in rows]) for size, rows in sorted(by[name].items())]
            out += panel(x, TOP + line * (HEIGHT + 52), title, points)
    width = LEFT + len(COLUMNS) * (WIDTH + GAP)
    height = TOP + len(ROWS) * (HEIGHT + 52)
    style = (
        "text{font:12px sans-serif;fill:#333}.title{font-weight:bold}.head{text-anchor:middle;font-weight:bold;font-size:13px}"
        ".left{text-anchor:end}.below{text-anchor:middle}.frame{fill:none;stroke:#999}.grid{stroke:#ddd}"
        "polyline{fill:none;stroke:#b5121b;stroke-width:2}circle{fill:#b5121b}"
    )
    with open(sys.argv[2], "w") as file:
        file.write(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
            f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(out) + "\n</svg>\n"
        )


main()
