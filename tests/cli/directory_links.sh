#!/bin/bash
#
# --keep-directory-symlink: extraction through symbolic links to directories that are there, as where
# /lib is usr/lib.  Judged by what GNU tar makes of the same, which follows them anywhere.

. "$(dirname "$0")/../lib.sh"

# Archives of a tree that knows no symbolic links, one of them without members for directories.
make_archives() {
	mkdir -p tree/lib/sub tree/bin
	echo a >tree/lib/a
	echo b >tree/lib/sub/b
	ln tree/lib/a tree/bin/later
	ln tree/lib/a tree/lib/sub/later
	ln -s a tree/lib/symlink
	find tree -exec touch -h -d @1000000000 {} +
	chmod 700 tree/lib
	tar -C tree --sort=name -cf full.tar .
	tar -C tree -cf files.tar lib/a lib/sub/b bin/later lib/sub/later lib/symlink
}

# ${1} as a system with merged directories has it.
make_merged() {
	mkdir -p "$1/usr/lib" "$1/usr/bin"
	ln -s usr/lib "$1/lib"
	ln -s usr/bin "$1/bin"
	touch -h -d @1100000000 "$1/usr/lib" "$1/usr/bin" "$1/lib" "$1/bin"
}

test_members_go_where_links_lead() {
	local archive
	make_archives
	for archive in full files; do
		make_merged "$archive.ours"
		make_merged "$archive.theirs"
		tarn -xf "$archive.tar" -C "$archive.ours" --keep-directory-symlink
		tar -xf "$archive.tar" -C "$archive.theirs" --keep-directory-symlink
		# What is made in a directory that was there changes its time.
		touch -d @1200000000 "$archive".*/usr/{lib,bin} "$archive".*/usr
		[ "$archive" = full ] || touch -d @1200000000 "$archive".*/usr/lib/sub "$archive".*
		same_tree "$archive.ours" "$archive.theirs"
		expect_equal "$(readlink "$archive.ours/lib")" usr/lib
		expect_status 0 tarn -df "$archive.tar" -C "$archive.ours" --keep-directory-symlink
		expect_equal "$(cat "$OUT")" ''
	done
}

test_without_it_links_give_way_to_directories_and_are_in_the_way_of_files() {
	make_archives
	make_merged out
	expect_status 2 tarn -xf files.tar -C out
	expect_stderr_has 'lib/a: Cannot open: a parent directory is a symbolic link'
	tarn -xf full.tar -C out
	same_tree tree/lib out/lib
	[ ! -L out/lib ] && [ ! -L out/bin ]
	expect_equal "$(find out/usr -type f)" ''
}

test_directory_that_is_led_to_keeps_its_metadata() {
	make_archives
	make_merged out
	chmod 711 out/usr/lib
	tar -C tree --no-recursion -cf directory.tar lib
	tarn -xpf directory.tar -C out --keep-directory-symlink
	expect_equal "$(stat -c '%a %Y' out/usr/lib)" '711 1100000000'
	[ -L out/lib ]
}

test_metadata_goes_where_the_link_led() {
	mkdir -p tree/lib/sub
	touch -d @1000000000 tree/lib/sub
	: >file
	tar -C tree -cf a.tar lib/sub
	tar -rf a.tar --transform s/file/lib/ file
	make_merged out
	tarn -xf a.tar -C out --keep-directory-symlink
	# A later member has taken the place of the link.
	[ -f out/lib ] && [ ! -L out/lib ]
	expect_equal "$(stat -c %Y out/usr/lib/sub)" 1000000000
}

test_two_ways_to_a_file_are_one_place() {
	mkdir -p tree/lib tree/usr/lib
	echo old >tree/lib/f
	echo new >tree/usr/lib/f
	ln tree/lib/f tree/usr/lib/g
	tar -C tree -cf a.tar lib/f usr/lib/g usr/lib/f
	make_merged out
	tarn -xf a.tar -C out --keep-directory-symlink
	expect_equal "$(cat out/lib/f out/lib/g)" $'new\nold'
	# A later name of itself is there already.
	python3 - <<-'EOF'
		import tarfile
		with tarfile.open("self.tar", "w") as archive:
		    for name, link in ("usr/lib/g", "lib/g"), ("lib/g", "usr/lib/g"):
		        member = tarfile.TarInfo(name)
		        member.type, member.linkname = tarfile.LNKTYPE, link
		        archive.addfile(member)
	EOF
	tar -C tree -cf a.tar usr/lib/g
	tar --concatenate -f a.tar self.tar
	tarn -xf a.tar -C out --keep-directory-symlink
	expect_equal "$(cat out/lib/g)" old
}

test_links_are_followed_through_links() {
	make_archives
	mkdir -p out/a out/c out/usr/lib
	ln -s a/b/../l2 out/lib
	ln -s ../c out/a/b
	ln -s ./usr//lib/. out/l2
	ln -s . out/bin
	tarn -xf files.tar -C out --keep-directory-symlink
	expect_equal "$(cat out/usr/lib/a out/usr/lib/sub/b out/later)" $'a\nb\na'
	same_tree tree/lib out/usr/lib --ignore mtime,mode
}

# nothing_leaves LINK WHAT_IS_SAID: nothing goes through a ${1} that is called lib.
nothing_leaves() {
	rm -rf out outside
	mkdir -p out/usr outside
	ln -s "$1" out/lib
	expect_status 2 tarn -xf files.tar -C out --keep-directory-symlink
	expect_stderr_has "lib/a: Cannot open: $2"
	# This one is not in the way, and its content is in the archive.
	expect_equal "$(cat out/bin/later)" a
	expect_equal "$(ls -A outside)" ''
	expect_equal "$(readlink out/lib)" "$1"
}

test_links_that_lead_out_are_not_followed() {
	make_archives
	nothing_leaves ../outside 'a symbolic link in the way leads out of the destination'
	nothing_leaves usr/../../outside 'a symbolic link in the way leads out of the destination'
	nothing_leaves usr/../../out/usr 'a symbolic link in the way leads out of the destination'
	nothing_leaves "$PWD/outside" 'a symbolic link in the way leads out of the destination'
	nothing_leaves "$PWD/out/usr" 'a symbolic link in the way leads out of the destination'
	nothing_leaves / 'a symbolic link in the way leads out of the destination'
	nothing_leaves nowhere 'a symbolic link in the way leads to no directory'
	nothing_leaves lib 'a symbolic link in the way leads to no directory'
	ln -sfn ../outside out/lib
	expect_status 2 tarn -xf full.tar -C out --keep-directory-symlink
	expect_stderr_has './lib: Cannot open: a symbolic link in the way leads out of the destination'
	expect_equal "$(ls -A outside)" ''
}

test_absolute_links_are_followed_below_the_root() {
	make_archives
	make_merged out
	ln -sfn "$PWD/out/usr/lib" out/lib
	tar -P -cf a.tar --transform "s,^tree,$PWD/out,S" tree
	tarn -xPf a.tar --keep-directory-symlink
	same_tree tree/lib out/usr/lib --ignore mtime,mode
}

# GNU tar has it so: what leads to no directory is no directory.
test_link_to_no_directory_gives_way_to_one() {
	local target
	make_archives
	for target in usr/none file file/none lib; do
		rm -rf out
		mkdir out
		: >out/file
		ln -s $target out/lib
		tarn -xf full.tar -C out --keep-directory-symlink
		same_tree tree/lib out/lib
		[ ! -L out/lib ]
	done
}

run_tests
