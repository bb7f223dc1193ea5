# A target is the one source file of its name, and a folder corpus/NAME of inputs.

FUZZ_TARGETS = \
	%D%/fuzz_archive \
	%D%/fuzz_codec \
	%D%/fuzz_extract \
	%D%/fuzz_index \
	%D%/fuzz_modes \
	%D%/fuzz_names \
	%D%/fuzz_options \
	%D%/fuzz_patterns \
	%D%/fuzz_quote \
	%D%/fuzz_round_trip

FUZZ_TESTS = %D%/replay.sh

check_PROGRAMS += $(FUZZ_TARGETS)
check_LIBRARIES += %D%/libfuzz.a
%C%_libfuzz_a_SOURCES = \
	%D%/fuzz.c \
	%D%/fuzz.h \
	%D%/made.c \
	%D%/made.h \
	%D%/snapshot.c \
	%D%/snapshot.h \
	%D%/tar_mutate.c \
	%D%/world.c \
	%D%/world.h

# Who calls the targets: libFuzzer, else replay.c.
if !FUZZERS
%C%_libfuzz_a_SOURCES += %D%/replay.c
endif
FUZZ_LIBS = %D%/libfuzz.a $(FUZZING_ENGINE)

EXTRA_DIST += %D%/README.md %D%/corpus $(FUZZ_TESTS) %D%/run %D%/seeds %D%/tar.dict

.PHONY: fuzzers
fuzzers: $(FUZZ_TARGETS)
