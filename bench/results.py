"""What came out: a table, and with --write the page and the picture of it."""

import os
import platform
import shutil
import statistics
import subprocess
import time
from typing import NamedTuple

from programs import TARN

TROUBLE_NCHARS = 60     # a list of all names of an inode would be as wide as a page
COLUMNS = (("", -34), ("", -10), ("seconds", 8), ("× tarn", 7), ("memory MB", 9), ("archive MB", 10))

EXPLANATION = """\
Seconds and memory are medians; *× tarn* is the median of the times divided by tarn's in the same
round, so that above 1 the other program takes longer. The programs take turns within a round, and
each result is judged: names, bytes, modes, owners, times, and which names are one inode; a program
that got it wrong, or did not end, has what was wrong instead of figures. Of pax, cpio and squashfs no
times are judged, and of trees of more than a million names nothing. All use all cores where they
can; *one thread* is tarn with `--threads=1`. tarn and the other tars extract with `-p`; *without -p* is
tarn as it extracts archives that nobody trusts, when the kernel watches as well (SECURITY.md). A program that starts others counts with the memory of the largest; those of a pipeline are
added up. Archives are read from the cache; pax, cpio and unsquashfs read archives of formats of their
own, and pax and cpio write one."""
GROWTH_EXPLANATION = """\
Empty files with two names each. All the second names come after all the first ones, so that no
program can forget an inode early. Time and peak memory, divided by the number of names:"""


class Row(NamedTuple):
    """One program at one job, or why there are no figures: then only ${trouble} has a meaning."""
    job: str
    program: str
    trouble: str = ""
    seconds: float = 0      # medians
    ratio: float = 0        # of the times in each round, to tarn's
    nbytes: float = 0       # of memory
    made_nbytes: int = 0    # of the archive; 0 where none was made


class Table(NamedTuple):
    """The rows of one tree."""
    title: str
    nnames: int
    rows: list


def row_of(job, program, measures, made_nbytes):
    pairs = zip(measures[program], measures["tarn"])
    return Row(job.name, program, "",
               statistics.median(m.seconds for m in measures[program]),
               statistics.median(m.seconds / tarn.seconds for m, tarn in pairs),
               statistics.median(m.nbytes for m in measures[program]), made_nbytes)


def line(*cells):
    padded = ("%*s" % (width, cell) for cell, (_, width) in zip(cells, COLUMNS))
    return "| " + " | ".join(padded) + " |"


def table_head():
    rule = ("-" * (abs(width) - 1) + ("-" if width < 0 else ":") for _, width in COLUMNS)
    return [line(*(title for title, _ in COLUMNS)), "| " + " | ".join(rule) + " |"]


def row_line(row):
    job = row.job if row.program == "tarn" else ""
    if row.trouble:
        return line(job, row.program, shortened(row.trouble), "", "", "")
    return line(job, row.program, "%.2f" % row.seconds, "%.2f" % row.ratio,
                "%.1f" % (row.nbytes / 1e6),
                "%.1f" % (row.made_nbytes / 1e6) if row.made_nbytes else "")


def shortened(trouble):
    return trouble if len(trouble) <= TROUBLE_NCHARS else trouble[:TROUBLE_NCHARS] + "…"


def facts(rounds):
    """The machine and the programs, each a line of a list."""
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(": ")[1].strip() for line in lines if "model name" in line), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return [
        time.strftime("- %Y-%m-%d, rounds: ") + str(rounds),
        "- %d × %s, %.0f GiB of memory, Linux %s" % (
            os.cpu_count(), model, memory, platform.release()),
        *("- " + version for version in versions()),
    ]


def versions():
    for command in ([TARN, "--version"], ["tar", "--version"], ["bsdtar", "--version"],
                    ["cpio", "--version"], ["cp", "--version"], ["rsync", "--version"],
                    ["zstd", "--version"], ["xz", "--version"], ["mksquashfs", "-version"]):
        if shutil.which(command[0]):
            run = subprocess.run(command, capture_output=True, text=True, check=True)
            yield run.stdout.splitlines()[0].strip("* ")


def heading(title, tree):
    return "%s: %s names of %s inodes" % (
        title, format(tree.nnames, ","), format(tree.ninodes, ","))


def growth_lines(tables):
    """The rows of trees that differ in size alone, once more: what a name takes."""
    yield "| | | %s |" % " | ".join(format(table.nnames, ",") for table in tables)
    yield "|---|---|%s" % ("---:|" * len(tables))
    for rows in zip(*(table.rows for table in tables)):
        cells = (share(row, table.nnames) for row, table in zip(rows, tables))
        yield "| %s | %s | %s |" % (rows[0].job, rows[0].program, " | ".join(cells))


def share(row, nnames):
    return shortened(row.trouble) or "%.2f µs, %.0f bytes" % (row.seconds / nnames * 1e6, row.nbytes / nnames)


def page(command, rounds, tables, growth):
    """RESULTS.md."""
    lines = ["# tarn beside other programs", "", "`%s` printed this:" % command, "",
             *facts(rounds), "",
             EXPLANATION, "", "![The ratios and the growth](results.svg)", ""]
    for table in tables:
        lines += ["## " + table.title, "", *table_head(), *map(row_line, table.rows), ""]
    if growth:
        lines += ["## Growth", "", GROWTH_EXPLANATION, "", *growth_lines(growth), ""]
        for table in growth:
            lines += ["### " + table.title, "", *table_head(), *map(row_line, table.rows), ""]
    return "\n".join(lines)
