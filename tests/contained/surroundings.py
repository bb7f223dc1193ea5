"""What stands around a destination, and whether it is still the same.

A judge that knows nothing of tarn: it looks at everything outside of the destination before and
after, at content, inode, type, mode, owner, size, times (also that of the last change, which nobody
can set), extended attributes and link counts; and at what came into the destination.
"""

import hashlib
import os
import stat

# Content that is only found outside; what has it inside was read there.
SECRET = b"what nobody inside may see\n"
DESTINATION = "around/destination"
# In the destination from the start: another name of a file that is outside.
SHARED = "old-name"


def write(path, content, mode=0o644):
    with open(path, "wb") as stream:
        stream.write(content)
    os.chmod(path, mode)


def prepare(top):
    """Make the surroundings in the empty directory ${top}."""
    around = os.path.join(top, "around")
    inside = os.path.join(top, DESTINATION)
    for directory in (around, around + "/dir", inside, inside + "/old-dir"):
        os.mkdir(directory, 0o755)
    os.mkdir(around + "/private", 0o700)
    write(around + "/secret", SECRET, 0o640)
    write(around + "/dir/inner", SECRET)
    write(around + "/private/inner", SECRET, 0o600)
    write(around + "/program", b"#!/bin/sh\n" + SECRET, 0o755)
    write(around + "/twin", SECRET)
    # Members are called so: what is looked for from the wrong directory is found here.
    for name in ("a", "b", "f", "s", "t", "x", "first", "old-file"):
        write(os.path.join(around, name), SECRET)
    os.symlink("secret", around + "/link")
    os.symlink("dir", around + "/dirlink")
    os.mkfifo(around + "/fifo")
    try:
        os.setxattr(around + "/secret", "user.tag", b"outside")
    except OSError:
        pass
    write(inside + "/old-file", b"old\n")
    write(inside + "/old-dir/old", b"old\n")
    os.symlink("../secret", inside + "/old-link")
    os.symlink("../dir", inside + "/old-dirlink")
    os.mkfifo(inside + "/old-fifo")
    os.link(around + "/twin", os.path.join(inside, SHARED))
    for path in walk(around, None):
        os.utime(path, (1200000000, 1200000000), follow_symlinks=False)


def walk(directory, without):
    """All paths from ${directory} on, not those below ${without}.  Deep trees are no trouble."""
    pending = [directory]
    while pending:
        path = pending.pop()
        yield path
        if path != without and stat.S_ISDIR(os.lstat(path).st_mode):
            pending += [os.path.join(path, name) for name in os.listdir(path)]


def look(path):
    st = os.lstat(path)
    seen = {"inode": (st.st_dev, st.st_ino), "type": stat.S_IFMT(st.st_mode),
            "mode": stat.S_IMODE(st.st_mode), "owner": (st.st_uid, st.st_gid),
            "size": st.st_size, "mtime": st.st_mtime_ns, "ctime": st.st_ctime_ns,
            "links": st.st_nlink}
    seen["xattrs"] = {name: os.getxattr(path, name, follow_symlinks=False)
                      for name in os.listxattr(path, follow_symlinks=False)}
    if stat.S_ISLNK(st.st_mode):
        seen["content"] = os.readlink(path)
    elif stat.S_ISREG(st.st_mode):
        with open(path, "rb") as stream:
            seen["content"] = hashlib.sha256(stream.read()).hexdigest()
    return seen


def snapshot(top):
    inside = os.path.join(top, DESTINATION)
    seen = {path: look(path) for path in walk(top, inside)}
    # What happens to the destination's own mode and times is the archive's business.
    seen[inside] = {key: seen[inside][key] for key in ("inode", "type")}
    return seen


def changes(top, before):
    """What is not as ${before}: lines."""
    after = snapshot(top)
    inside = os.path.join(top, DESTINATION)
    shared_is_gone = not (os.path.lexists(os.path.join(inside, SHARED)) and
                          os.lstat(os.path.join(inside, SHARED)).st_ino ==
                          os.lstat(os.path.join(top, "around/twin")).st_ino)
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old is None or new is None:
            yield "%s %s" % (path, "was made" if old is None else "is gone")
            continue
        for key, value in old.items():
            # The name inside may be taken away, and that is a change of the inode.
            if path.endswith("/twin") and shared_is_gone and key in ("ctime", "links"):
                continue
            if new[key] != value:
                yield "%s: %s was %s, is %s" % (path, key, value, new[key])


def intruders(top, before):
    """What is inside and should not be: lines."""
    outside = {seen["inode"] for path, seen in before.items()}
    inside = os.path.join(top, DESTINATION)
    for fd, name, path in walk_deep(inside):
        st = os.lstat(name, dir_fd=fd)
        inode = (st.st_dev, st.st_ino)
        if inode in outside and path != SHARED:
            yield "%s is a file from outside" % path[:200]
        elif stat.S_ISREG(st.st_mode) and inode not in outside and st.st_size < 1 << 20:
            if SECRET in read_at(fd, name):
                yield "%s holds what was outside" % path[:200]


def walk_deep(directory):
    """(descriptor, name, path) of all below ${directory}, however long the paths get."""
    pending = [(os.open(directory, os.O_RDONLY | os.O_DIRECTORY), "")]
    while pending:
        fd, path = pending.pop()
        for name in os.listdir(fd):
            yield fd, name, path + name
            if stat.S_ISDIR(os.lstat(name, dir_fd=fd).st_mode):
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
                try:
                    pending.append((os.open(name, flags, dir_fd=fd), path + name + "/"))
                except PermissionError:
                    pass
        os.close(fd)


def read_at(fd, name):
    try:
        with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=fd),
                  "rb") as stream:
            return stream.read()
    except PermissionError:
        return b""
