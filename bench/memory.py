"""Memory for inodes with two names.  Started by bench/memory.

The second names come after all the first ones, so that no program can forget an inode before it has
seen them all.
"""

import argparse
import os
import signal
import sys
import tempfile

from measure import Failed, measure

TARN = os.path.abspath(os.environ["TARN"])
PER_DIRECTORY = 1000    # no directory is so large that the list of its names would count
ROW = "%-8s %12s %16s"

COMMANDS = {
    "tarn": [TARN],
    "tar": ["tar"],
    "bsdtar": ["bsdtar", "--no-xattrs", "--no-acls", "--no-fflags"],
}


def make_pairs(top, ninodes):
    """Empty files below ${top}/first; below ${top}/later the same, each a link."""
    for n in range(ninodes):
        folder, name = divmod(n, PER_DIRECTORY)
        first, later = ("%s/%s/%05d/" % (top, side, folder) for side in ("first", "later"))
        if name == 0:
            os.makedirs(first)
            os.makedirs(later)
        os.close(os.open("%s%03d" % (first, name), os.O_CREAT | os.O_WRONLY))
        os.link("%s%03d" % (first, name), "%s%03d" % (later, name))


def peak(command, top, archive):
    """The first names have to come first, hence the operands."""
    nbytes = measure([*command, "-cf", archive, "-C", top, "first", "later"],
                     output=os.devnull).nbytes
    os.remove(archive)
    return nbytes


def main():
    parser = argparse.ArgumentParser(prog="bench/memory", description=__doc__.splitlines()[0])
    parser.add_argument("inodes", type=int, nargs="?", default=100_000, help="how many (100000)")
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", default=list(COMMANDS),
                        help="some of: " + ", ".join(COMMANDS))
    args = parser.parse_args()
    if unknown := set(args.programs) - set(COMMANDS):
        parser.error("no such program: " + ", ".join(sorted(unknown)))

    scratch = os.environ.get("TMPDIR", "/var/tmp")
    with tempfile.TemporaryDirectory(prefix="tarn-bench.", dir=scratch) as work:
        few, many = os.path.join(work, "few"), os.path.join(work, "many")
        archive = os.path.join(work, "archive.tar")
        make_pairs(few, 1)
        make_pairs(many, args.inodes)
        print("%d inodes with two names each; an inode's share is what it takes beyond one inode" %
              args.inodes)
        print()
        print(ROW % ("create", "peak MB", "bytes per inode"))
        for program in args.programs:
            before, nbytes = (peak(COMMANDS[program], tree, archive) for tree in (few, many))
            share = (nbytes - before) / args.inodes
            print(ROW % (program, "%.1f" % (nbytes / 1e6), "%.0f" % share), flush=True)


if __name__ == "__main__":
    # Ended from outside, it still removes what it made.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except (OSError, Failed) as error:
        sys.exit("bench: %s" % error)
