#!/bin/bash
# Adding to compressed archives: what is there stays, what is new is small.

. "$(dirname "$0")/../lib.sh"

# make_day N: snapshot N shares what it can with the one before; a file in fifty changes.
make_day() {
	if [ "$1" = 0 ]; then
		mkdir -p tree/day.0/d
		for n in {1..50}; do
			head -c 40000 /dev/urandom >"tree/day.0/d/$n"
		done
		ln -s 1 tree/day.0/d/sym
		return
	fi
	cp -al "tree/day.$(($1 - 1))" "tree/day.$1"
	rm "tree/day.$1/d/$1"
	head -c 40000 /dev/urandom >"tree/day.$1/d/$1"
}

# add_days ARCHIVE OPTIONS…: three days, one run each.
add_days() {
	make_day 0
	tarn -cf "$@" -C tree day.0
	size=$(stat -c %s "$1")
	for day in 1 2 3; do
		make_day $day
		tarn -rf "$1" -C tree day.$day
	done
}

# is_whole ARCHIVE: every tar has all of it, and what each extracts is the tree.
is_whole() {
	tarn --test -f "$1"
	for program in "$TARN" tar bsdtar; do
		rm -rf out
		mkdir out
		"$program" -xpf "$1" -C out
		same_tree tree out --ignore mtime
	done
}

test_snapshots_are_added_to_zstd_by_what_is_new() {
	add_days a.tar.zst --zstd
	[ "$(stat -c %s a.tar.zst)" -lt $((size + 3 * 50000)) ]
	zstd -tq a.tar.zst
	is_whole a.tar.zst
}

test_snapshots_are_added_to_xz_by_what_is_new() {
	add_days a.tar.xz --xz --index
	[ "$(stat -c %s a.tar.xz)" -lt $((size + 3 * 50000)) ]
	xz -tq a.tar.xz
	is_whole a.tar.xz
}

test_archive_that_was_added_to_is_read_by_its_index() {
	add_days a.tar.zst --zstd
	tarn -tvf a.tar.zst >by-index
	tarn -tvf a.tar.zst --no-index >by-archive
	cmp by-index by-archive
	tarn -xOf a.tar.zst day.3/d/7 | cmp - tree/day.0/d/7
	python3 "$TOP/tests/judge/index" a.tar.zst | wc -l >n
	expect_equal "$(cat n)" "$(wc -l <by-index)"
}

test_update_adds_to_zstd() {
	make_day 0
	tarn -cf a.tar.zst --zstd -C tree day.0
	before=$(stat -c %s a.tar.zst)
	printf newer >tree/day.0/d/1
	touch -d '+1 hour' tree/day.0/d/1
	tarn -uf a.tar.zst -C tree day.0
	[ "$(stat -c %s a.tar.zst)" -lt $((before + 4000)) ]
	tarn -xOf a.tar.zst day.0/d/1 --no-index | grep -q newer
	expect_equal "$(tar -tf a.tar.zst | grep -c day.0/d/2$)" 1
}

test_archive_of_one_frame_is_refused_and_stays() {
	make_day 0
	tar -cf - -C tree day.0 | zstd -q >a.tar.zst
	tar -czf a.tar.gz -C tree day.0
	for archive in a.tar.zst a.tar.gz; do
		cp $archive before
		expect_status 2 tarn -rf $archive -C tree day.0
		expect_stderr_has 'not compressed in pieces'
		cmp $archive before
	done
}

test_any_archive_becomes_one_that_can_be_added_to() {
	make_day 0
	tar -czf old.tar.gz -C tree day.0
	tarn -cf a.tar.zst --zstd @old.tar.gz
	printf new >new
	tarn -rf a.tar.zst new
	tar -xOf a.tar.zst new | grep -qx new
	tarn -xOf a.tar.zst day.0/d/50 | cmp - tree/day.0/d/50
}

# A member of 20 MB is more than a piece.
test_adding_goes_on_in_the_middle_of_large_pieces() {
	head -c 20000000 /dev/urandom >large
	printf small >small
	for size in 1M 64M; do
		tarn -cf a.tar.zst --zstd --piece-size=$size large
		for n in 1 2 3; do
			cp small small.$n
			tarn -rf a.tar.zst small.$n
		done
		zstd -tq a.tar.zst
		expect_equal "$(tar -tf a.tar.zst | xargs)" 'large small.1 small.2 small.3'
		tar -xOf a.tar.zst large | cmp - large
	done
}

test_failed_addition_leaves_a_compressed_archive_as_it_was() {
	need_mounts
	need_root
	mount_ext4 disk 8M
	make_day 0
	tarn -cf disk/a.tar.zst --zstd -C tree day.0
	cp disk/a.tar.zst before
	head -c 20000000 /dev/urandom >large
	expect_status 2 tarn -rf disk/a.tar.zst large
	expect_stderr_has 'No space left on device'
	cmp disk/a.tar.zst before
}

# Whatever moment it is killed at, the old members are there.
test_killed_addition_leaves_all_old_members() {
	need_program strace
	make_day 0
	tarn -cf a.tar.zst --zstd -C tree day.0
	cp a.tar.zst before
	tar -tf a.tar.zst | sort >old
	head -c 20000000 /dev/urandom >large
	for n in 1 2 3 5 8 13; do
		cp before a.tar.zst
		strace -f -o /dev/null -e trace=write,pwrite64,ftruncate \
			-e inject=write,pwrite64,ftruncate:signal=SIGKILL:when=$n \
			"$TARN" -rf a.tar.zst --piece-size=1M large || :
		tar -tf a.tar.zst 2>/dev/null | sort >found || :
		expect_equal "$(comm -23 old found)" ''
		rm -rf out
		mkdir out
		tarn -xf a.tar.zst -C out day.0 2>/dev/null || :
		same_tree tree out --ignore mtime
	done
}

run_tests
