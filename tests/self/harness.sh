#!/bin/bash
#
# lib.sh itself: that a test which should fail does fail, and leaves nothing behind.

. "$(dirname "$0")/../lib.sh"

# Run a test file with the text $1 between the sourcing of lib.sh and run_tests.
run_file() {
	printf '. %q/tests/lib.sh\n%s\nrun_tests\n' "$TOP" "$1" >file.sh
	TMPDIR=$SCRATCH expect_status "$2" bash file.sh
}

expect_output_has() {
	if ! grep -qF -e "$1" "$OUT"; then
		printf 'not printed: %s\n--- output\n' "$1"
		cat "$OUT"
		return 1
	fi
}

test_success_is_ok() {
	run_file 'test_a() { true; }' 0
	expect_output_has 'ok - test_a'
	expect_output_has '# 1 passed, 0 failed, 0 skipped'
}

test_failing_command_in_the_middle_fails_the_test() {
	run_file 'test_a() { false; true; }' 1
	expect_output_has 'not ok - test_a'
	expect_output_has '# 0 passed, 1 failed, 0 skipped'
}

test_failing_command_in_a_helper_fails_the_test() {
	run_file 'helper() { false; true; }
		test_a() { helper; true; }' 1
}

test_failure_at_the_head_of_a_pipe_fails_the_test() {
	run_file 'test_a() { false | cat; true; }' 1
}

test_unset_variable_fails_the_test() {
	run_file 'test_a() { : $no_such; true; }' 1
}

test_failing_test_does_not_stop_the_others() {
	run_file 'test_a() { false; }
		test_b() { true; }' 1
	expect_output_has 'ok - test_b'
	expect_output_has '# 1 passed, 1 failed, 0 skipped'
}

test_output_of_a_failing_test_is_shown_indented() {
	run_file 'test_a() { echo "ok - fake"; false; }' 1
	expect_output_has '    ok - fake'
}

test_skip_says_why_and_is_no_success() {
	run_file 'test_a() { skip "no moon"; }' 77
	expect_output_has 'skip - test_a: no moon'
	expect_output_has '# 0 passed, 0 failed, 1 skipped'
}

test_status_77_alone_is_no_skip() {
	run_file 'test_a() { exit 77; }' 1
}

test_missing_program_is_skipped() {
	unset TESTS_LACK_NOTHING
	run_file 'test_a() { need_program no-such-program; }' 77
	expect_output_has 'needs the program no-such-program'
}

test_missing_program_fails_where_nothing_may_lack() {
	export TESTS_LACK_NOTHING=1
	run_file 'test_a() { need_program no-such-program; }' 1
}

test_file_without_tests_fails() {
	run_file '' 1
}

test_hanging_test_is_stopped() {
	export TEST_TIMEOUT=1
	run_file 'test_a() { sleep 60; }' 1
	expect_output_has 'status 124'
}

test_wrong_status_fails_and_is_shown() {
	run_file 'test_a() { expect_status 3 sh -c "echo hello; echo trouble >&2; exit 4"; }' 1
	expect_output_has 'status 4, expected 3'
	expect_output_has 'hello'
	expect_output_has 'trouble'
}

test_expectations_fail() {
	run_file 'test_equal() { expect_equal a b; true; }
		test_stderr() { expect_status 0 sh -c "echo this >&2"; expect_stderr_has that; true; }
		test_same() { mkdir a b; touch a/x; same_tree a b; true; }' 1
	expect_output_has '# 0 passed, 3 failed, 0 skipped'
}

test_expectations_hold() {
	run_file 'test_equal() { expect_equal a a; }
		test_stderr() { expect_status 0 sh -c "echo this >&2"; expect_stderr_has his; }
		test_same() { mkdir a; touch a/x; cp -a a b; same_tree a b; }' 0
	expect_output_has '# 3 passed, 0 failed, 0 skipped'
}

test_each_test_starts_in_an_empty_directory() {
	run_file 'test_a() { [ -z "$(ls -A)" ]; touch x; }
		test_b() { [ -z "$(ls -A)" ]; touch x; }' 0
	expect_equal "$(echo tarn-test.*)" 'tarn-test.*'
}

test_mounts_and_processes_end_with_a_failing_test() {
	need_mounts
	run_file 'test_a() { mount_tmpfs t 1M; touch t/x; sleep 1234 & echo $! >pid; false; }' 1
	expect_equal "$(pgrep -f 'sleep 1234' || true)" ''
	expect_equal "$(echo tarn-test.*)" 'tarn-test.*'
}

test_ext4_has_hard_links() {
	mount_ext4 d 16M
	touch d/a
	ln d/a d/b
	expect_equal "$(stat -f -c %T d)" ext2/ext3
}

test_xfs_has_hard_links() {
	mount_xfs d 300M
	touch d/a
	ln d/a d/b
	expect_equal "$(stat -f -c %T d)" xfs
}

test_btrfs_has_hard_links() {
	mount_btrfs d 128M
	touch d/a
	ln d/a d/b
	expect_equal "$(stat -f -c %T d)" btrfs
}

test_fat_has_no_hard_links() {
	mount_fat d 16M
	touch d/a
	expect_status 1 ln d/a d/b
}

test_exfat_has_no_hard_links() {
	mount_exfat d 16M
	touch d/a
	expect_status 1 ln d/a d/b
}

test_tmpfs_has_the_size_asked_for() {
	mount_tmpfs d 1M
	expect_equal "$(stat -f -c %T:%b*%S d)" 'tmpfs:256*4096'
}

test_bind_mount_shows_the_same_tree() {
	mkdir a
	touch a/x
	bind_mount a b
	expect_equal "$(stat -c %i a/x)" "$(stat -c %i b/x)"
}

run_tests
