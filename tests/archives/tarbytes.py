"""The bytes of tar archives, right or wrong, field by field.

Whatever a header field gets as bytes is put there as it is; numbers become octal digits.  Nothing is
checked, and the checksum is right unless one is given.
"""

import gzip
import io
import lzma

BLOCK = 512
END = bytes(2 * BLOCK)

FIELDS = (("name", 100), ("mode", 8), ("uid", 8), ("gid", 8), ("size", 12), ("mtime", 12),
          ("checksum", 8), ("type", 1), ("link", 100), ("magic", 8), ("uname", 32), ("gname", 32),
          ("devmajor", 8), ("devminor", 8), ("prefix", 155))
DEFAULTS = {"name": b"", "mode": 0o644, "uid": 0, "gid": 0, "size": 0, "mtime": 1000000000,
            "checksum": b" " * 8, "type": b"0", "link": b"", "magic": b"ustar\00000", "uname": b"",
            "gname": b"", "devmajor": 0, "devminor": 0, "prefix": b""}
GNU_MAGIC = b"ustar  \0"


def field(value, nbytes):
    if isinstance(value, int):
        value = b"%0*o\0" % (nbytes - 1, value)
    assert len(value) <= nbytes, value
    return value.ljust(nbytes, b"\0")


def header(name, **values):
    """One block; `checksum' may be given like any other field."""
    values = {**DEFAULTS, "name": name, **values}
    block = b"".join(field(values[key], nbytes) for key, nbytes in FIELDS)
    block += values.get("rest", b"")
    block = block.ljust(BLOCK, b"\0")
    if "checksum" not in values or values["checksum"] == b" " * 8:
        block = block[:148] + b"%06o\0 " % sum(block) + block[156:]
    return block


def padded(content):
    return content + bytes(-len(content) % BLOCK)


def member(name, content=b"", **values):
    return header(name, **{"size": len(content), **values}) + padded(content)


def directory(name, **values):
    return member(name, type=b"5", **{"mode": 0o755, **values})


def symlink(name, target, **values):
    return member(name, type=b"2", link=target, **{"mode": 0o777, **values})


def hardlink(name, first, content=b"", **values):
    return member(name, content, type=b"1", link=first, **values)


def record(key, value):
    """One pax record, whose length counts itself."""
    text = b" " + key + b"=" + value + b"\n"
    nbytes = len(text) + 1
    while len(b"%d" % nbytes) + len(text) != nbytes:
        nbytes += 1
    return b"%d" % nbytes + text


def pax(records, kind=b"x", **values):
    """An extended header; ${records} is a dictionary, or raw bytes."""
    if isinstance(records, dict):
        records = b"".join(record(key, value) for key, value in records.items())
    return member(b"pax", records, type=kind, **values)


def long_name(name, **values):
    return member(b"././@LongLink", name + b"\0", type=b"L", magic=GNU_MAGIC, **values)


def long_link(name, **values):
    return member(b"././@LongLink", name + b"\0", type=b"K", magic=GNU_MAGIC, **values)


def base256(number, nbytes):
    """GNU's notation of numbers that have too many digits, negative ones among them."""
    value = (number & ((1 << (8 * nbytes)) - 1)).to_bytes(nbytes, "big")
    return bytes([value[0] | 0x80]) + value[1:]


def newc(name, content=b"", ino=1, mode=0o100644, nlink=1, namesize=None, filesize=None):
    """A member of a cpio archive."""
    name += b"\0"
    numbers = (ino, mode, 0, 0, nlink, 1000000000,
               len(content) if filesize is None else filesize, 0, 0, 0, 0,
               len(name) if namesize is None else namesize, 0)
    data = b"070701" + b"".join(b"%08X" % (number & 0xffffffff) for number in numbers) + name
    data += bytes(-len(data) % 4) + content
    return data + bytes(-len(data) % 4)


def gzipped(data, level=9):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=level, mtime=0) as stream:
        stream.write(data)
    return out.getvalue()


def xzipped(data):
    return lzma.compress(data, preset=1)
