#!/bin/bash
#
# Disks that are full or cannot be written, and processes that may have little of something.  With
# sanitizers a program has needs of its own: these are run without.

. "$(dirname "$0")/../lib.sh"

make_tree() {
	mkdir -p tree/d
	for i in 1 2 3 4 5 6; do head -c 700000 /dev/urandom >tree/d/$i; done
	ln tree/d/1 tree/first
	ln -s d tree/sym
}

test_full_disk_has_only_whole_files_after_an_extraction() {
	make_tree
	tarn -cf a.tar tree
	mount_ext4 disk 3M -N 64
	expect_status 2 tarn -xf a.tar -C disk
	expect_stderr_has 'No space left on device'
	for file in $(cd disk && find tree -type f); do
		cmp "tree${file#tree}" "disk/$file"
	done
	expect_equal "$(find disk -name '.tarn-*')" ''
	[ -e disk/tree/d/1 ]
}

test_disk_without_inodes_is_a_failure() {
	mkdir tree
	for i in $(seq 40); do echo "$i" >tree/"$i"; done
	tarn -cf a.tar tree
	mount_ext4 disk 3M -N 32
	expect_status 2 tarn -xf a.tar -C disk
	for file in $(cd disk && find tree -type f); do
		cmp "$file" "disk/$file"
	done
}

test_full_disk_leaves_the_archive_that_was_there() {
	make_tree
	mount_ext4 disk 3M
	for suffix in tar tar.zst tar.xz; do
		tarn -caf disk/a.$suffix tree/d/1
		cp disk/a.$suffix before
		expect_status 2 tarn -caf disk/a.$suffix tree
		cmp disk/a.$suffix before
		expect_status 2 tarn -rf disk/a.$suffix tree
		cmp disk/a.$suffix before
		expect_equal "$(find disk -type f)" disk/a.$suffix
		rm disk/a.$suffix
	done
}

test_read_only_disk_is_said() {
	make_tree
	mount_ext4 disk 8M
	tarn -cf disk/a.tar tree/first
	mount -o remount,ro disk
	expect_status 2 tarn -cf disk/a.tar tree
	expect_stderr_has 'Read-only file system'
	expect_status 2 tarn -rf disk/a.tar tree
	expect_stderr_has 'Read-only file system'
	expect_status 2 tarn -xf disk/a.tar -C disk
	expect_stderr_has 'Read-only file system'
}

test_file_above_the_limit_of_sizes_is_said() {
	make_tree
	tarn -cf a.tar tree
	tarn -cf small.tar -C tree sym
	cp small.tar old.tar
	truncate -s 600000 tree/small
	tarn -rf a.tar tree/small
	mkdir out
	(
		ulimit -f 650
		expect_status 2 tarn -xf a.tar -C out
		expect_stderr_has 'tree/d/6: Cannot write: File too large'
		expect_status 2 tarn -cf small.tar tree
		expect_stderr_has 'File too large'
	)
	expect_equal "$(find out -type f)" out/tree/small
	cmp small.tar old.tar
	expect_equal "$(find . -maxdepth 1 -name '.small.*')" ''
}

# Directories that are deeper than there are descriptors.
test_few_descriptors_are_enough() {
	local deep=tree
	mkdir tree out
	for _ in $(seq 60); do
		deep=$deep/d
		mkdir $deep
		echo x >$deep/file
	done
	ln $deep/file tree/again
	for suffix in tar tar.zst tar.xz tar.gz; do
		(
			ulimit -n 18
			tarn -caf a.$suffix --threads=4 tree
			tarn -xf a.$suffix -C out
			tarn -df a.$suffix
			tarn -tf a.$suffix >list
		)
		same_tree tree out/tree --ignore mtime
		rm -r out/tree
	done
}

# Directories that are held open give way.
test_extraction_makes_do_with_few_descriptors() {
	mkdir tree
	for i in $(seq 30); do
		mkdir -p tree/$i/a/b tree/$i/c
		for j in 1 2 3; do
			echo $i $j >tree/$i/a/b/$j
			ln tree/$i/a/b/$j tree/$i/c/$j
		done
	done
	tarn -cf a.tar tree
	for n in 10 20; do
		mkdir out
		(
			ulimit -n $n
			tarn -xf a.tar -C out --threads=1
			rm -r out/tree
			tarn -xf a.tar -C out --threads=4
		)
		same_tree tree out/tree
		rm -r out
	done
}

test_small_stack_is_enough() {
	make_tree
	mkdir out
	for suffix in tar tar.zst tar.xz tar.gz; do
		(
			ulimit -s 256
			tarn -caf a.$suffix --xattrs --acls tree
			tarn -xf a.$suffix --xattrs --acls -C out
			tarn -df a.$suffix
		)
		same_tree tree out/tree
		rm -r out/tree
	done
}

test_too_little_memory_is_a_failure_that_keeps_the_old_archive() {
	make_tree
	tarn -cf old.tar tree/first
	for options in --zstd -J -z; do
		cp old.tar a
		for megabytes in 20 30 45 60 100 200; do
			local status=0
			# That much is needed for the libraries alone.
			(ulimit -v $((megabytes * 1024)) && "$TARN" --version) >version 2>&1 || continue
			(ulimit -v $((megabytes * 1024)) && "$TARN" -c $options -f a tree) 2>err ||
				status=$?
			if [ $status = 0 ]; then
				tarn -xOf a tree/d/6 | cmp - tree/d/6
				break
			fi
			expect_equal "$status" 2
			cmp old.tar a
			[ -s err ]
		done
		expect_equal "$(find . -maxdepth 1 -name '.a.*')" ''
	done
}

run_tests
