"""The picture of the results: an SVG that needs nothing but a browser.

It has a background of its own, light or dark as the reader's page is, so that its text is legible
on any.
"""

import math
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, TOP = 860, 300, 20, 64      # the drawing is between LEFT and WIDTH - RIGHT
ROW, TITLE = 20, 30                             # heights
PANEL = 210                                     # of the curves
STYLE = """
text { font: 12px sans-serif; fill: #1f2328 } .title { font-weight: bold }
.card { fill: #ffffff } .grid { stroke: #d1d9e0 } .one { stroke: #59636e; stroke-width: 2 }
.end { text-anchor: end } .middle { text-anchor: middle } .curve { fill: none; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .card { fill: #0d1117 } .grid { stroke: #3d444d } .one { stroke: #9198a1 }
}
"""
# Each program has a colour and a shape: neither alone tells so many apart.
PROGRAMS = {
    "tar": ("#0072b2", "circle"), "bsdtar": ("#d55e00", "square"), "cp": ("#009e73", "up"),
    "rsync": ("#cc79a7", "diamond"), "pax": ("#b8860b", "down"), "cpio": ("#8250df", "circle"),
    "mksquashfs": ("#56a0d3", "square"), "unsquashfs": ("#56a0d3", "square"),
    "pixz": ("#7a7a7a", "up"), "tarn": ("#d1242f", "circle"),
    "one thread": ("#d1242f", "up"), "without -p": ("#d1242f", "down"),
}
SHAPES = {
    "circle": "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0", "square": "M-4.5,-4.5h9v9h-9z",
    "up": "M0,-5.5l5.5,10h-11z", "down": "M0,5.5l5.5,-10h-11z", "diamond": "M0,-6l6,6l-6,6l-6,-6z",
}


class Scale:
    """Logarithmic: values between ${low} and ${high} to pixels between ${start} and ${end}."""

    def __init__(self, low, high, start, end):
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value):
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + part * (self.end - self.start)

    def ticks(self):
        """1, 2 and 5 of each power of ten; only the first where they are many."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        steps = (1, 2, 5) if self.high / self.low < 200 else (1,)
        values = (step * 10.0 ** power for power in powers for step in steps)
        return [value for value in values if self.low <= value <= self.high]


def text(x, y, content, kind=""):
    return '<text x="%.1f" y="%.1f" class="%s">%s</text>' % (x, y, kind, escape(content))


def rule(x1, y1, x2, y2, kind="grid"):
    return '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>' % (x1, y1, x2, y2, kind)


def mark(x, y, program):
    colour, shape = PROGRAMS[program]
    return '<path transform="translate(%.1f,%.1f)" d="%s" fill="%s"><title>%s</title></path>' % (
        x, y, SHAPES[shape], colour, escape(program))


def legend(shown):
    x = 20
    for program in shown:
        yield mark(x, 44, program)
        yield text(x + 10, 48, program)
        x += 30 + 7 * len(program)


def by_job(table):
    jobs = {}
    for row in table.rows:
        if not row.trouble and row.program != "tarn":
            jobs.setdefault(row.job, []).append(row)
    return jobs


def draw_ratios(tables, y):
    """A line for each job, a mark for each program: how much longer it takes.  Returns the lower
    edge, too."""
    ratios = [row.ratio for table in tables for row in table.rows if not row.trouble]
    x = Scale(min(0.5, *ratios) * 0.9, max(2, *ratios) * 1.1, LEFT, WIDTH - RIGHT)
    drawn, top = [], y
    for table in tables:
        y += TITLE
        drawn.append(text(20, y, table.title, "title"))
        for job, rows in by_job(table).items():
            y += ROW
            drawn += [text(LEFT - 12, y + 4, job, "end"), rule(LEFT, y, WIDTH - RIGHT, y)]
            drawn += [mark(x(row.ratio), y, row.program) for row in rows]
    bottom = y + ROW
    scale = [rule(x(1), top, x(1), bottom, "one")]
    for tick in x.ticks():
        scale += [rule(x(tick), top, x(tick), bottom), text(x(tick), bottom + 16, "%g ×" % tick, "middle")]
    return scale + drawn, bottom + 30


def curves(tables, quantity):
    """(job, program) -> points: the number of names, and the quantity of the row."""
    found = {}
    for table in tables:
        for row in table.rows:
            if not row.trouble:
                found.setdefault((row.job, row.program), []).append((table.nnames, quantity(row)))
    return found


def draw_panel(tables, title, quantity, left, top):
    """One quantity over the number of names."""
    found = curves(tables, quantity)
    values = [value for points in found.values() for _, value in points]
    right, bottom = left + WIDTH // 2 - 90, top + PANEL
    x = Scale(tables[0].nnames, tables[-1].nnames, left, right)
    y = Scale(min(values) * 0.8, max(values) * 1.25, bottom, top)
    yield text(left, top - 12, title, "title")
    for tick in y.ticks():
        yield rule(left, y(tick), right, y(tick))
        yield text(left - 6, y(tick) + 4, "%g" % tick, "end")
    for table in tables:
        yield text(x(table.nnames), bottom + 16, "%g M" % round(table.nnames / 1e6, 1), "middle")
    for (job, program), points in found.items():
        at = [(x(nnames), y(value)) for nnames, value in points]
        yield '<polyline class="curve" stroke="%s" stroke-dasharray="%s" points="%s"/>' % (
            PROGRAMS[program][0], "" if job.startswith("create") else "6 4",
            " ".join("%.1f,%.1f" % point for point in at))
        yield from (mark(*point, program) for point in at)


def draw_growth(tables, y):
    yield text(20, y, "Growth with the number of names; solid: create, dashed: extract", "title")
    y += 2 * TITLE
    yield from draw_panel(tables, "Seconds", lambda row: row.seconds, 60, y)
    yield from draw_panel(tables, "Peak memory in MB", lambda row: row.nbytes / 1e6,
                          60 + WIDTH // 2, y)


def picture(tables, growth):
    """The whole SVG.  Either kind of tables may be empty, of growth there must be two to be drawn."""
    drawn, height = [], TOP
    if tables:
        drawn, height = draw_ratios(tables, TOP)
    if len(growth) > 1:
        drawn += draw_growth(growth, height + 40)
        height += PANEL + 3 * TITLE + 60
    shown = {row.program: None for table in tables + growth for row in table.rows
             if not row.trouble and (row.program != "tarn" or growth)}
    head = [text(20, 24, "How long other programs take, times the time of tarn", "title"),
            *legend(shown)]
    return "\n".join([
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">' % (
            WIDTH, height, WIDTH, height),
        "<style>%s</style>" % STYLE,
        '<rect class="card" width="100%" height="100%" rx="6"/>', *head, *drawn, "</svg>", ""])
