"""What the programs have to do, and how it is seen that they did."""

import filecmp
import functools
import os
import subprocess
import sys
from typing import Callable, NamedTuple

import programs
from measure import measure
from place import Directory, Ext4, With, said
from programs import TARN

JUDGE = os.path.join(os.path.dirname(__file__), "..", "tests", "judge", "judge")
JUDGED_NNAMES = 1_000_000   # the judge keeps a kilobyte for each


class Job(NamedTuple):
    name: str
    place: Directory | Ext4     # where they make it
    commands: dict              # program -> the commands of its pipeline
    complaint: Callable         # by the program: what is wrong with what was made, "" if nothing is
    archive: str = ""           # the one that they make, where its size is of interest


class Jobs:
    """Those that can be done with one tree.

    What the programs make lies in ${disk} or ${memory}, each a directory of our own.
    """

    def __init__(self, tree, disk, memory):
        self.tree = tree
        self.disk = disk
        self.made = Directory(os.path.join(disk, "made"))
        self.memory = Directory(os.path.join(memory, "made"))
        self.destinations = {"tmpfs": self.memory}
        if os.geteuid() == 0:
            self.destinations["ext4"] = Ext4(os.path.join(disk, "ext4"))
        self.output = os.path.join(disk, "output")      # what programs say goes there

    def has_place(self, *arguments):
        """False for a job that needs a file system that we cannot make."""
        return "ext4" not in arguments or "ext4" in self.destinations

    def remove(self):
        for place in (self.made, *self.destinations.values()):
            place.remove()

    @functools.cache
    def archive(self, suffix):
        """The archive that all programs read: tarn's, but for squashfs."""
        path = os.path.join(self.disk, "input" + suffix)
        if suffix == ".sqfs":
            command = ["mksquashfs", self.tree.path, path, "-quiet", "-no-progress", "-no-xattrs",
                       *programs.SQUASHFS_LEVEL]
        else:
            index = ["--index"] if suffix == ".tar" else []
            command = [TARN, "-cf", path, *programs.TARN_OPTIONS[suffix], *index,
                       "-C", self.tree.path, "."]
        measure(command, output=os.devnull)
        return path

    def create(self, suffix):
        archive = os.path.join(self.made.path, "archive")
        return Job("create " + suffix, self.made,
                   programs.create(suffix, archive, self.tree),
                   functools.partial(archive_complaint, self.tree, suffix, archive, self.made.path),
                   archive)

    def extract(self, suffix, file_system):
        place = self.destinations[file_system]
        return Job("extract %s, %s" % (suffix, file_system), place,
                   programs.extract(suffix, self.archive, place.path),
                   functools.partial(tree_complaint, self.tree, place.path))

    def migrate(self, file_system):
        place = self.destinations[file_system]
        return Job("copy to " + file_system, place,
                   programs.migrate(self.tree, place.path),
                   functools.partial(tree_complaint, self.tree, place.path))

    def list(self, suffix):
        return Job("list " + suffix, self.made, programs.list(suffix, self.archive),
                   functools.partial(listing_complaint, self.tree, self.output))

    def one(self, suffix):
        """The last member, by its name.  The others have no way from a link member to its content:
        they get the first name, too."""
        name = said("tar", "-tf", self.archive(".tar")).splitlines()[-1]
        both = [name, *(line.split(" link to ")[1]
                        for line in said(TARN, "-tvf", self.archive(".tar")).splitlines()
                        if " %s link to " % name in line)]
        what = ["-xf", self.archive(suffix), "-C", self.memory.path]
        return Job("one of " + suffix, self.memory, programs.installed({
            "tarn": [[TARN, *what, name]],
            "tar": [["tar", *programs.GNU_FILTER[suffix], *what, *both]],
            "bsdtar": [["bsdtar", *what, *both]],
        }), functools.partial(file_complaint, os.path.join(self.tree.path, name),
                              os.path.join(self.memory.path, name)))

    def add(self, suffix):
        """The last snapshot, to an archive of the others; who cannot writes the archive anew."""
        *others, last = sorted(os.listdir(self.tree.path))
        before = os.path.join(self.disk, "before" + suffix)
        measure([TARN, "-caf", before, "--index", "-C", self.tree.path, *others], output=os.devnull)
        place = With(self.made.path, before)
        archive = os.path.join(place.path, os.path.basename(before))
        what = ["-cf", archive, "-C", self.tree.path, *others, last]
        return Job("add a snapshot to " + suffix, place, programs.installed({
            "tarn": [[TARN, "-rf", archive, "-C", self.tree.path, last]],
            "tar": [[*programs.GNU_CREATE, *programs.GNU_FILTER[suffix], *what]],
        }), functools.partial(archive_complaint, self.tree, suffix, archive, place.path))


def judge(*arguments, ignore=""):
    """The first difference, or nothing."""
    options = ["--ignore", ignore] if ignore else []
    run = subprocess.run([sys.executable, JUDGE, *options, *arguments],
                         capture_output=True, text=True)
    return "" if run.returncode == 0 else (run.stdout + run.stderr).splitlines()[0]


def tree_complaint(tree, place, program):
    if tree.nnames > JUDGED_NNAMES:
        return ""
    ignored = "xattrs,root" + (",mtime" if program in programs.WITHOUT_TIMES else "")
    return judge(tree.path, place, ignore=ignored)


def archive_complaint(tree, suffix, archive, work, program):
    if tree.nnames > JUDGED_NNAMES:
        return ""
    unpacked = os.path.join(work, "unpacked")
    if program == "mksquashfs":
        measure(["unsquashfs", "-quiet", "-no-progress", "-d", unpacked, archive],
                output=os.devnull)
        return tree_complaint(tree, unpacked, program)
    if program in programs.READERS:
        os.mkdir(unpacked)
        measure([*programs.READERS[program], archive, "-C", unpacked], output=os.devnull)
        return tree_complaint(tree, unpacked, program)
    if suffix in programs.DECODERS:
        with open(unpacked, "wb") as out:
            subprocess.run([programs.DECODERS[suffix], "-dc", archive], stdout=out, check=True)
        archive = unpacked
    return judge("--archive", archive, tree.path, ignore="xattrs,root")


def listing_complaint(tree, listing, _program):
    with open(listing, "rb") as lines:
        nlines = sum(1 for _ in lines)
    return "" if nlines == tree.nnames else "%d names, not %d" % (nlines, tree.nnames)


def file_complaint(file, made, _program):
    """The first of what is wrong with a copy of a file or symbolic link, or nothing."""
    if not os.path.lexists(made):
        return "it is missing"
    if os.path.islink(file):
        return "" if os.readlink(file) == os.readlink(made) else "it leads elsewhere"
    return "" if filecmp.cmp(file, made, shallow=False) else "its bytes differ"
