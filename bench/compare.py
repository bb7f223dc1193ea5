"""tarn beside other programs, on trees of several shapes.  Started by bench/run."""

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile

import results
from jobs import Jobs
from measure import Failed, measure
from plot import picture
from trees import GROWTH, SHAPES, SIZES, SNAPSHOTS, USR, Tree, make_pairs

HERE = os.path.dirname(os.path.abspath(__file__))
TREES = ("snapshots", *SHAPES, "usr", "growth")
SNAPSHOT_JOBS = (
    *(("create", suffix) for suffix in (".tar", ".tar.zst", ".tar.xz")),
    *((job, suffix) for job in ("list", "one", "add") for suffix in (".tar", ".tar.zst")),
    *(("extract", suffix, place) for place in ("tmpfs", "ext4") for suffix in (".tar", ".tar.zst")),
    ("migrate", "tmpfs"), ("migrate", "ext4"))
SHAPE_JOBS = ("create", ".tar"), ("extract", ".tar", "tmpfs"), ("migrate", "tmpfs")
GROWTH_JOBS = ("create", ".tar"), ("extract", ".tar", "tmpfs")
JOBS = ("create", "list", "one", "add", "extract", "migrate")

# How long a program may take that is timed for the first time: seconds, and times what tarn took.
LEAST_PATIENCE, PATIENCE = 30, 20


def run_from_scratch(job, program, output, patience=0):
    """One program does its job, with nothing there and nothing left to be written back."""
    job.place.renew()
    os.sync()
    return measure(*job.commands[program], output=output, patience=patience)


def judge_job(job, output):
    """Every program once, not timed: that warms the cache.  Returns the sizes of what was made, and
    what is wrong with it; with what tarn makes nothing may be."""
    nbytes, troubles, patience = {}, {}, 0
    for program in job.commands:    # tarn is the first
        try:
            took = run_from_scratch(job, program, output, patience)
            nbytes[program] = os.stat(job.archive).st_size if job.archive else 0
            trouble = job.complaint(program)
        except Failed as failure:
            trouble = str(failure)
        if not trouble and program == "tarn":
            patience = LEAST_PATIENCE + round(PATIENCE * took.seconds)
        elif program == "tarn":
            raise Failed("%s: %s" % (job.name, trouble))
        elif trouble:
            troubles[program] = trouble
    return nbytes, troubles


def run_job(job, rounds, output):
    """Interleaved, each round in another order: what else the machine does then hits all alike."""
    nbytes, troubles = judge_job(job, output)
    programs = [program for program in job.commands if program not in troubles]
    measures = {program: [] for program in programs}
    for n in range(rounds):
        first = n % len(programs)
        for program in programs[first:] + programs[:first]:
            measures[program].append(run_from_scratch(job, program, output))
    for program in job.commands:
        if program in troubles:
            yield results.Row(job.name, program, trouble=troubles[program])
        else:
            yield results.row_of(job, program, measures, nbytes[program])


class Run:
    """The trees, one after the other, each gone before the next is made."""

    def __init__(self, args):
        self.args = args
        self.size = SIZES.index(args.size)
        self.wanted = [name for name in JOBS if name in args.names] or JOBS

    def table(self, title, make, size, job_names, programs=None):
        """The jobs of one tree, printed as they are done.  Without ${make} ${size} is the tree."""
        with contextlib.ExitStack() as stack:
            disk, memory = (
                stack.enter_context(tempfile.TemporaryDirectory(prefix="tarn-bench.", dir=place))
                for place in (os.environ.get("TMPDIR", "/var/tmp"), "/dev/shm"))
            path = os.path.join(disk, "source") if make else size
            if make:
                make(path, size)
            tree = Tree(path)
            jobs = Jobs(tree, disk, memory)
            stack.callback(jobs.remove)
            table = results.Table(results.heading(title, tree), tree.nnames, [])
            print("\n## %s\n" % table.title)
            print(*results.table_head(), sep="\n", flush=True)
            for name, *arguments in job_names:
                if name in self.wanted and jobs.has_place(*arguments):
                    self.add_rows(table, getattr(jobs, name)(*arguments), programs, jobs.output)
            return table

    def add_rows(self, table, job, programs, output):
        for program in set(job.commands) - set(programs or job.commands):
            del job.commands[program]
        for row in run_job(job, self.args.rounds, output):
            table.rows.append(row)
            print(results.row_line(row), flush=True)

    def tables(self, names):
        if "snapshots" in names:
            make, sizes = SNAPSHOTS
            # xz alone takes as long as all others.
            jobs = [job for job in SNAPSHOT_JOBS if self.args.size != "small" or ".tar.xz" not in job]
            yield self.table("Backup snapshots", make, sizes[self.size], jobs)
        for name, (title, make, sizes) in SHAPES.items():
            if name in names:
                yield self.table(title, make, sizes[self.size], SHAPE_JOBS)
        if "usr" in names:
            yield self.table(USR[self.size], None, USR[self.size], SHAPE_JOBS)

    def growth(self, names):
        for nnames in GROWTH[self.size] if "growth" in names else ():
            yield self.table("Growth", make_pairs, nnames, GROWTH_JOBS, ("tarn", "tar"))


def parse():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__.splitlines()[0])
    parser.set_defaults(size="default")
    parser.add_argument("--small", dest="size", action="store_const", const="small",
                        help="small trees, no xz")
    parser.add_argument("--full", dest="size", action="store_const", const="full",
                        help="as large as they are meant: hours")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds (3)")
    parser.add_argument("--write", action="store_true",
                        help="replace RESULTS.md and results.svg in bench/")
    parser.add_argument("names", nargs="*", metavar="TREE|JOB",
                        help="only these: %s; %s" % (", ".join(TREES), ", ".join(JOBS)))
    args = parser.parse_args()
    if unknown := set(args.names) - set(TREES) - set(JOBS):
        parser.error("no such tree or job: " + ", ".join(sorted(unknown)))
    return args


def replace(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def main():
    args = parse()
    print(*results.facts(args.rounds), sep="\n")
    run = Run(args)
    names = [name for name in TREES if name in args.names] or TREES
    tables, growth = list(run.tables(names)), list(run.growth(names))
    if args.write:
        command = shlex.join(["bench/run", *sys.argv[1:]])
        replace(os.path.join(HERE, "RESULTS.md"),
                results.page(command, args.rounds, tables, growth))
        replace(os.path.join(HERE, "results.svg"), picture(tables, growth))


if __name__ == "__main__":
    # Ended from outside, it still removes what it made.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except (OSError, Failed, subprocess.CalledProcessError) as error:
        sys.exit("bench: %s" % error)
