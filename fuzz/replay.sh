#!/bin/bash
#
# Each target of this folder (fuzz_NAME.c) takes all inputs of its corpus without a crash.

. "$(dirname "$0")/../tests/lib.sh"

replay() {
	local status=0
	local -a inputs=("$TOP/fuzz/corpus/$1"/*)
	[ -f "${inputs[0]}" ]
	"$BUILD/fuzz/fuzz_$1" "${inputs[@]}" >/dev/null || status=$?
	if [ "$status" = 3 ]; then
		_lacking "no right to mount"
	fi
	[ "$status" = 0 ]
}

for target in "$TOP"/fuzz/fuzz_*.c; do
	target=${target##*/fuzz_} target=${target%.c}
	eval "test_${target}_takes_its_corpus() { replay $target; }"
done

run_tests
