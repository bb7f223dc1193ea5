#!/bin/bash
#
# Archives from strangers: each of tests/archives is extracted amid surroundings that must not
# change, and within limits.  One test an archive, called like the function that makes it.

. "$(dirname "$0")/../lib.sh"

extract_amid_surroundings() {
	# A user like any other must reach what is here.
	chmod o+x "$STATE" "$SCRATCH"
	python3 -B "$TOP/tests/contained/extract" "$1"
}

for name in $(sed -n 's/^def \([a-z0-9_]*\)(_\?around):$/\1/p' "$TOP"/tests/archives/*.py); do
	eval "test_$name() { extract_amid_surroundings $name; }"
done

run_tests
