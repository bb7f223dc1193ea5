#!/bin/bash
# Which names become link members when an archive is made.

. "$(dirname "$0")/../lib.sh"

# members ARCHIVE: each member's type and name, and what it links to.
members() {
	python3 -c '
import sys, tarfile
for m in tarfile.open(sys.argv[1]):
    print("link" if m.islnk() else "dir" if m.isdir() else "sym" if m.issym() else "file", m.name,
        *([m.linkname] if m.islnk() else []))' "$1"
}

# extracted_whole: every tar extracts a.tar, and it is the tree of the same names.
extracted_whole() {
	for program in "$TARN" tar bsdtar 'busybox tar'; do
		rm -rf out
		mkdir out
		$program -xf a.tar -C out
		for name in "$@"; do
			cmp "$name" "out/$name"
		done
	done
}

test_excluded_first_name_makes_the_next_one_first() {
	mkdir d
	printf x >d/a
	ln d/a d/b
	ln d/a d/c
	tarn -cf a.tar --exclude=a d
	expect_equal "$(members a.tar)" "$(printf 'dir d\nfile d/b\nlink d/c d/b')"
}

test_name_that_the_format_cannot_hold_makes_the_next_one_first() {
	mkdir d
	printf x >"d/$(printf '%0150d' 0)"
	ln d/0* d/b
	ln d/b d/c
	expect_status 2 tarn -cf a.tar --format=ustar d
	expect_equal "$(members a.tar)" "$(printf 'dir d\nfile d/b\nlink d/c d/b')"
	tar -xOf a.tar d/b | cmp - d/b
}

# Without times of birth an inode is known by its mtime, its own and not the one that is stored.
test_given_time_is_not_that_of_another_inode() {
	mount_ext4 disk 16M -I 128
	mkdir disk/d
	printf x >"disk/d/$(printf '%0150d' 0)"
	expect_equal "$(stat -c %W disk/d/0*)" 0
	ln disk/d/0* disk/d/b
	ln disk/d/b disk/d/c
	expect_status 2 tarn -cf a.tar --format=ustar --mtime=@0 -C disk d
	cp "$ERR" said
	expect_status 1 grep 'that of another file' said
	expect_equal "$(members a.tar)" "$(printf 'dir d\nfile d/b\nlink d/c d/b')"
	expect_equal "$(tar -tvf a.tar | grep -vc 1970-01-01)" 0
}

test_name_that_is_transformed_away_makes_the_next_one_first() {
	printf x >a
	ln a b
	ln a c
	for nthreads in 1 4; do
		tarn -cf a.tar --threads=$nthreads --transform='s,^a$,,' a b c
		expect_equal "$(members a.tar)" "$(printf 'file b\nlink c b')"
		extracted_whole b c
	done
}

test_name_that_becomes_first_is_transformed_once() {
	first=$(printf '%0200d' 0)
	printf x >"$first"
	ln "$first" b2
	ln "$first" c2
	expect_status 2 tarn -cf a.tar --format=ustar --transform=s/b/bb/ "$first" b2 c2
	expect_equal "$(members a.tar)" "$(printf 'file bb2\nlink c2 bb2')"
}

test_same_file_named_twice_is_one_member() {
	printf x >a
	tarn -cf a.tar a a
	expect_equal "$(members a.tar)" 'file a'
	tarn -cf a.tar ./a a
	expect_equal "$(members a.tar)" 'file ./a'
	extracted_whole a
	mkdir d
	printf y >d/f
	tarn -cf a.tar d d/f
	expect_equal "$(members a.tar)" "$(printf 'dir d\nfile d/f')"
	tarn -cf a.tar d/f d
	expect_equal "$(members a.tar)" "$(printf 'file d/f\ndir d')"
	tarn -cf a.tar d d
	expect_equal "$(members a.tar)" "$(printf 'dir d\nfile d/f')"
	extracted_whole d/f
}

test_operand_that_is_met_again_keeps_its_links() {
	mkdir d
	printf x >d/a
	ln d/a d/b
	tarn -cf a.tar d/a d
	expect_equal "$(members a.tar)" "$(printf 'file d/a\ndir d\nlink d/b d/a')"
	extracted_whole d/a d/b
	printf 'd/a\nd/a\nd/b\nd/a\nd/b\n' >list
	tarn -cf a.tar -T list
	expect_equal "$(members a.tar)" "$(printf 'file d/a\nlink d/b d/a')"
	tarn -cf a.tar -C d a -C .. d
	expect_equal "$(members a.tar)" "$(printf 'file a\ndir d\nlink d/a a\nlink d/b a')"
	tar -xf a.tar
	[ a -ef d/a ] && [ a -ef d/b ]
}

test_same_file_reached_by_two_paths_is_stored_once() {
	mkdir d
	printf y >d/f
	tarn -cf a.tar d -C d f
	expect_equal "$(members a.tar)" "$(printf 'dir d\nfile d/f\nlink f d/f')"
	extracted_whole d/f
	tarn -cf a.tar -C d f -C .. d
	expect_equal "$(members a.tar)" "$(printf 'file f\ndir d\nlink d/f f')"
}

test_symbolic_links_that_are_followed_lead_to_one_copy() {
	mkdir d other
	printf x >d/a
	ln -s a d/b
	ln d/a other/c
	ln -s ../d other/e
	tarn -chf a.tar d other
	expect_equal "$(members a.tar)" "$(printf '%s\n' 'dir d' 'file d/a' 'link d/b d/a' \
		'dir other' 'link other/c d/a' 'dir other/e' 'link other/e/a d/a' 'link other/e/b d/b')"
	extracted_whole d/a d/b other/c other/e/b
}

test_bind_mounted_directory_is_no_second_copy() {
	mkdir -p tree/a/sub tree/b
	head -c 100000 /dev/urandom >tree/a/file
	printf x >tree/a/one
	ln tree/a/one tree/a/sub/two
	ln -s target tree/a/sym
	sleep 0.02
	bind_mount tree/a tree/b
	tarn -cf a.tar tree
	[ "$(stat -c %s a.tar)" -lt 130000 ]
	expect_equal "$(members a.tar | grep -c '^link tree/b/')" 4
	extracted_whole tree/a/file tree/b/file tree/b/sub/two
	rm -rf out
	mkdir out
	tarn -xf a.tar -C out
	[ out/tree/b/sub/two -ef out/tree/a/one ]
}

test_operand_that_is_met_again_where_it_is_mounted_is_one_member() {
	mkdir -p tree/a tree/b
	printf x >tree/a/file
	sleep 0.02
	bind_mount tree/a tree/b
	tarn -cf a.tar tree/b/file tree/a tree/b
	expect_equal "$(members a.tar)" \
		"$(printf 'file tree/b/file\ndir tree/a\nlink tree/a/file tree/b/file\ndir tree/b')"
	extracted_whole tree/a/file tree/b/file
}

test_excluded_name_is_stored_where_it_is_mounted() {
	mkdir -p tree/a tree/b
	printf x >tree/a/file
	printf y >tree/a/other
	sleep 0.02
	bind_mount tree/a tree/b
	tarn -cf a.tar --anchored --exclude=tree/a/file tree
	expect_equal "$(members a.tar | grep file)" "$(printf 'file tree/a/other\nfile tree/b/file')"
	extracted_whole tree/b/file tree/b/other
}

test_file_that_something_is_mounted_on_is_another_one() {
	mkdir -p tree/a tree/b
	printf below >tree/a/file
	printf above >mounted
	sleep 0.02
	bind_mount tree/a tree/b
	mount --bind mounted tree/a/file
	tarn -cf a.tar tree
	extracted_whole tree/a/file tree/b/file
	expect_equal "$(cat tree/a/file tree/b/file)" abovebelow
	# Nor is it, where what is mounted is a later name.
	ln mounted tree/0-first
	sleep 0.02
	tarn -cf a.tar tree
	extracted_whole tree/a/file tree/b/file
	umount tree/a/file
	mount --bind mounted tree/b/file
	tarn -cf a.tar tree
	extracted_whole tree/a/file tree/b/file
}

test_directory_that_is_its_own_ancestor_is_said_and_skipped() {
	mkdir -p tree/a/self
	printf x >tree/a/file
	bind_mount tree/a tree/a/self
	expect_status 1 tarn -cf a.tar tree
	expect_stderr_has 'tarn: tree/a/self: Directory is its own ancestor'
	expect_equal "$(members a.tar | grep file)" 'file tree/a/file'
}

test_directory_with_two_names_is_no_second_copy() {
	mount_ext4 disk 16M
	mkdir disk/a
	head -c 100000 /dev/urandom >disk/a/file
	umount disk
	debugfs -w -R 'ln a b' disk.img 2>/dev/null
	mount -o loop disk.img disk
	[ disk/a -ef disk/b ]
	sleep 0.02
	tarn -cf a.tar disk
	expect_equal "$(members a.tar | grep '^link')" 'link disk/b/file disk/a/file'
	extracted_whole disk/a/file disk/b/file
}

# The number of an inode is used again between two names: what is written then is another file.
test_reused_inode_number_is_no_link() {
	mount_ext4 disk 16M
	mkfifo names
	printf first >disk/a
	ln disk/a disk/b
	python3 - "$TARN" <<-'END'
	import os, subprocess, sys, time
	p = subprocess.Popen([sys.argv[1], "-cvf", "a.tar", "-T", "-"], stdin=subprocess.PIPE)
	p.stdin.write(b"disk/a\ndisk/c\n")
	p.stdin.close()
	sys.exit(p.wait() != 2)
	END
	# One name, then a pause in which its inode is given to another file.
	python3 - "$TARN" <<-'END'
	import os, subprocess, sys
	r, w = os.pipe()
	os.set_blocking(w, True)
	# A large file between the two: the pipe is full, and tarn waits in the middle of it.  One thread
	# does not look at names ahead.
	with open("disk/between", "wb") as f:
	    f.truncate(3000000)
	p = subprocess.Popen([sys.argv[1], "--threads=1", "-cf", "-", "disk/a", "disk/between", "disk/b", "disk/c"],
	    stdout=w, stderr=open("said", "w"))
	os.close(w)
	head = os.read(r, 65536)
	ino = os.stat("disk/a").st_ino
	os.unlink("disk/a")
	os.unlink("disk/b")
	for i in range(1000):
	    with open("disk/c", "w") as f:
	        f.write("other")
	    if os.stat("disk/c").st_ino == ino:
	        break
	    os.rename("disk/c", "disk/spare%d" % i)
	else:
	    sys.exit("the number was not used again")
	os.link("disk/c", "disk/b")
	with open("a.tar", "wb") as f:
	    f.write(head)
	    while data := os.read(r, 65536):
	        f.write(data)
	sys.exit(p.wait())
	END
	expect_equal "$(members a.tar | grep -v between)" "$(printf 'file disk/a\nfile disk/b\nlink disk/c disk/b')"
	expect_equal "$(tar -xOf a.tar disk/a disk/b)" firstother
	grep -q 'disk/b: Inode number .* was that of another file: stored in full' said
}

test_missing_links_are_said() {
	mkdir d elsewhere
	printf x >d/a
	ln d/a d/b
	ln d/a elsewhere/c
	ln d/a elsewhere/e
	printf y >d/whole
	ln d/whole d/too
	expect_status 0 tarn -cf a.tar -l d
	expect_equal "$(cat "$ERR")" "tarn: Missing links to 'd/a': 2"
	expect_status 0 tarn -cf a.tar -l d/a d/b d
	expect_equal "$(cat "$ERR")" "tarn: Missing links to 'd/a': 2"
}

test_name_that_becomes_first_was_met_once() {
	long=$(printf '%060d' 0)
	mkdir -p "d/$long"
	printf x >"d/$long/$long"
	ln "d/$long/$long" d/b
	ln d/b d/c
	expect_status 0 tarn -clf a.tar --format=ustar d
	expect_equal "$(members a.tar | tail -n 2)" "$(printf 'file d/b\nlink d/c d/b')"
	expect_stderr_has 'd/b: link name is too long: stored in full'
	expect_equal "$(grep -c Missing "$ERR")" 0
}

test_missing_links_are_said_in_the_order_of_the_names() {
	mkdir d elsewhere
	for n in {10..40}; do
		printf x >d/$n
		ln d/$n elsewhere/
		printf "tarn: Missing links to 'd/%d': 1\n" $n >>expected
	done
	expect_status 0 tarn -clf a.tar d
	cmp expected "$ERR"
}

test_directory_of_an_operand_is_looked_at_only_behind_directories() {
	need_program strace
	mkdir d
	touch d/{10..59}
	for options in '-T list' '--hard-dereference empty -T list'; do
		mkdir -p empty
		ls d/* >list
		# shellcheck disable=SC2086
		ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 strace -f -o calls -e trace=statx \
			"$TARN" --threads=1 -cf a.tar $options
		[ "$(wc -l <calls)" -lt 80 ]
	done
}

test_hard_dereference_stores_every_name_in_full() {
	mkdir d
	printf x >d/a
	ln d/a d/b
	tarn -cf a.tar --hard-dereference d
	expect_equal "$(members a.tar)" "$(printf 'dir d\nfile d/a\nfile d/b')"
}

run_tests
