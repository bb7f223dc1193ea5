"""Where the programs put what they make: empty each time."""

import os
import subprocess


def said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Directory:
    """Of a file system that is there."""

    def __init__(self, path):
        self.path = path

    def renew(self):
        self.remove()
        os.mkdir(self.path)

    def remove(self):
        subprocess.run(["rm", "-rf", self.path], check=True)


class With(Directory):
    """One that has a copy of a file."""

    def __init__(self, path, file):
        super().__init__(path)
        self.file = file

    def renew(self):
        super().renew()
        subprocess.run(["cp", self.file, self.path], check=True)


class Ext4:
    """A file system of its own, in an image beside the directory that it is mounted on.

    For some minutes ext4 does not reuse the inodes of removed files, and searches long for others:
    what a program takes would depend on what was removed before it.  A new file system has no past.
    """

    IMAGE_NBYTES = 8 << 30      # sparse

    def __init__(self, path):
        self.path = path
        self.image = path + ".img"
        os.mkdir(path)

    def renew(self):
        self.remove()
        with open(self.image, "wb") as image:
            image.truncate(self.IMAGE_NBYTES)
        # What is not done now the kernel does later, beside the programs.
        said("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.image)
        said("mount", "-o", "loop", self.image, self.path)
        os.rmdir(os.path.join(self.path, "lost+found"))

    def remove(self):
        if os.path.ismount(self.path):
            said("umount", self.path)
            os.remove(self.image)
