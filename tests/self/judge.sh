#!/bin/bash
#
# The judge itself: trees that differ in one aspect only must not be taken for the same.

. "$(dirname "$0")/../lib.sh"

# A tree with something of everything that needs no root, and an exact copy made by cp.
make_trees() {
	mkdir -p a/d/e
	echo one >a/file
	ln a/file a/d/other
	echo two >a/d/e/file
	ln a/d/e/file a/d/e/other
	ln -s file a/symlink
	mkfifo a/fifo
	cp -a a b
}

# The judge finds a difference that it calls $1, and none when told to ignore that.
expect_difference() {
	expect_status 1 same_tree a b
	if ! grep -q "^$1" "$OUT"; then
		printf 'not reported: %s\n' "$1"
		cat "$OUT"
		return 1
	fi
	expect_status 0 same_tree a b --ignore "$2"
}

test_exact_copy_is_the_same() {
	make_trees
	expect_status 0 same_tree a b
	expect_equal "$(cat "$OUT")" ''
}

test_missing_name_is_reported() {
	make_trees
	rm b/fifo
	touch -r a b
	expect_difference 'only on the left: fifo' names
}

test_additional_name_is_reported() {
	make_trees
	mkfifo b/more
	touch -r a b
	expect_difference 'only on the right: more' names
}

test_name_that_is_not_utf8_is_reported() {
	make_trees
	touch b/$'\xff'
	touch -r a b
	expect_difference 'only on the right: ' names
}

test_other_type_is_reported() {
	make_trees
	rm b/fifo
	ln -s x b/fifo
	touch -h -r a/fifo b/fifo
	touch -r a b
	expect_difference 'type of fifo' type
}

test_other_content_of_the_same_size_is_reported() {
	make_trees
	printf 'onE\n' >b/file
	touch -r a/file b/file
	expect_difference 'content of file' content
}

test_other_mode_is_reported() {
	make_trees
	chmod 4755 b/file
	expect_difference 'mode of file' mode
}

test_other_owner_is_reported() {
	need_root
	make_trees
	chown 1234 b/fifo
	expect_difference 'owner of fifo' owner
}

test_other_group_of_a_symlink_is_reported() {
	need_root
	make_trees
	chgrp -h 1234 b/symlink
	expect_difference 'owner of symlink' owner
}

test_one_nanosecond_is_reported() {
	make_trees
	touch -d '2020-01-01 00:00:00.000000001' a/file
	touch -d '2020-01-01 00:00:00.000000002' b/file
	expect_difference 'mtime of file' mtime
}

test_time_of_a_directory_is_reported() {
	make_trees
	touch b/d/e
	expect_difference 'mtime of d/e' mtime
}

test_time_of_a_symlink_is_reported() {
	make_trees
	touch -h b/symlink
	expect_difference 'mtime of symlink' mtime
}

test_other_symlink_target_is_reported() {
	make_trees
	ln -sfn elif b/symlink
	touch -h -r a/symlink b/symlink
	touch -r a b
	expect_difference 'target of symlink' target
}

test_other_device_number_is_reported() {
	need_root
	make_trees
	mknod a/null c 1 3
	mknod b/null c 1 5
	touch -r a/null b/null
	touch -r a b
	expect_difference 'rdev of null' rdev
}

test_other_xattr_is_reported() {
	make_trees
	setfattr -n user.comment -v x b/file
	expect_difference 'xattrs of file' xattrs
}

test_acl_is_reported() {
	make_trees
	setfacl -m u:1234:r b/file
	chmod 640 a/file
	setfacl -m u:1235:r a/file
	chmod 640 a/file b/file
	expect_difference 'xattrs of file' xattrs
}

test_default_acl_of_a_directory_is_reported() {
	make_trees
	setfacl -d -m u:1234:r b/d
	expect_difference 'xattrs of d' xattrs
}

test_broken_link_is_reported() {
	make_trees
	cp -a b/file b/new
	mv b/new b/file
	touch -r a b
	expect_difference 'links of d/other' links
}

test_link_too_many_is_reported() {
	make_trees
	echo one >a/twin
	touch -r a/file a/twin
	ln b/file b/twin
	touch -r a b
	expect_difference 'links of ' links
}

test_names_that_changed_partners_are_reported() {
	mkdir -p a b
	for tree in a b; do
		touch -d @0 "$tree/1" "$tree/2"
	done
	ln a/1 a/3 && ln a/2 a/4
	ln b/1 b/4 && ln b/2 b/3
	touch -r a b
	expect_difference 'links of 1: 1 = 3, but 1 = 4' links
}

test_difference_of_the_root_is_reported() {
	make_trees
	chmod 700 b
	expect_difference 'mode of \.' root
}

test_filled_hole_is_reported_when_asked() {
	make_trees
	truncate -s 1M a/sparse
	head -c 1M /dev/zero >b/sparse
	touch -r a/sparse b/sparse
	touch -r a b
	expect_status 0 same_tree a b
	expect_status 1 same_tree a b --sparse
}

test_unreadable_tree_is_no_verdict() {
	make_trees
	expect_status 2 same_tree a nowhere
}

test_unknown_aspect_is_no_verdict() {
	make_trees
	expect_status 2 same_tree a b --ignore color
}

test_archive_of_the_tree_is_the_same() {
	need_program tar
	make_trees
	touch a/$'\xff'
	setfattr -n user.comment -v x a/file
	tar --format=pax --xattrs -C a -cf a.tar .
	expect_status 0 same_tree --archive a.tar a
}

test_archive_differs_in_content_links_time_and_xattrs() {
	need_program tar
	make_trees
	tar --format=pax --xattrs -C b -cf b.tar .
	printf 'onE\n' >a/file
	touch -d @1.5 a/d/e/file
	setfattr -n user.comment -v x a/file
	rm a/d/e/other
	cp -a a/d/e/file a/d/e/other
	expect_status 1 same_tree --archive b.tar a
	grep '^content of file' "$OUT"
	grep '^mtime of d/e/file' "$OUT"
	grep '^xattrs of d/other' "$OUT"
	grep '^links of d/e/file' "$OUT"
}

run_tests
