"""tarn beside other programs, on a tree of backup snapshots.  Started by bench/run."""

import argparse
import contextlib
import filecmp
import functools
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
from typing import Callable, NamedTuple

from make_tree import NDAYS, make_tree
from measure import Failed, measure
from place import Directory, Ext4, With, said

JOBS = ("create", "list", "one", "add", "extract", "migrate")
NFILES, NFILES_SMALL = 36_500, 3_650    # in a snapshot: 870,000 names of 43,000 inodes, or a tenth
SUFFIXES = (".tar", ".tar.zst")

TARN = os.path.abspath(os.environ["TARN"])
JUDGE = os.path.join(os.path.dirname(__file__), "..", "tests", "judge", "judge")
ROW = "%-30s %-6s %9s %7s %11s %12s"

# All keep the same: times to the nanosecond, but neither extended attributes nor ACLs.
BSDTAR = ["bsdtar", "--no-xattrs", "--no-acls", "--no-fflags"]
GNU_CREATE = ["tar", "--format=posix", "--pax-option=delete=atime,delete=ctime"]
GNU_FILTER = {".tar": [], ".tar.zst": ["-I", "zstd -T0"], ".tar.xz": ["-I", "xz -T0"]}


class Job(NamedTuple):
    """Commands that do the same, and how it is seen that they did."""
    name: str
    place: Directory | Ext4     # where they make it
    made: str                   # the file or directory that they make
    commands: dict              # program -> the commands of its pipeline
    complaint: Callable         # says what is wrong with what was made, "" if nothing is


class Bench:
    """The tree, the places, and the jobs."""

    def __init__(self, disk, memory, nfiles):
        self.disk = disk
        self.source = os.path.join(disk, "source")      # has nothing but the tree
        self.tree = os.path.join(self.source, "snapshots")
        os.mkdir(self.source)
        self.nnames, self.ninodes = make_tree(self.tree, nfiles)
        self.made = Directory(os.path.join(disk, "made"))
        self.made.renew()
        self.listing = os.path.join(self.made.path, "listing")
        self.destinations = {"tmpfs": Directory(os.path.join(memory, "made"))}
        if os.geteuid() == 0:
            self.destinations["ext4"] = Ext4(os.path.join(disk, "ext4"))

    @functools.cache
    def archive(self, suffix):
        """The archive that all programs read: tarn's."""
        path = os.path.join(self.disk, "input" + suffix)
        measure([TARN, "-caf", path, "--index", "-C", self.source, "snapshots"], output=os.devnull)
        return path

    def tree_complaint(self, tree):
        return judge(self.tree, tree)

    def archive_complaint(self, archive, source=None):
        if archive.endswith(".tar"):
            return judge("--archive", archive, source or self.source)
        plain = os.path.join(self.disk, "plain.tar")
        with open(plain, "wb") as out:
            subprocess.run(["xz" if archive.endswith(".xz") else "zstd", "-dc", archive],
                           stdout=out, check=True)
        try:
            return judge("--archive", plain, source or self.source)
        finally:
            os.remove(plain)

    def listing_complaint(self, listing):
        with open(listing, "rb") as lines:
            nlines = sum(1 for _ in lines)
        return "" if nlines == self.nnames else "%d names, not %d" % (nlines, self.nnames)

    def create(self):
        for suffix, gnu_filter in GNU_FILTER.items():
            archive = os.path.join(self.made.path, "archive" + suffix)
            what = ["-cf", archive, "-C", self.source, "snapshots"]
            filter = {".tar": [], ".tar.zst": ["--zstd"], ".tar.xz": ["--xz"]}[suffix]
            pixz = {"pixz": [[*GNU_CREATE, "-I", "pixz", *what]]} if suffix == ".tar.xz" else {}
            yield Job("create " + suffix, self.made, archive, {
                "tarn": [[TARN, *filter, *what]],
                "tar": [[*GNU_CREATE, *gnu_filter, *what]],
                "bsdtar": [[*BSDTAR, "--format=pax", *filter, *what]],
                **pixz,
            }, self.archive_complaint)

    def one(self):
        """The last member, by its name."""
        name = said("tar", "-tf", self.archive(".tar")).splitlines()[-1]
        place = self.destinations["tmpfs"]
        for suffix in SUFFIXES:
            what = ["-xf", self.archive(suffix), "-C", place.path]
            yield Job("one of " + suffix, place, os.path.join(place.path, name), {
                "tarn": [[TARN, *what, name]],
                # The others have no way from a link member to its content: they get the first name.
                "tar": [["tar", *GNU_FILTER[suffix], *what, name, self.first_of(name)]],
                "bsdtar": [["bsdtar", *what, name, self.first_of(name)]],
            }, functools.partial(file_complaint, os.path.join(self.source, name)))

    def first_of(self, name):
        """The name under which the archive has the content of ${name}."""
        for line in said(TARN, "-tvf", self.archive(".tar")).splitlines():
            if " %s link to " % name in line:
                return line.split(" link to ")[1]
        return name

    def add(self):
        """The last snapshot, to an archive of the others; who cannot writes the archive anew."""
        *others, last = sorted(os.listdir(self.tree))
        for suffix in SUFFIXES:
            before = os.path.join(self.disk, "before" + suffix)
            measure([TARN, "-caf", before, "--index", "-C", self.tree, *others], output=os.devnull)
            place = With(self.made.path, before)
            archive = os.path.join(place.path, os.path.basename(before))
            what = ["-cf", archive, "-C", self.tree, *others, last]
            yield Job("add a snapshot to " + suffix, place, archive, {
                "tarn": [[TARN, "-rf", archive, "-C", self.tree, last]],
                "tar": [[*GNU_CREATE, *GNU_FILTER[suffix], *what]],
            }, functools.partial(self.archive_complaint, source=self.tree))

    def list(self):
        for suffix in SUFFIXES:
            what = ["-tf", self.archive(suffix)]
            gnu_filter = GNU_FILTER[suffix]
            yield Job("list " + suffix, self.made, self.listing, {
                "tarn": [[TARN, *what]],
                "tar": [["tar", *gnu_filter, *what]],
                "bsdtar": [["bsdtar", *what]],
            }, self.listing_complaint)

    def extract(self):
        for file_system, place in self.destinations.items():
            for suffix in SUFFIXES:
                what = ["-xf", self.archive(suffix), "-C", place.path]
                gnu_filter = GNU_FILTER[suffix]
                name = "extract %s, %s" % (suffix, file_system)
                yield Job(name, place, place.path + "/snapshots", {
                    "tarn": [[TARN, *what]],
                    "tar": [["tar", *gnu_filter, *what]],
                    "bsdtar": [[*BSDTAR, *what]],
                }, self.tree_complaint)

    def migrate(self):
        for file_system, place in self.destinations.items():
            create = ["-cf", "-", "-C", self.source, "snapshots"]
            extract = ["-xf", "-", "-C", place.path]
            yield Job("migrate, " + file_system, place, place.path + "/snapshots", {
                "tarn": [[TARN, *create], [TARN, *extract]],
                "tar": [[*GNU_CREATE, *create], ["tar", *extract]],
                "bsdtar": [[*BSDTAR, "--format=pax", *create], [*BSDTAR, *extract]],
                "cp": [["cp", "-a", self.tree, place.path]],
                "rsync": [["rsync", "-aH", self.tree, place.path]],
            }, self.tree_complaint)


def file_complaint(file, made):
    """The first of what is wrong with a copy of a file or symbolic link, or nothing."""
    if not os.path.lexists(made):
        return "it is missing"
    if os.path.islink(file):
        return "" if os.readlink(file) == os.readlink(made) else "it leads elsewhere"
    return "" if filecmp.cmp(file, made, shallow=False) else "its bytes differ"


def judge(*arguments):
    """The first difference, or nothing."""
    run = subprocess.run([sys.executable, JUDGE, *arguments], capture_output=True, text=True)
    return "" if run.returncode == 0 else (run.stdout + run.stderr).splitlines()[0]


def run_from_scratch(bench, job, program):
    """One program does its job, with nothing there and nothing left to be written back."""
    job.place.renew()
    os.sync()
    return measure(*job.commands[program], output=bench.listing)


def judge_job(bench, job):
    """Every program once, untimed: that warms the cache.  Returns the sizes of what was made."""
    nbytes = {}
    for program in job.commands:
        run_from_scratch(bench, job, program)
        if complaint := job.complaint(job.made):
            raise Failed("%s by %s: %s" % (job.name, program, complaint))
        nbytes[program] = os.stat(job.made).st_size
    return nbytes


def run_job(bench, job, rounds):
    """Interleaved, each round in another order: what else the machine does then hits all alike."""
    nbytes = judge_job(bench, job)
    programs = list(job.commands)
    measures = {program: [] for program in programs}
    for n in range(rounds):
        first = n % len(programs)
        for program in programs[first:] + programs[:first]:
            measures[program].append(run_from_scratch(bench, job, program))
    for program in programs:
        print_row(job, program, measures, nbytes[program])


def print_row(job, program, measures, nbytes):
    pairs = zip(measures[program], measures["tarn"])
    row = ROW % (
        job.name if program == "tarn" else "", program,
        "%.2f" % statistics.median(m.seconds for m in measures[program]),
        "%.2f" % statistics.median(m.seconds / tarn.seconds for m, tarn in pairs),
        "%.1f" % (statistics.median(m.nbytes for m in measures[program]) / 1e6),
        "%.1f" % (nbytes / 1e6) if job.name.startswith("create") else "")
    print(row.rstrip(), flush=True)


def print_facts(bench, rounds):
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(": ")[1].strip() for line in lines if "model name" in line), "?")
    print("%d names of %d inodes in %d snapshots, %s" % (
        bench.nnames, bench.ninodes, NDAYS, said("du", "-sh", bench.tree).split()[0]))
    print("%d × %s, %s of memory; Linux %s" % (
        os.cpu_count(), model, said("free", "-h").split()[7], platform.release()))
    for command in [TARN], ["tar"], ["bsdtar"], ["zstd"], ["rsync"]:
        print(said(*command, "--version").splitlines()[0])
    print("Medians of %d rounds; × tarn is the time divided by tarn's in the same round" % rounds)
    print()
    print(ROW % ("", "", "seconds", "× tarn", "memory MB", "archive MB"))


def main():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a tenth of the tree")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds (3)")
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="some of: " + ", ".join(JOBS))
    args = parser.parse_args()
    if unknown := set(args.jobs) - set(JOBS):
        parser.error("no such job: " + ", ".join(sorted(unknown)))

    with contextlib.ExitStack() as stack:
        disk, memory = (
            stack.enter_context(tempfile.TemporaryDirectory(prefix="tarn-bench.", dir=place))
            for place in (os.environ.get("TMPDIR", "/var/tmp"), "/dev/shm"))
        bench = Bench(disk, memory, NFILES_SMALL if args.small else NFILES)
        for destination in bench.destinations.values():
            stack.callback(destination.remove)
        print_facts(bench, args.rounds)
        for name in args.jobs or JOBS:
            for job in getattr(bench, name)():
                run_job(bench, job, args.rounds)


if __name__ == "__main__":
    # Ended from outside, it still removes what it made.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except (OSError, Failed, subprocess.CalledProcessError) as error:
        sys.exit("bench: %s" % error)
