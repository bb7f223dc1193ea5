"""The trees that the programs read, each of one shape.  The same size makes the same tree."""

import os
import random

from snapshots import make_snapshots

WHEN = 1_700_000_000
PER_DIRECTORY = 1000
DEPTH = 400


class Tree:
    """A directory that is there."""

    def __init__(self, path):
        self.path = path
        self.nnames, inodes = 1, set()
        for at, directories, files in os.walk(path):
            self.nnames += len(directories) + len(files)
            inodes.update(os.lstat(os.path.join(at, file)).st_ino for file in files)
        self.ninodes = len(inodes)      # that are no directories


def write(path, content=b""):
    with open(path, "wb") as file:
        file.write(content)
    os.utime(path, (WHEN, WHEN))


def folders(top, name, n):
    """${n} paths, no directory so large that the list of its names would count."""
    for i in range(n):
        folder = "%s/%s/%05d" % (top, name, i // PER_DIRECTORY)
        if i % PER_DIRECTORY == 0:
            os.makedirs(folder)
        yield "%s/%03d" % (folder, i % PER_DIRECTORY)


def make_flat(top, nfiles):
    os.mkdir(top)
    for n in range(nfiles):
        write("%s/%07d" % (top, n))


def make_deep(top, nchains):
    os.mkdir(top)
    for chain in range(nchains):
        at = "%s/%d" % (top, chain)
        for _ in range(DEPTH):
            os.mkdir(at)
            write(at + "/file", b"a line\n")
            at += "/d"


def make_small(top, nfiles):
    rng = random.Random(nfiles)
    for path in folders(top, "files", nfiles):
        write(path, rng.randbytes(rng.randrange(1000)) + b"the same text\n" * rng.randrange(200))


def make_large(top, nbytes):
    rng = random.Random(nbytes)
    os.mkdir(top)
    piece = rng.randbytes(1 << 20) + b"the same text\n" * 75_000
    for name in "abcd":
        write("%s/%s" % (top, name), piece * (nbytes // 4 // len(piece)))


def make_sparse(top, nruns):
    """A run of data in each MiB."""
    rng = random.Random(nruns)
    os.mkdir(top)
    for name in "abcd":
        with open("%s/%s" % (top, name), "wb") as file:
            for n in range(nruns // 4):
                file.seek(n << 20)
                file.write(rng.randbytes(32 << 10))
            file.truncate(nruns // 4 << 20)


def make_few_inodes(top, nnames):
    """Ten of them."""
    first = [""] * 10
    for n, path in enumerate(folders(top, "names", nnames)):
        if first[n % 10]:
            os.link(first[n % 10], path)
        else:
            first[n % 10] = path
            write(path, b"a line\n")


def make_pairs(top, nnames):
    """Inodes with two names: the second ones come after all the first ones, so that no program can
    forget an inode before it has seen them all."""
    for first, later in zip(folders(top, "first", nnames // 2), folders(top, "later", nnames // 2)):
        write(first)
        os.link(first, later)


def make_symlinks(top, n, target):
    """As many symbolic links, and behind them as many names of other inodes."""
    for path in folders(top, "a.links", n):
        os.symlink(target, path)
    make_pairs(top + "/names", n)


def make_symlinks_beside(top, n):
    make_symlinks(top, n, "000")


def make_symlinks_through(top, n):
    make_symlinks(top, n, "../../names/first/00000/000")


# What each is called, what makes it, and of which size: small, by default, full.
SIZES = ("small", "default", "full")
SNAPSHOTS = (make_snapshots, (3_650, 36_500, 36_500))
SHAPES = {
    "flat": ("Empty files in one directory", make_flat, (20_000, 100_000, 1_000_000)),
    "deep": ("Directories in each other, %d deep" % DEPTH, make_deep, (5, 50, 500)),
    "small": ("Small files of one name", make_small, (20_000, 200_000, 1_000_000)),
    "large": ("Large files", make_large, (256 << 20, 1 << 30, 4 << 30)),
    "sparse": ("Large sparse files", make_sparse, (400, 4_000, 40_000)),
    "names": ("Many names of few inodes", make_few_inodes, (50_000, 500_000, 600_000)),
    "beside": ("Symbolic links to what is beside them, and hard links", make_symlinks_beside,
               (15_000, 30_000, 60_000)),
    "through": ("Symbolic links that lead through .., and hard links", make_symlinks_through,
                (15_000, 30_000, 60_000)),
}
USR = ("/usr/share/doc", "/usr/share", "/usr")
GROWTH = ((100_000, 200_000, 400_000), (100_000, 300_000, 1_000_000),
          (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000))
