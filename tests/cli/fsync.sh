#!/bin/bash
# --fsync: the calls that make durable what was written, in the order that this takes.

. "$(dirname "$0")/../lib.sh"

# calls_of ARGUMENT…: tarn's calls that matter, on one line.
calls_of() {
	need_program strace
	# The search for leaks does not work below strace.
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o calls -e trace=fsync,syncfs,rename,pwrite64 "$TARN" "$@"
	awk '{ sub(/\(.*/, "", $2); print $2 }' calls | paste -sd ' '
}

test_new_archive_is_synced_before_it_gets_its_name_and_the_name_behind() {
	printf x >f
	expect_equal "$(calls_of -cf a.tar --fsync f)" 'fsync rename fsync'
	expect_equal "$(calls_of -cf a.tar f)" rename
}

test_appended_members_are_synced_before_and_behind_the_blocks_that_join_them() {
	printf x >f
	tarn -cf a.tar f
	expect_equal "$(calls_of -rf a.tar --fsync f)" 'fsync pwrite64 pwrite64 fsync'
}

test_archive_that_goes_to_a_pipe_has_nothing_to_be_synced() {
	printf x >f
	tarn -cf - --fsync f | cat >a.tar
	tar -tf a.tar
}

test_file_system_of_the_destination_is_synced_at_the_end() {
	mkdir out
	printf x >f
	tarn -cf a.tar f
	expect_equal "$(calls_of -xf a.tar --fsync -C out)" 'pwrite64 syncfs'
	expect_equal "$(calls_of -xf a.tar -C out)" pwrite64
}

run_tests
