#include "config.h"

#include "unput_member.h"

#include <errno.h>
#include <string.h>

/*
 * Which words a member is missed in.  What a file system cannot hold may be a large part of an
 * archive, so it is counted and said in one line at the end; anything else has a line of its own.
 * What exists is said as GNU tar says it, and is no failure with --skip-old-files.
 */

/* As GNU tar names the call that failed, for what is neither a link nor a symbolic link. */
static const char *call_for(const struct entry *e) {
	switch (e->type) {
	case ENTRY_FIFO:
		return "mkfifo";
	case ENTRY_FILE:
		return "open";
	case ENTRY_DIRECTORY:
		return "mkdir";
	default:
		return "mknod";
	}
}

/* Something is there already, and is not replaced. */
static void say_existing(struct report *report, const struct options *o, const struct entry *e) {
	struct error err;

	if (o->existing == EXISTING_SKIP && o->verbosity > 0)
		report_note(report, e->name, "skipping existing file");
	if (o->existing != EXISTING_KEEP)
		return;
	/* By way of an error, as that keeps the reason however long the target is. */
	if (e->first_name != NULL)
		err_set(&err, TARN_EXISTS, EEXIST, "Cannot hard link to '%s'", e->first_name);
	else if (e->target != NULL)
		err_set(&err, TARN_EXISTS, EEXIST, "Cannot create symlink to '%s'", e->target);
	else
		err_set(&err, TARN_EXISTS, EEXIST, "Cannot %s", call_for(e));
	report_error(report, e->name, &err);
}

/* Each implementation has its own error for that, and each of these can mean many other things. */
bool unput_member_may_be_forbidden(const struct entry *e, const struct error *err) {
	if (err->code != TARN_ESYSTEM ||
	    (err->errnum != EINVAL && err->errnum != EILSEQ && err->errnum != ENOENT &&
	        err->errnum != EPERM))
		return false;
	for (const char *c = e->name; *c != '\0'; c++) {
		if (strchr("\"*:<>?\\|", *c) != NULL || (unsigned char)*c < ' ' ||
		    ((*c == '.' || *c == ' ') && (c[1] == '/' || c[1] == '\0')))
			return true;
	}
	return false;
}

void unput_member_say(struct report *report, const struct options *o, const struct entry *e,
    const struct error *err) {
	if (err->code == TARN_EXISTS)
		say_existing(report, o, e);
	else if (err->code == TARN_UNHELD)
		report_count(report,
		    e->type == ENTRY_SYMLINK ? REPORT_LOST_SYMLINK : REPORT_LOST_SPECIAL, e->name,
		    0);
	else if (err->code == TARN_FOLDED)
		report_count(report, REPORT_LOST_FOLDED, e->name, 0);
	else if (err->code == TARN_NO_NAME)
		report_count(report, REPORT_LOST_NAME, e->name, 0);
	else
		report_error(report, e->name, err);
}
