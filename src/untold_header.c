#include "config.h"

#include "untold_header.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pax_records.h"
#include "plain_header.h"

/*
 * The headers are read a second time, beside libarchive: the archive source asks before it lets
 * libarchive have them, and sets the time itself afterwards.
 *
 * What libarchive refuses to read is not looked at: extended headers that are damaged or too large,
 * and what stands behind a malformed record.
 */

#define RECORDS_NBYTES_MAX ((uint64_t)1 << 20) /* libarchive's own limit */
#define NHEADERS_MAX 16 /* before one member; x, K and L are all that is usual */

/* What is behind the first digit is not judged: programs write times in many ways. */
static bool begins_number(const struct pax_text *value) {
	const char *at = value->text, *end = at + value->nbytes;

	at += at < end && *at == '-';
	return at < end && (*at == '.' || isdigit((unsigned char)*at));
}

static bool is_number(const struct pax_text *keyword) {
	static const char *const numbers[] = { "mtime", "atime", "ctime", "size", "uid", "gid" };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (pax_text_is(keyword, numbers[i]))
			return true;
	}
	return false;
}

/* The last record of a keyword counts: a time from 1970 on takes back one before it. */
static void read_records(struct untold_header *untold, const char *at, const char *end) {
	struct pax_text keyword, value;

	while (at < end && pax_read_record(&at, end, &keyword, &value)) {
		if (is_number(&keyword) && !begins_number(&value))
			snprintf(untold->malformed, sizeof(untold->malformed),
			    "Malformed extended header: invalid %.*s=%.*s", (int)keyword.nbytes,
			    keyword.text, (int)value.nbytes, value.text);
		if (pax_text_is(&keyword, "mtime"))
			untold->has_mtime = value.nbytes > 0 && *value.text == '-' &&
			    pax_read_time(&value, &untold->mtime);
	}
}

/* git has the hash of a commit in a comment, in each of its archives. */
static void read_global_records(struct untold_header *untold, const char *at, const char *end) {
	struct pax_text keyword, value;

	while (
	    at < end && untold->ignored[0] == '\0' && pax_read_record(&at, end, &keyword, &value)) {
		if (!pax_text_is(&keyword, "comment"))
			snprintf(untold->ignored, sizeof(untold->ignored), "%.*s",
			    (int)keyword.nbytes, keyword.text);
	}
}

/*
 * Octal digits, none of them, or a number to the base of 256, which such a byte begins (GNU tar).
 */
static bool is_field(const char *at, const char *end) {
	if (*at == '\200' || *at == '\377')
		return true;
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	at += at < end && *at == '-';
	while (at < end && *at >= '0' && *at <= '7')
		at++;
	return at == end || *at == '\0' || *at == ' ';
}

/* The words, and the names of what is expected, are those of GNU tar. */
static void read_fields(struct untold_header *untold, const struct tar_block *block) {
	const struct {
		const char *at;
		size_t nbytes;
		const char *type;
	} fields[] = {
		{ block->mode, sizeof(block->mode), "mode_t" },
		{ block->uid, sizeof(block->uid), "uid_t" },
		{ block->gid, sizeof(block->gid), "gid_t" },
		{ block->size, sizeof(block->size), "off_t" },
		{ block->mtime, sizeof(block->mtime), "time_t" },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!is_field(fields[i].at, fields[i].at + fields[i].nbytes))
			snprintf(untold->malformed, sizeof(untold->malformed),
			    "Archive contains '%.*s' where numeric %s value expected",
			    (int)fields[i].nbytes, fields[i].at, fields[i].type);
	}
}

/* GNU tar has sparse files of its own format, which libarchive knows, under the same letter. */
static const char *refusal(const struct tar_block *block) {
	if (block->type == 'M')
		return "Cannot extract -- file is continued from another volume";
	if (block->type == 'S' && memcmp(block->magic, TAR_MAGIC_USTAR, sizeof(block->magic)) == 0)
		return "Cannot extract -- sparse file in the format of star";
	return NULL;
}

/* The types are those of ustar, pax, GNU tar and Solaris; old archives have NUL for a file. */
static char unknown_type(const struct tar_block *block) {
	return block->type != '\0' && strchr("01234567ADKLMSVXgx", block->type) == NULL ?
	    block->type :
	    '\0';
}

void untold_header_forget(struct untold_header *untold) {
	untold->has_mtime = false;
	untold->malformed[0] = '\0';
	untold->unknown_type = '\0';
	untold->refused = NULL;
}

size_t untold_header_look(struct untold_header *untold, const char *data, size_t nbytes) {
	struct tar_block block;
	uint64_t content;
	size_t at = 0;

	untold_header_forget(untold);
	for (int i = 0; i < NHEADERS_MAX; i++) {
		if (nbytes < at + sizeof(block))
			return at + sizeof(block);
		memcpy(&block, data + at, sizeof(block));
		if (!extended_header_read(&block, &content) || content > RECORDS_NBYTES_MAX) {
			untold->unknown_type = unknown_type(&block);
			untold->refused = refusal(&block);
			read_fields(untold, &block);
			break;
		}
		at += sizeof(block);
		if (nbytes < at + content)
			return at + content;
		if (block.type == 'x')
			read_records(untold, data + at, data + at + content);
		if (block.type == 'g')
			read_global_records(untold, data + at, data + at + content);
		at += tar_padded(content);
	}
	return 0;
}
