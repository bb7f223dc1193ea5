# The unit tests are programs, one a module; all other tests are shell files of several behaviours
# each (lib.sh).  `make check' runs them, `make count' adds up what their logs say.

UNIT_TESTS = \
	%D%/unit/check_archive_file \
	%D%/unit/check_archive_sink \
	%D%/unit/check_archive_source \
	%D%/unit/check_attributes \
	%D%/unit/check_codec \
	%D%/unit/check_codec_damage \
	%D%/unit/check_codec_pieces \
	%D%/unit/check_codec_xz_index \
	%D%/unit/check_compare \
	%D%/unit/check_compare_content \
	%D%/unit/check_contained \
	%D%/unit/check_contained_files \
	%D%/unit/check_doomed_name \
	%D%/unit/check_earlier_inodes \
	%D%/unit/check_entry \
	%D%/unit/check_error \
	%D%/unit/check_file_reader \
	%D%/unit/check_held_bytes \
	%D%/unit/check_index_chunk \
	%D%/unit/check_inode_map \
	%D%/unit/check_kept_content \
	%D%/unit/check_known_members \
	%D%/unit/check_key_set \
	%D%/unit/check_lanes \
	%D%/unit/check_late_directories \
	%D%/unit/check_listing \
	%D%/unit/check_member_order \
	%D%/unit/check_member_path \
	%D%/unit/check_metadata \
	%D%/unit/check_option_names \
	%D%/unit/check_option_table \
	%D%/unit/check_options \
	%D%/unit/check_overrides \
	%D%/unit/check_owners \
	%D%/unit/check_pattern \
	%D%/unit/check_plain_header \
	%D%/unit/check_pool \
	%D%/unit/check_quote \
	%D%/unit/check_report \
	%D%/unit/check_select \
	%D%/unit/check_source_ahead \
	%D%/unit/check_tar_header \
	%D%/unit/check_tar_header_names \
	%D%/unit/check_tar_header_sparse \
	%D%/unit/check_transform \
	%D%/unit/check_untold_header \
	%D%/unit/check_walk

SHELL_TESTS = \
	%D%/cli/adding.sh \
	%D%/cli/choosing.sh \
	%D%/cli/creating_links.sh \
	%D%/cli/directory_links.sh \
	%D%/cli/faults.sh \
	%D%/cli/index.sh \
	%D%/cli/joining.sh \
	%D%/cli/fsync.sh \
	%D%/cli/later_names.sh \
	%D%/cli/pieces.sh \
	%D%/cli/pipes.sh \
	%D%/cli/round_trip.sh \
	%D%/cli/threads.sh \
	%D%/contained/environment.sh \
	%D%/contained/hostile.sh \
	%D%/contained/races.sh \
	%D%/faults/damage.sh \
	%D%/filesystems/link_ladder.sh \
	%D%/filesystems/lost_properties.sh \
	%D%/interop/gnu_behaviour.sh \
	%D%/interop/partners.sh \
	%D%/unit/contained_by_component.sh \
	%D%/self/count.sh \
	%D%/self/harness.sh \
	%D%/self/judge.sh

# A build for fuzzing has an engine in all its test programs: it can be nothing else.
if FUZZERS
TESTS = $(FUZZ_TESTS)
else
TESTS = $(UNIT_TESTS) $(SHELL_TESTS) $(FUZZ_TESTS)
check_PROGRAMS += $(UNIT_TESTS) %D%/helpers/without
endif
TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = bash
# Check stops a test after four seconds; a busy machine, or a sanitizer, may need more.
AM_TESTS_ENVIRONMENT = \
	TARN='$(abs_top_builddir)/tarn'; export TARN; \
	BUILD='$(abs_top_builddir)'; export BUILD; \
	CK_TIMEOUT_MULTIPLIER=10; export CK_TIMEOUT_MULTIPLIER;

check_DATA = %D%/helpers/jitter.so
# The sanitizers have an allocator, and ways to the system, of their own: calls cannot be made to
# fail.
if !SANITIZERS
SHELL_TESTS += %D%/faults/limits.sh %D%/faults/nth_call.sh
check_DATA += %D%/helpers/inject.so
endif

%D%/helpers/inject.so: %D%/helpers/inject.c
	$(AM_V_CC)$(MKDIR_P) %D%/helpers && $(CC) $(DEFS) $(DEFAULT_INCLUDES) $(WARNING_CFLAGS) \
		$(CFLAGS) -fPIC -shared -o $@ $(srcdir)/%D%/helpers/inject.c
%D%/helpers/jitter.so: %D%/helpers/jitter.c
	$(AM_V_CC)$(MKDIR_P) %D%/helpers && $(CC) $(DEFS) $(DEFAULT_INCLUDES) $(WARNING_CFLAGS) \
		$(CFLAGS) -pthread -fPIC -shared -o $@ $(srcdir)/%D%/helpers/jitter.c
CLEANFILES = %D%/helpers/inject.so %D%/helpers/jitter.so

# Each unit test, and each target of fuzz/, is the one source file of its name.
LDADD = $(FUZZ_LIBS) libtarn.a $(TARN_LIBS) $(CHECK_LIBS)
%C%_helpers_without_LDADD =

EXTRA_DIST += $(SHELL_TESTS) %D%/faults/limits.sh %D%/faults/nth_call.sh %D%/faults/nth_fault %D%/faults/cut_and_flip \
	%D%/helpers/inject.c %D%/helpers/jitter.c %D%/lib.sh %D%/count %D%/judge/index %D%/judge/judge \
	%D%/valgrind/modes.sh \
	%D%/unit/codec_files.h \
	%D%/unit/command_line.h \
	%D%/unit/comparison.h \
	%D%/unit/contained_scratch.h \
	%D%/unit/scratch.h %D%/unit/suite.h %D%/unit/tar_headers.h %D%/unit/work_directory.h

# Archives from strangers, and what extracts and judges them.
EXTRA_DIST += \
	%D%/archives/content.py \
	%D%/archives/corpus.py \
	%D%/archives/headers.py \
	%D%/archives/indexes.py \
	%D%/archives/links.py \
	%D%/archives/make \
	%D%/archives/metadata.py \
	%D%/archives/names.py \
	%D%/archives/tarbytes.py \
	%D%/contained/extract \
	%D%/contained/race \
	%D%/contained/surroundings.py

.PHONY: count
count:
	@bash $(srcdir)/%D%/count $(TEST_LOGS)
