"""Metadata that gives more than a stranger may give."""

import struct

from corpus import archive
from tarbytes import directory, hardlink, member, pax, symlink

EVIL = b"evil\n"
ALL = ("--xattrs", "--acls")


@archive(status=0, kept={"s": EVIL, "d": None})
def set_id_bits_need_p(_around):
    """A shell that runs as root."""
    return (member(b"s", EVIL, mode=0o6755) + directory(b"d", mode=0o2755) +
            directory(b"old-dir", mode=0o6777))


@archive(status=0, absent=("disk", "null"))
def devices_need_p(_around):
    """A name for the disk that anybody may read."""
    return (member(b"disk", type=b"4", devmajor=8, devminor=0, mode=0o666) +
            member(b"null", type=b"3", devmajor=1, devminor=3, mode=0o666) +
            hardlink(b"disk-again", b"disk"))


@archive(status=0, options=ALL)
def attributes_of_the_system_need_p(_around):
    """Capabilities, labels and what overlayfs trusts."""
    capability = struct.pack("<IIIII", 0x02000001, 0xffffffff, 0, 0xffffffff, 0)
    return (pax({b"SCHILY.xattr.security.capability": capability,
                 b"SCHILY.xattr.security.selinux": b"system_u:object_r:root_t:s0\0",
                 b"SCHILY.xattr.security.ima": b"\1" * 21,
                 b"SCHILY.xattr.trusted.overlay.opaque": b"y",
                 b"SCHILY.xattr.user.harmless": b"yes"}) + member(b"x", EVIL) +
            pax({b"SCHILY.xattr.trusted.overlay.redirect": b"../secret",
                 b"SCHILY.xattr.trusted.overlay.opaque": b"y"}) + directory(b"d"))


@archive(status=(0, 2), options=ALL)
def attributes_with_impossible_names_are_survived(_around):
    """Names that are empty, huge, without a namespace, or with a NUL in them."""
    names = (b"", b".", b"user.", b"user", b"user." + b"n" * 300, b"system.posix_acl_access",
             b"system.x", b"btrfs.compression", b"user.a\0b", b"USER.x", b"user.%00%2f")
    return b"".join(pax({b"SCHILY.xattr." + name: b"v"}) + member(b"x%d" % i, EVIL)
                    for i, name in enumerate(names))


@archive(status=(0, 2), options=ALL)
def attributes_that_are_too_large_are_survived(_around):
    """A value of a megabyte, a thousand names."""
    many = {b"LIBARCHIVE.xattr.user.n%d" % i: b"AAAA" for i in range(1000)}
    return (pax({b"SCHILY.xattr.user.large": b"v" * 1000000}) + member(b"x", EVIL) +
            pax(many) + member(b"y", EVIL))


@archive(status=(0, 2), options=ALL)
def acls_that_are_none_are_survived(_around):
    """Text that is no ACL, names nobody, or never ends."""
    texts = (b"", b"x", b"user::rwx", b"user::rwx,group::rwx,other::rwx,mask::rwx,user:0:rwx",
             b"user:" + b"u" * 5000 + b":rwx", b"user:99999999999:rwx:99999999999999", b",,,,",
             b"default:user::rwx", b"user::rwx\n" * 500, b"mask::---", b"user:nobody:rwx")
    return b"".join(pax({b"SCHILY.acl.access": text, b"SCHILY.acl.default": text}) +
                    directory(b"a%d" % i) for i, text in enumerate(texts))


@archive(status=0, options=ALL)
def acls_stay_at_their_member(_around):
    """The ACL of a link is given to what it leads to."""
    acl = {b"SCHILY.acl.access": b"user::rwx,user:12345:rwx,group::rwx,mask::rwx,other::rwx"}
    return pax(acl) + symlink(b"s", b"../secret") + pax(acl) + symlink(b"t", b"../private")


@archive(status=(0, 2), options=ALL)
def attributes_stay_at_their_member(_around):
    """The attributes of a link or a fifo are given to what it leads to."""
    attributes = {b"SCHILY.xattr.user.tag": b"evil"}
    return (pax(attributes) + symlink(b"s", b"../secret") + pax(attributes) +
            symlink(b"old-link", b"../secret") + pax(attributes) + member(b"f", type=b"6"))


@archive(status=0)
def metadata_of_a_link_member_is_not_given(_around):
    """A link member gives its mode, owner or times to the file that it is a name of."""
    return (member(b"a", EVIL, mode=0o600) +
            hardlink(b"b", b"a", mode=0o6777, mtime=1, uid=12345, gid=12345))


@archive(status=2)
def metadata_is_not_given_to_what_a_link_member_misses(_around):
    """Mode and times go to the file outside, though the link to it failed."""
    return hardlink(b"b", b"../secret", mode=0o777, mtime=1)


@archive(status=0, kept={"locked/in": EVIL})
def directory_without_permissions_is_filled_first(_around):
    """A directory that nobody may enter, then a member in it."""
    return directory(b"locked", mode=0) + member(b"locked/in", EVIL)


@archive(status=(0, 2))
def owners_by_name_are_looked_up_and_nothing_else(_around):
    """A name is taken for a number, a path, or a format."""
    names = (b"root", b"0", b"%s%n", b"../../etc/passwd", b"-1", b"\xff" * 32)
    return b"".join(member(b"o%d" % i, EVIL, uname=name, gname=name)
                    for i, name in enumerate(names))
