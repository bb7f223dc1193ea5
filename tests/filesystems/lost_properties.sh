#!/bin/bash
# What a file system has no place for is counted; what is forbidden is a failure.

. "$(dirname "$0")/../lib.sh"

make_tree() {
	mkdir -p tree/d
	printf one >tree/one
	printf two >tree/d/two
	chown 1234:5678 tree/one tree/d/two
	chmod 640 tree/one tree/d/two
	touch -d '2001-02-03 04:05:06' tree/one tree/d/two
}

# on_disk: all that has a place comes back, and the exit status is 0.
on_disk() {
	make_tree
	setfattr -n user.comment -v text tree/one
	setfacl -m u:7:rwx tree/d/two
	tarn -cf a.tar --xattrs --acls tree
	expect_status 0 tarn -xpf a.tar --xattrs --acls -C disk
	# First: fusefat forgets the time of a file that was renamed when it is read.
	expect_equal "$(stat -c %Y disk/tree/one disk/tree/d/two)" "$(stat -c %Y tree/one tree/d/two)"
	same_tree tree disk/tree --ignore mode,owner,mtime,xattrs
	expect_stderr_has 'files lost their owners (the file system has none, or not these)'
	expect_stderr_has 'tarn: 1 extended attribute was lost (the file system has none)'
	expect_stderr_has 'tarn: 1 ACL was lost (the file system has none)'
}

test_fat_loses_owners_attributes_and_acls_without_a_failure() {
	mount_fat disk 64M
	on_disk
}

test_exfat_loses_owners_attributes_and_acls_without_a_failure() {
	mount_exfat disk 64M
	on_disk
}

# exFAT counts UTF-16, where others count bytes.
test_name_of_more_than_255_bytes_comes_back_where_it_has_a_place() {
	local name

	mkdir out
	mount_exfat disk 64M
	name=$(printf '\u5b57%.0s' {1..250})
	mkdir disk/d
	printf text >"disk/d/$name"
	expect_status 0 tarn -cf a.tar -C disk d
	expect_equal "$(tarn -xOf a.tar)" text
	expect_equal "$(tar -tf a.tar --quoting-style=literal | sed -n 2p)" "d/$name"
	rm -r disk/d
	expect_status 0 tarn -xf a.tar -C disk
	expect_equal "$(cat "disk/d/$name")" text
	expect_status 2 tarn -xf a.tar -C out
	expect_stderr_has "d/$name: Cannot open: File name too long"
}

# forbidding: what has a name that is forbidden there is counted, and nothing is left half made.
forbidding() {
	mkdir -p tree/d:d
	for name in 'a:b' 'a*b' 'x?y' 'q"q' 'l<l' 'p|p' 'b\b' d:d/f plain; do
		printf x >"tree/$name"
	done
	ln tree/plain tree/h:h
	mkfifo tree/fifo
	tarn -cf a.tar tree
	expect_status 2 tarn -xf a.tar -C disk --report=report
	expect_stderr_has 'tarn: 10 names are missing (the file system forbids them)'
	expect_stderr_has 'tarn: 1 fifo or device is missing (the file system has none)'
	expect_equal "$(ls disk/tree)" plain
	expect_equal "$(grep -c '"lost-name","name"' report)" 10
}

test_names_that_a_mount_point_forbids_are_counted() {
	mount_fat out/mnt 16M
	mkdir -p tree/mnt/d/a:b
	printf x >tree/mnt/d/a:b/f
	tarn -cf a.tar -C tree mnt/d/a:b/f
	expect_status 2 tarn -xf a.tar -C out
	expect_stderr_has 'tarn: 1 name is missing (the file system forbids it)'
}

test_names_that_fat_forbids_are_counted() {
	mount_fat disk 64M
	forbidding
}

test_names_that_exfat_forbids_are_counted() {
	mount_exfat disk 64M
	forbidding
}

# without CAPABILITY COMMAND…: root that lacks it, as in a container.
without() {
	setpriv --bounding-set="-$1" --inh-caps="-$1" "${@:2}"
}

# Whose attributes of users only they get who may write the file: to have it open is not enough.
test_attributes_come_back_to_who_has_no_privileges() {
	need_root
	mkdir tree copies links
	printf x >tree/file
	: >tree/empty
	ln tree/file tree/later
	setfattr -n user.comment -v hello tree/file || skip 'no extended attributes here'
	setfattr -n user.comment -v hello tree/empty
	chmod 444 tree/*
	tarn -c --xattrs -f a.tar tree
	without dac_override "$TARN" -x --xattrs -f a.tar -C links
	same_tree tree links/tree
	without dac_override "$TARN" -x --xattrs --links=copy -f a.tar -C copies
	same_tree tree copies/tree --ignore links
}

test_root_that_may_not_change_owners_fails() {
	need_root
	make_tree
	tarn -cf a.tar tree
	mkdir out
	expect_status 2 without chown "$TARN" -xf a.tar -C out
	expect_stderr_has 'tarn: tree/one: Cannot change ownership to uid 1234, gid 5678: Operation not permitted'
	same_tree tree out/tree --ignore owner
}

test_directory_that_may_not_be_changed_is_a_failure() {
	need_root
	mount_ext4 out 16M
	make_tree
	tarn -cf a.tar tree
	tarn -xf a.tar -C out
	chmod 700 out/tree/d
	chattr +a out/tree/d
	expect_status 2 tarn -xf a.tar -C out tree/d --no-recursion
	expect_stderr_has 'tarn: tree/d: Cannot change mode to 0755: Operation not permitted'
}

# refused COMMAND…: it fails, but nothing is put down to what the file system lacks.
refused() {
	expect_status 2 "$@"
	if grep -e 'the file system' "$ERR"; then
		return 1
	fi
}

test_devices_that_the_user_may_not_make_are_failures() {
	need_root
	mkdir tree out
	mknod tree/zero c 1 5 || skip 'cannot make devices'
	tarn -cf a.tar -C tree zero
	refused without mknod "$TARN" -xpf a.tar -C out
	expect_stderr_has 'tarn: zero: Cannot mknod: Operation not permitted'
}

test_what_an_immutable_directory_refuses_is_a_failure() {
	mount_ext4 out 16M
	mkdir -p 'tree/i/p:q' out/i
	ln -s a tree/i/symlink
	mkfifo tree/i/fifo
	printf x >'tree/i/a:b'
	printf x >'tree/i/p:q/file'
	tarn -cf a.tar -C tree i
	chattr +i out/i
	refused "$TARN" -xf a.tar -C out
	chattr -i out/i
	expect_stderr_has "tarn: i/symlink: Cannot create symlink: Operation not permitted"
	expect_stderr_has 'tarn: i/fifo: Cannot mkfifo: Operation not permitted'
	expect_stderr_has 'tarn: i/a:b: Cannot open: Operation not permitted'
	expect_stderr_has 'tarn: i/p:q: Cannot mkdir: Operation not permitted'
	expect_stderr_has 'tarn: i/p:q/file: Cannot open parent directory: Operation not permitted'
}

run_tests
