#!/bin/bash
#
# Other processes that change the destination during an extraction: see the program race.

. "$(dirname "$0")/../lib.sh"

race() {
	local status=0
	python3 -B "$TOP/tests/contained/race" "$1" || status=$?
	[ "$status" != 77 ] || _lacking 'needs Landlock'
	return "$status"
}

test_parent_that_becomes_a_link_is_not_followed() {
	race parent_becomes_a_link
}

test_waiting_metadata_is_not_given_through_a_link() {
	race waiting_directory_becomes_a_link
}

test_waiting_metadata_is_not_given_to_another_directory() {
	race waiting_directory_becomes_another
}

test_link_is_not_made_to_a_file_that_took_the_first_name() {
	race first_name_becomes_another_file
}

test_nothing_is_made_in_a_directory_that_was_moved_out() {
	race held_directory_moves_out
}

test_parents_that_are_swapped_all_the_time_lead_nowhere() {
	race parents_never_rest
}

test_links_that_are_followed_are_exchanged_all_the_time_and_lead_nowhere() {
	race followed_links_never_rest
}

run_tests
