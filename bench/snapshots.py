"""A tree of daily backup snapshots, as rsync --link-dest makes them.

Each snapshot has all files; what did not change since the day before is one more name of the same
inode.  The same arguments make the same tree: names, bytes, modes and times.
"""

import itertools
import os
import random

NDAYS = 21
FILES_PER_DIRECTORY = 7
DEEPEST = 9
SYMLINKS = 0.03

# What becomes of a file from one day to the next.
CHANGED = 0.008
REMOVED = 0.001
ADDED = 0.001

# Log-normal: half of the files are smaller than the median, the mean is five times it.
MEDIAN_NBYTES = 2000
SIGMA = 1.8
LARGEST_NBYTES = 8 << 20

NOISE = 0.25        # of the files do not compress
POOL_NBYTES = 16 << 20
NWORDS = 5000
FIRST_DAY = 1_700_000_000
DAY = 86400


class Content:
    """Bytes of files: pieces of a pool of text, or of one of noise."""

    def __init__(self, rng, words):
        self.rng = rng
        weights = list(itertools.accumulate(1 / (n + 1) for n in range(len(words))))
        text, nbytes = [], 0
        while nbytes < POOL_NBYTES:
            line = " ".join(rng.choices(words, cum_weights=weights, k=10_000)).encode()
            text.append(line)
            nbytes += len(line) + 1
        self.text = b"\n".join(text)
        self.noise = rng.randbytes(POOL_NBYTES)

    def piece(self):
        nbytes = min(int(self.rng.lognormvariate(0, SIGMA) * MEDIAN_NBYTES), LARGEST_NBYTES)
        pool = self.noise if self.rng.random() < NOISE else self.text
        offset = self.rng.randrange(POOL_NBYTES - nbytes)
        return pool[offset:offset + nbytes]


class Snapshots:
    """The files as they are today, and the snapshots of the days until now."""

    def __init__(self, top, nfiles):
        self.rng = random.Random(nfiles)
        self.top = top
        self.words = ["".join(self.rng.choices("etaoinshrdlucmfwygpbvk", k=self.rng.randint(2, 12)))
                      for _ in range(NWORDS)]
        self.content = Content(self.rng, self.words)
        self.directories = self.make_directories(max(1, nfiles // FILES_PER_DIRECTORY))
        # A few directories have most of the files.
        self.weights = list(itertools.accumulate(self.rng.lognormvariate(0, 1.2)
                                                 for _ in self.directories))
        self.serial = itertools.count()
        self.files = [self.new_name() for _ in range(nfiles)]

    def make_directories(self, ndirectories):
        directories = [""]
        for n in range(ndirectories):
            parent = self.rng.choice(directories)
            if parent.count("/") >= DEEPEST:
                parent = ""
            directories.append("%s%s%d/" % (parent, self.rng.choice(self.words), n))
        return directories

    def new_name(self):
        directory = self.rng.choices(self.directories, cum_weights=self.weights)[0]
        return "%s%s_%d%s" % (directory, self.rng.choice(self.words), next(self.serial),
                              self.rng.choice([".txt", ".c", ".html", ".jpg", ".py", ""]))

    def write(self, path, day):
        """A new inode."""
        when = (FIRST_DAY + day * DAY) * 10**9 - self.rng.randrange(DAY * 10**9)
        if self.rng.random() < SYMLINKS:
            # To a neighbour, as most are.  Behind a target with .. GNU tar searches a list for each
            # later name, and would take minutes, and other programs none of them.
            os.symlink(self.rng.choice(self.words), path)
        else:
            with open(path, "wb") as file:
                file.write(self.content.piece())
            os.chmod(path, self.rng.choice([0o644, 0o644, 0o644, 0o755, 0o600]))
        os.utime(path, ns=(when, when), follow_symlinks=False)

    def take(self, day):
        """The snapshot of a day."""
        snapshot = "%s/day.%02d/" % (self.top, day)
        before = "%s/day.%02d/" % (self.top, day - 1)
        for directory in self.directories:
            os.mkdir(snapshot + directory)
        fresh = self.live() if day else set(self.files)
        for name in self.files:
            if name in fresh:
                self.write(snapshot + name, day)
            else:
                os.link(before + name, snapshot + name, follow_symlinks=False)
        for directory in self.directories:
            os.utime(snapshot + directory, (FIRST_DAY, FIRST_DAY + day * DAY))

    def live(self):
        """One day's work.  Returns the names that are new inodes after it."""
        nfiles = len(self.files)
        removed = set(self.rng.sample(range(nfiles), int(nfiles * REMOVED)))
        self.files = [name for n, name in enumerate(self.files) if n not in removed]
        changed = self.rng.sample(self.files, int(nfiles * CHANGED))
        added = [self.new_name() for _ in range(int(nfiles * ADDED))]
        self.files += added
        return {*changed, *added}


def make_snapshots(top, nfiles):
    """NDAYS snapshots of about ${nfiles} files below the directory ${top}, which is made."""
    os.mkdir(top)
    snapshots = Snapshots(top, nfiles)
    for day in range(NDAYS):
        snapshots.take(day)
    os.utime(top, (FIRST_DAY, FIRST_DAY))
