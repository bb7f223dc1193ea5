#!/bin/bash
#
# The tests of contained.c once more on a kernel without openat2(2): the walk by component.

exec "$BUILD/tests/helpers/without" openat2 "$BUILD/tests/unit/check_contained"
