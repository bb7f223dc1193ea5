"""What each program is told, so that all keep the same: owners, modes, times, and which names are one
inode; neither extended attributes nor ACLs.

Each function returns a dictionary: program -> the commands of its pipeline, for the programs that
are installed.
"""

import os
import shutil

TARN = os.path.abspath(os.environ["TARN"])
# tarn, told otherwise.  Who leaves -p out does not trust the archive: the kernel has to watch.
ONE_THREAD, WITHOUT_P = "one thread", "without -p"
OURS = ("tarn", ONE_THREAD, WITHOUT_P)
BSDTAR = ["bsdtar", "--no-xattrs", "--no-acls", "--no-fflags"]
GNU_CREATE = ["tar", "--format=posix", "--pax-option=delete=atime,delete=ctime"]
CPIO = ["cpio", "--quiet"]
SQUASHFS_LEVEL = ["-comp", "zstd", "-Xcompression-level", "3"]     # zstd's own default

# All cores for all.  The suffix says what the others are told to do.
TARN_OPTIONS = {".tar": ["-S"], ".tar.zst": ["-S", "--zstd"], ".tar.xz": ["-S", "--xz"],
                ".cpio": ["--format=cpio"]}
GNU_FILTER = {".tar": [], ".tar.zst": ["-I", "zstd -T0"], ".tar.xz": ["-I", "xz -T0"]}
BSDTAR_FILTER = {".tar": [], ".tar.zst": ["--zstd", "--options=zstd:threads=0"],
                 ".tar.xz": ["--xz", "--options=xz:threads=0"]}

# Their formats have whole seconds, or they leave some times alone.
WITHOUT_TIMES = ("pax", "cpio", "mksquashfs", "unsquashfs")
# What makes a tar of an archive, or a tree of one that is no tar: for the judge.
DECODERS = {".tar.zst": "zstd", ".tar.xz": "xz"}
READERS = {"pax": ["bsdtar", "-xpf"], "cpio": ["bsdtar", "-xpf"]}


def installed(commands):
    return {program: pipeline for program, pipeline in commands.items()
            if program in OURS or shutil.which(program)}


def at(directory, *command):
    """For programs that have no -C."""
    return ["env", "-C", directory, *command]


def names_of(tree):
    return at(tree.path, "find", ".", "-print0")


def create(suffix, archive, tree):
    what = ["-cf", archive, "-C", tree.path, "."]
    commands = {
        "tarn": [[TARN, *TARN_OPTIONS[suffix], *what]],
        ONE_THREAD: [[TARN, "--threads=1", *TARN_OPTIONS[suffix], *what]],
        "tar": [[*GNU_CREATE, "-S", *GNU_FILTER[suffix], *what]],
        "bsdtar": [[*BSDTAR, "--format=pax", *BSDTAR_FILTER[suffix], *what]],
    }
    if suffix == ".tar":
        # Ustar has no room for long targets, so that these two write newc.
        commands["pax"] = [at(tree.path, "pax", "-w", "-x", "sv4cpio", "-f", archive, ".")]
        commands["cpio"] = [names_of(tree),
                            at(tree.path, *CPIO, "-0", "-o", "-H", "newc", "-O", archive)]
    elif suffix == ".tar.zst":
        commands["mksquashfs"] = [["mksquashfs", tree.path, archive, "-quiet", "-no-progress",
                                   "-no-xattrs", *SQUASHFS_LEVEL]]
    elif suffix == ".tar.xz":
        commands["pixz"] = [[*GNU_CREATE, "-S", "-I", "pixz", *what]]
    return installed(commands)


def list(suffix, archive):
    what = ["-tf", archive(suffix)]
    commands = {
        "tarn": [[TARN, *what]],
        "tar": [["tar", *GNU_FILTER[suffix], *what]],
        "bsdtar": [["bsdtar", *what]],
    }
    if suffix == ".tar":
        commands["pax"] = [["pax", "-f", archive(".cpio")]]
        commands["cpio"] = [[*CPIO, "-t", "-I", archive(".cpio")]]
    elif suffix == ".tar.zst" and shutil.which("unsquashfs"):
        commands["unsquashfs"] = [["unsquashfs", "-l", archive(".sqfs")]]
    return installed(commands)


def extract(suffix, archive, place):
    """${archive} says where the archive of a suffix is, and makes it if need be."""
    what = ["-xpf", archive(suffix), "-C", place]
    commands = {
        "tarn": [[TARN, *what]],
        ONE_THREAD: [[TARN, "--threads=1", *what]],
        WITHOUT_P: [[TARN, "-xf", archive(suffix), "-C", place]],
        "tar": [["tar", *GNU_FILTER[suffix], *what]],
        "bsdtar": [[*BSDTAR, *what]],
    }
    if suffix == ".tar":
        commands["pax"] = [at(place, "pax", "-r", "-p", "e", "-f", archive(".cpio"))]
        commands["cpio"] = [at(place, *CPIO, "-i", "-d", "-m", "--sparse", "-I", archive(".cpio"))]
    elif suffix == ".tar.zst" and shutil.which("unsquashfs"):
        commands["unsquashfs"] = [["unsquashfs", "-quiet", "-no-progress", "-no-xattrs",
                                   "-f", "-d", place, archive(".sqfs")]]
    return installed(commands)


def migrate(tree, place):
    write = ["-cf", "-", "-C", tree.path, "."]
    read = ["-xpf", "-", "-C", place]
    return installed({
        "tarn": [[TARN, "-S", *write], [TARN, *read]],
        "tar": [[*GNU_CREATE, "-S", *write], ["tar", *read]],
        "bsdtar": [[*BSDTAR, "--format=pax", *write], [*BSDTAR, *read]],
        "pax": [at(tree.path, "pax", "-r", "-w", "-p", "e", ".", place)],
        "cpio": [names_of(tree),
                 at(tree.path, *CPIO, "-0", "-p", "-d", "-m", "--sparse", place)],
        "cp": [["cp", "-a", tree.path + "/.", place]],
        "rsync": [["rsync", "-aHS", tree.path + "/", place]],
    })
