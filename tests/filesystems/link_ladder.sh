#!/bin/bash
# What becomes of later names where a file system refuses a link.

. "$(dirname "$0")/../lib.sh"

# one_file_of N NAMES: an archive, a.tar, of one file with so many names, twenty directories.
one_file_of() {
	python3 - "$1" <<-'END'
	import sys, tarfile, io
	n = int(sys.argv[1])
	with tarfile.open("a.tar", "w", format=tarfile.USTAR_FORMAT) as t:
	    m = tarfile.TarInfo("0/first")
	    m.size, m.mtime, m.mode = 7, 1000000000, 0o640
	    t.addfile(m, io.BytesIO(b"content"))
	    m = tarfile.TarInfo()
	    m.type, m.linkname = tarfile.LNKTYPE, "0/first"
	    for i in range(1, n):
	        m.name = "%d/%d" % (i % 20, i)
	        t.addfile(m)
	END
}

# count_inodes DIRECTORY: its files, and how many they are, with their modes and sizes.
count_inodes() {
	find "$1" -type f -printf '%i %m %s %T@\n' | sort | uniq -c |
		awk '{ names += $1; files++; what[$3 " " $4 " " $5] }
			END { for (w in what) kinds++; print names, files, kinds }'
}

test_group_beyond_the_limit_of_ext4_becomes_few_inodes() {
	mount_ext4 disk 200M
	one_file_of 150000
	expect_status 0 tarn -xf a.tar -C disk
	expect_equal "$(count_inodes disk | cut -d' ' -f1,2)" '150000 3'
	expect_stderr_has 'tarn: 2 names became copies (too many links), 14 bytes more'
}

test_group_beyond_the_limit_of_one_directory_of_btrfs_keeps_all_names() {
	mount_btrfs disk 300M
	python3 - <<-'END'
	import tarfile, io
	with tarfile.open("a.tar", "w", format=tarfile.USTAR_FORMAT) as t:
	    m = tarfile.TarInfo("d/first")
	    m.size = 7
	    t.addfile(m, io.BytesIO(b"content"))
	    m = tarfile.TarInfo()
	    m.type, m.linkname = tarfile.LNKTYPE, "d/first"
	    for i in range(1, 70000):
	        m.name = "d/%d" % i
	        t.addfile(m)
	END
	expect_status 0 tarn -xf a.tar -C disk
	expect_equal "$(find disk -type f | wc -l)" 70000
	expect_equal "$(find disk -type f -printf '%i\n' | sort -u | wc -l)" 2
}

test_directory_that_takes_no_names_says_nothing_about_the_others() {
	mount_ext4 disk 20M
	mkdir i c
	printf content >f
	ln f i/x
	ln f c/x
	tarn -cf a.tar f i/x c/x
	mkdir disk/i
	chattr +i disk/i
	expect_status 2 tarn -xf a.tar -C disk
	chattr -i disk/i
	expect_stderr_has 'i/x'
	expect_equal "$(grep -c copies "$ERR")" 0
	[ disk/f -ef disk/c/x ]
}

test_xfs_takes_what_ext4_does_not() {
	mount_xfs disk 320M
	one_file_of 70000
	expect_status 0 tarn -xf a.tar -C disk
	expect_equal "$(find disk -type f -printf '%i\n' | sort -u | wc -l)" 1
	expect_equal "$(cat "$ERR")" ''
}

test_each_side_of_a_mount_point_has_one_inode() {
	mkdir -p out/1
	mount_tmpfs out/1 50m
	one_file_of 2000
	expect_status 0 tarn -xf a.tar -C out
	expect_equal "$(find out -type f -printf '%D %i\n' | sort -u | wc -l)" 2
	expect_equal "$(find out -type f | wc -l)" 2000
	expect_equal "$(find out -type f -printf '%m %s %T@\n' | sort -u | wc -l)" 1
	expect_stderr_has 'tarn: 1 name became a copy (its first name is on another device), 7 bytes more'
}

make_tree() {
	mkdir -p tree/d
	printf content >tree/a
	ln tree/a tree/b
	ln tree/a tree/d/c
	printf other >tree/single
	touch -d 2001-02-04 tree/a tree/single
}

# on_fat KIND: all names with their content, asked once.
on_fat() {
	"mount_$1" disk 64M
	make_tree
	tarn -cf a.tar tree
	# Nothing can look for leaks in a process that is traced.
	export ASAN_OPTIONS=detect_leaks=0
	expect_status 0 strace -f -qq -e trace=linkat,link -o calls "$TARN" -xf a.tar -C disk
	expect_equal "$(wc -l <calls)" 1
	same_tree tree disk/tree --ignore links,mode,owner,mtime
	expect_stderr_has 'tarn: 2 names became copies (the file system refuses hard links), 14 bytes more'
	[ "$(wc -l <"$ERR")" -le 3 ]
}

# What is another user's, or set-id, is protected from links: that tells nothing of the file system,
# and the copies are no better than the first name.
test_file_of_another_user_is_asked_for_links_but_a_few_times_a_name() {
	mount_fat disk 64M -o uid=1000
	mkdir tree
	printf content >tree/000
	for n in {001..060}; do
		ln tree/000 "tree/$n"
	done
	tarn -cf a.tar tree
	export ASAN_OPTIONS=detect_leaks=0
	expect_status 0 strace -f -qq -e trace=linkat -o calls "$TARN" -xf a.tar -C disk
	expect_stderr_has 'tarn: 60 names became copies (the file system refuses hard links), 420 bytes more'
	expect_equal "$(cat disk/tree/0?? | tr -d '\n' | wc -c)" $((61 * 7))
	[ "$(wc -l <calls)" -le 180 ]
}

# The copy that the names after it are linked to is replaced by other members, which may get its
# inode number.
test_copy_that_is_replaced_is_not_linked_to_any_more() {
	local n
	for n in 1 2 3; do
		mkdir "$n"
		mount_ext4 "$n" 16M
		mkdir "$n/out"
		mount_tmpfs "$n/out/t" 1M
		python3 - "$n" <<-'END'
		import io, sys, tarfile
		with tarfile.open("a.tar", "w", format=tarfile.USTAR_FORMAT) as t:
		    def add(name, content=b"", to=None):
		        m = tarfile.TarInfo(name)
		        m.size = len(content)
		        if to:
		            m.type, m.linkname = tarfile.LNKTYPE, to
		        t.addfile(m, io.BytesIO(content))
		    add("t/first", b"content")
		    add("copy", to="t/first")
		    for i in range(int(sys.argv[1])):
		        add("copy", b"another %d" % i)
		    add("last", to="t/first")
		END
		expect_status 0 tarn -xf a.tar -C "$n/out"
		expect_equal "$(cat "$n/out/last")" content
		expect_equal "$(cat "$n/out/copy")" "another $((n - 1))"
	done
}

test_fat_gets_all_names_and_is_asked_once() {
	on_fat fat
}

test_exfat_gets_all_names_and_is_asked_once() {
	on_fat exfat
}

# Somebody else's, which the kernel could be protecting, but not from root.
test_file_system_that_has_an_owner_of_its_own_is_asked_once() {
	mount_exfat disk 64M -o uid=1000
	seq -f "tree/%.0f" 200 >names
	make_tree
	xargs -n 1 ln tree/a <names
	tarn -cf a.tar tree
	export ASAN_OPTIONS=detect_leaks=0
	expect_status 0 strace -f -qq -e trace=linkat,link -o calls "$TARN" -xf a.tar -C disk
	expect_equal "$(wc -l <calls)" 1
	expect_stderr_has 'tarn: 202 names became copies (the file system refuses hard links)'
}

# The user may write to the first name, but not read it.
test_name_of_a_file_that_cannot_be_copied_gets_the_content_from_the_archive() {
	mkdir -p tree/mnt out
	mount_tmpfs out/mnt 1M
	printf content >tree/f
	ln tree/f tree/mnt/g
	ln tree/f tree/mnt/h
	chmod 200 tree/f
	tarn -cf a.tar -C tree f mnt/g mnt/h
	chown -R nobody out
	chmod 755 . ../.. "$STATE" "$SCRATCH"
	expect_status 0 setpriv --reuid=nobody --regid=nogroup --clear-groups \
		"$TARN" -xf a.tar -C out
	expect_equal "$(cat out/f out/mnt/g)" contentcontent
	[ out/mnt/g -ef out/mnt/h ]
	for how in copy reflink; do
		rm -f out/f out/mnt/*
		expect_status 0 setpriv --reuid=nobody --regid=nogroup --clear-groups \
			"$TARN" -xf a.tar -C out --links=$how
		expect_equal "$(cat out/f out/mnt/g out/mnt/h)" contentcontentcontent
	done
}

test_symbolic_links_are_counted_where_there_are_none() {
	mount_fat disk 64M
	mkdir tree
	printf x >tree/file
	ln -s file tree/one
	ln -s file tree/two
	tarn -cf a.tar tree
	expect_status 2 tarn -xf a.tar -C disk
	expect_stderr_has 'tarn: 2 symbolic links are missing (the file system has none)'
	cmp tree/file disk/tree/file
}

# folding_names: names that differ in case, files and directories, with and without their members.
folding_names() {
	mkdir -p tree/D tree/d
	printf upper >tree/A
	printf lower >tree/a
	printf upper >tree/D/x
	printf lower >tree/d/x
	printf lower >tree/d/y
	(cd tree && tarn -cf ../a.tar A a D d && tarn -cf ../b.tar D/x d/x d/y)
}

# expect_missing N: nothing else is said but what FAT has no place for.
expect_missing() {
	expect_equal "$(grep -v ' lost \| lost its \|Exiting' "$ERR")" \
		"tarn: $1 names are missing (the file system does not tell them from those of other files)"
}

expect_missing_one() {
	expect_stderr_has 'tarn: 1 name is missing (the file system does not tell it from that of another file)'
}

test_names_that_differ_only_in_case_do_not_overwrite_each_other() {
	mount_fat fat 64M
	mount_exfat exfat 64M
	mount_ntfs ntfs 64M
	folding_names
	for disk in fat exfat ntfs; do
		expect_status 2 tarn -xf a.tar -C $disk
		expect_equal "$(cat $disk/A $disk/D/x)" upperupper
		expect_missing 4
		rm -r $disk/D
		expect_status 2 tarn -xf b.tar -C $disk
		expect_equal "$(cat $disk/D/x)" upper
		expect_missing 2
		# The same names again are no collision.
		expect_status 0 tarn -xf a.tar -C $disk A D
	done
}

# The archive has the mount point as well, beside which names that differ in case are different.
test_names_that_differ_only_in_case_do_not_overwrite_each_other_below_a_mount_point() {
	mkdir -p tree/m out
	printf upper | tee tree/A >tree/m/A
	printf lower | tee tree/a >tree/m/a
	tarn -cf a.tar -C tree A a m
	mount_fat out/m 64M
	expect_status 2 tarn -xf a.tar -C out
	expect_equal "$(cat out/A out/a out/m/A)" upperlowerupper
	expect_stderr_has 'tarn: 1 name is missing'
}

test_directory_of_another_name_is_not_entered_before_anything_is_made() {
	mount_fat fat 64M
	mount_exfat exfat 64M
	mkdir -p tree/DIR/sub
	printf x >tree/DIR/sub/file
	tarn -cf a.tar -C tree DIR/sub/file
	for disk in fat exfat; do
		mkdir "$disk/dir"
		for how in --overwrite --keep-newer-files --skip-old-files; do
			expect_status 2 tarn -xf a.tar -C $disk $how
			expect_missing_one
		done
		expect_equal "$(find $disk -mindepth 1)" $disk/dir
		mkdir "$disk/dir/sub"
		: >"$disk/dir/sub/precious"
		tarn -cf b.tar --transform=s,/file,, -C tree DIR/sub/file
		expect_status 2 tarn -xf b.tar -C $disk --recursive-unlink
		[ -e "$disk/dir/sub/precious" ]
	done
}

# Its name is in a directory of another file system.
test_names_are_not_told_apart_in_a_mount_point_either() {
	mount_fat out/mnt 64M
	mkdir -p tree/mnt/D
	printf upper >tree/mnt/A
	printf lower >tree/mnt/a
	printf upper >tree/mnt/D/x
	(cd tree && tarn -cf ../a.tar --no-recursion mnt mnt/A mnt/a)
	expect_status 2 tarn -xf a.tar -C out
	expect_missing_one
	expect_equal "$(cat out/mnt/A)" upper
	mkdir out/mnt/d
	(cd tree && tarn -cf ../b.tar --no-recursion mnt mnt/D/x)
	expect_status 2 tarn -xf b.tar -C out
	expect_missing_one
	expect_equal "$(find out/mnt/d)" out/mnt/d
}

# The directory itself, and a name whose first name cannot be there.
test_names_of_a_file_whose_name_is_taken_have_its_content() {
	mount_fat fat 64M
	mount_exfat exfat 64M
	mount_ntfs ntfs 64M
	folding_names
	ln tree/a tree/z1
	ln tree/a tree/z2
	ln tree/d/x tree/z3
	tarn -cf a.tar --format=ustar -C tree .
	for disk in fat exfat ntfs; do
		expect_status 2 tarn -xf a.tar -C $disk --report=report
		expect_equal "$(cat $disk/A $disk/D/x)" upperupper
		expect_equal "$(cat $disk/z1 $disk/z2 $disk/z3)" lowerlowerlower
		expect_equal "$(grep -c '"event":"lost-folded"' report)" 4
	done
	[ ntfs/z1 -ef ntfs/z2 ]
}

# What was made is remembered where names are listed in another case.
test_file_is_there_also_when_there_is_no_memory_for_its_name() {
	local n
	mount_ntfs ntfs 64M
	printf new >f
	tarn -cf a.tar f
	for n in $(seq 120); do
		printf old >ntfs/f
		LD_PRELOAD=$BUILD/tests/helpers/inject.so INJECT="alloc $n 12" \
			"$TARN" -xf a.tar -C ntfs --threads=1 >"$OUT" 2>"$ERR" || :
		[ -e ntfs/f ]
	done
}

test_directory_does_not_replace_a_file_whose_name_differs_in_case() {
	mount_fat fat 64M
	mount_exfat exfat 64M
	mount_ntfs ntfs 64M
	mkdir -p tree/a tree/A.d
	printf inside >tree/a/file
	printf inside >tree/A.d/file
	printf file >tree/A
	printf file >tree/a.d
	(cd tree && tarn -cf ../a.tar A a A.d a.d)
	for disk in fat exfat ntfs; do
		expect_status 2 tarn -xf a.tar -C $disk --recursive-unlink
		expect_equal "$(cat $disk/A $disk/A.d/file)" fileinside
		expect_missing 3
	done
}

test_reflinks_share_blocks_and_are_no_links() {
	mount_xfs disk 320M
	mkdir tree
	head -c 20000000 /dev/urandom >tree/a
	ln tree/a tree/b
	tarn -cf a.tar tree
	expect_status 0 tarn -xf a.tar -C disk --links=reflink
	cmp disk/tree/a disk/tree/b
	[ ! disk/tree/a -ef disk/tree/b ]
	[ "$(df --output=used -B1 disk | tail -1)" -lt 60000000 ]
	expect_equal "$(cat "$ERR")" ''
}

# The kernel keeps an ordinary user from linking to what belongs to somebody else.
test_protected_hard_links_become_copies() {
	[ "$(cat /proc/sys/fs/protected_hardlinks)" = 1 ] || echo 1 >/proc/sys/fs/protected_hardlinks
	make_tree
	touch -d 2001-02-04 tree/d tree
	chmod 644 tree/a
	tarn -cf a.tar tree
	mkdir out
	cp -a tree out/tree
	rm out/tree/b out/tree/d/c
	chmod -R a+rwX out
	chmod 644 out/tree/a
	chown nobody out out/tree out/tree/d
	chmod 755 . ../.. "$STATE" "$SCRATCH"
	expect_status 0 setpriv --reuid=nobody --regid=nogroup --clear-groups \
		"$TARN" -xf a.tar -C out --skip-old-files
	expect_equal "$(cat out/tree/b out/tree/d/c)" contentcontent
	[ out/tree/b -ef out/tree/d/c ]
}

run_tests
