# Everything but main.c is a library, so that the tests link what the tool links.

noinst_LIBRARIES += libtarn.a
libtarn_a_SOURCES = \
	%D%/archive_file.c \
	%D%/archive_file.h \
	%D%/archive_sink.c \
	%D%/archive_sink.h \
	%D%/archive_source.c \
	%D%/archive_source.h \
	%D%/attributes.c \
	%D%/attributes.h \
	%D%/codec.c \
	%D%/codec.h \
	%D%/codec_decoder.h \
	%D%/codec_gzip.c \
	%D%/codec_input.c \
	%D%/codec_input.h \
	%D%/codec_program.c \
	%D%/codec_program.h \
	%D%/codec_writer.c \
	%D%/codec_xz.c \
	%D%/codec_zstd.c \
	%D%/compare.c \
	%D%/compare.h \
	%D%/contained.c \
	%D%/contained.h \
	%D%/content_sink.c \
	%D%/content_sink.h \
	%D%/cpio_header.c \
	%D%/cpio_header.h \
	%D%/cpio_names.c \
	%D%/cpio_names.h \
	%D%/directory.c \
	%D%/directory.h \
	%D%/entry.c \
	%D%/entry.h \
	%D%/entry_copy.c \
	%D%/entry_copy.h \
	%D%/error.c \
	%D%/error.h \
	%D%/exact_name.c \
	%D%/exact_name.h \
	%D%/file_copy.c \
	%D%/file_copy.h \
	%D%/file_reader.c \
	%D%/file_reader.h \
	%D%/file_writer.c \
	%D%/file_writer.h \
	%D%/held_directory.c \
	%D%/held_directory.h \
	%D%/input.c \
	%D%/input.h \
	%D%/inode_map.c \
	%D%/inode_map.h \
	%D%/json_line.c \
	%D%/json_line.h \
	%D%/key_set.c \
	%D%/key_set.h \
	%D%/late_content.c \
	%D%/late_content.h \
	%D%/link_groups.c \
	%D%/link_groups.h \
	%D%/link_ladder.c \
	%D%/link_ladder.h \
	%D%/listing.c \
	%D%/listing.h \
	%D%/member_header.c \
	%D%/member_header.h \
	%D%/member_path.c \
	%D%/member_path.h \
	%D%/metadata.c \
	%D%/metadata.h \
	%D%/name_list.c \
	%D%/name_list.h \
	%D%/option_help.c \
	%D%/option_store.c \
	%D%/option_store.h \
	%D%/option_table.c \
	%D%/option_table.h \
	%D%/options.c \
	%D%/options.h \
	%D%/overrides.c \
	%D%/overrides.h \
	%D%/owners.c \
	%D%/owners.h \
	%D%/pax_records.c \
	%D%/pax_records.h \
	%D%/quote.c \
	%D%/quote.h \
	%D%/remove_tree.c \
	%D%/remove_tree.h \
	%D%/report.c \
	%D%/report.h \
	%D%/run.c \
	%D%/run.h \
	%D%/run_read.c \
	%D%/run_write.c \
	%D%/select.c \
	%D%/select.h \
	%D%/sink.h \
	%D%/source.h \
	%D%/tar_block.c \
	%D%/tar_block.h \
	%D%/tar_header.c \
	%D%/tar_header.h \
	%D%/temporary_name.c \
	%D%/temporary_name.h \
	%D%/transform.c \
	%D%/transform.h \
	%D%/tree_sink.c \
	%D%/tree_sink.h \
	%D%/tree_source.c \
	%D%/tree_source.h \
	%D%/update.c \
	%D%/update.h \
	%D%/waiting_links.c \
	%D%/waiting_links.h \
	%D%/walk.c \
	%D%/walk.h

bin_PROGRAMS += tarn
tarn_SOURCES = %D%/main.c
tarn_LDADD = libtarn.a $(TARN_LIBS)

TARN_LIBS = $(LIBARCHIVE_LIBS) $(LIBZSTD_LIBS) $(LIBLZMA_LIBS) \
	$(LIBACL_LIBS) $(LIBATTR_LIBS) $(ZLIB_LIBS)
