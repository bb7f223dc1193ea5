#!/bin/bash
#
# Every call that tarn makes fails once, or is the last before it is killed (nth_fault).  A build
# with sanitizers brings its own allocator and its own ways to the system, and is not looked at.

. "$(dirname "$0")/../lib.sh"

# fails_at_every FAULTS SCENARIO,…
fails_at_every() {
	python3 "$TOP/tests/faults/nth_fault" "$2" "$1"
}

test_creation_survives_every_failure() {
	fails_at_every memory,read,write,open,name,metadata create,create-new,create-zstd
}

test_compression_survives_every_failure() {
	fails_at_every memory,write create-xz,create-gzip
}

test_conversion_survives_every_failure() {
	fails_at_every memory,read,write,open,name convert
}

test_append_survives_every_failure() {
	fails_at_every memory,read,write,open,name,metadata append
}

test_append_to_compressed_archives_survives_every_failure() {
	fails_at_every memory,read,write,open,name append-zstd,append-xz
}

test_extraction_survives_every_failure() {
	fails_at_every memory,read,write,open,name,metadata extract,extract-over
}

test_extraction_through_links_survives_every_failure() {
	fails_at_every memory,read,open,name extract-through
}

test_what_cannot_be_looked_at_is_not_taken_for_older() {
	fails_at_every open extract-newer
}

test_decompression_survives_every_failure() {
	fails_at_every memory,read extract-zstd,extract-xz,extract-gzip
}

test_ways_to_give_a_name_its_content_survive_every_failure() {
	fails_at_every write,open,name,metadata extract-later-names,extract-copies
}

test_what_cannot_be_synced_is_a_failure() {
	for scenario in create-sync append-sync extract-sync; do
		mkdir $scenario
		(cd $scenario && fails_at_every sync $scenario)
	done
}

test_archive_is_old_or_new_after_a_kill_at_any_moment() {
	fails_at_every kill,signal create,create-new,create-zstd,append
}

test_every_signal_ends_a_run_as_it_should_at_any_moment() {
	fails_at_every signals create,append,extract-over
}

test_every_way_of_extraction_ends_at_a_signal() {
	fails_at_every signal extract,extract-later-names,extract-copies
}

test_second_extraction_completes_one_that_was_killed_at_any_moment() {
	fails_at_every kill,signal extract-over,extract-keep,extract-newer
}

run_tests
