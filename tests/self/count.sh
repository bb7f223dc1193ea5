#!/bin/bash
#
# tests/count itself: what is behind the closing line of the whole run.

. "$(dirname "$0")/../lib.sh"

# The log and the driver's verdict of a test program $1: its verdict $2, its closing line $3.
make_log() {
	printf 'some output\n%s\n' "$3" >"$1.log"
	printf ':test-result: %s %s\n' "$2" "$1" >"$1.trs"
}

# The counter of the tree says $2 of the logs in it, with status $1.
expect_count() {
	expect_status "$1" bash "$TOP/tests/count" ./*.log
	expect_equal "$(tail -n 1 "$OUT")" "$2"
}

test_behaviours_of_all_programs_are_added() {
	make_log unit PASS '100%: Checks: 12, Failures: 0, Errors: 0'
	make_log shell PASS '# 3 passed, 0 failed, 2 skipped'
	expect_count 0 '15 passed, 0 failed, 2 skipped'
}

test_failures_and_errors_are_failed() {
	make_log unit FAIL '75%: Checks: 12, Failures: 2, Errors: 1'
	make_log shell FAIL '# 3 passed, 1 failed, 2 skipped'
	expect_count 1 '12 passed, 4 failed, 2 skipped'
}

test_crashed_program_is_a_failure() {
	make_log good PASS '# 1 passed, 0 failed, 0 skipped'
	make_log bad FAIL 'Segmentation fault'
	expect_count 1 '1 passed, 1 failed, 0 skipped'
}

test_program_without_tests_is_a_failure() {
	make_log unit PASS '100%: Checks: 0, Failures: 0, Errors: 0'
	expect_count 1 '0 passed, 1 failed, 0 skipped'
}

test_failure_after_the_last_test_is_a_failure() {
	make_log unit FAIL '100%: Checks: 12, Failures: 0, Errors: 0'
	expect_count 1 '12 passed, 1 failed, 0 skipped'
}

test_program_that_was_not_run_is_a_failure() {
	make_log unit PASS '100%: Checks: 12, Failures: 0, Errors: 0'
	expect_status 1 bash "$TOP/tests/count" unit.log other.log
	expect_equal "$(tail -n 1 "$OUT")" '12 passed, 1 failed, 0 skipped'
}

test_nothing_at_all_is_a_failure() {
	expect_status 1 bash "$TOP/tests/count"
}

run_tests
