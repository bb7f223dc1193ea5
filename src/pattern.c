#include "config.h"

#include "pattern.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * fnmatch() takes a microsecond or two, as it makes wide characters of both sides, and is called for
 * each component of a name.  Hundreds of patterns for a hundred thousand names take minutes so.  But
 * what stands between its wildcards is in all names that a pattern matches, and strstr() is fast.
 */

/*
 * The longest run of characters in ${text} that stand for themselves; *${nbytes} may be 0.  What is
 * between the first opening bracket and the last closing one may mean anything.
 */
static const char *longest_run(const char *text, size_t *nbytes) {
	const char *longest = text;
	size_t n;

	for (*nbytes = 0; *text != '\0'; text++) {
		n = strcspn(text, "*?[\\");
		if (n > *nbytes) {
			longest = text;
			*nbytes = n;
		}
		text += n;
		if (*text == '[' && strchr(text, ']') != NULL)
			text = strrchr(text, ']');
		else if (*text == '[' || *text == '\0')
			break;
		else if (*text == '\\' && text[1] != '\0')
			text++;
	}
	return longest;
}

int pattern_init(
    struct pattern *pattern, const char *text, const struct matching *how, struct error *err) {
	size_t nbytes = strlen(text);

	*pattern = (struct pattern){ .text = text, .how = how };
	/* Capital and small letters are more than strcasestr() knows. */
	if (how->ignore_case)
		return TARN_OK;
	if (how->wildcards)
		text = longest_run(text, &nbytes);
	if (nbytes == 0)
		return TARN_OK;
	pattern->needle = strndup(text, nbytes);
	return pattern->needle != NULL ? TARN_OK : err_nomem(err);
}

void pattern_fini(struct pattern *pattern) {
	free(pattern->needle);
}

bool pattern_is_literally(const char *text, const char *name, bool ignore_case) {
	size_t n = strlen(text);

	if ((ignore_case ? strncasecmp(text, name, n) : strncmp(text, name, n)) != 0)
		return false;
	return name[n] == '\0' || name[n] == '/';
}

/* At the start of ${name} alone; a match of a directory above it counts (FNM_LEADING_DIR). */
static bool matches_here(const struct pattern *p, const char *name) {
	int flags = FNM_LEADING_DIR | (p->how->wildcards_match_slash ? 0 : FNM_PATHNAME) |
	    (p->how->ignore_case ? FNM_CASEFOLD : 0);

	return p->how->wildcards ? fnmatch(p->text, name, flags) == 0 :
	                           pattern_is_literally(p->text, name, p->how->ignore_case);
}

bool pattern_matches(const struct pattern *pattern, const char *name) {
	if (pattern->needle != NULL && strstr(name, pattern->needle) == NULL)
		return false;
	if (matches_here(pattern, name))
		return true;
	if (pattern->how->anchored)
		return false;
	for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		/* Of several slashes in a row only the last one begins a component. */
		if (slash[1] != '/' && matches_here(pattern, slash + 1))
			return true;
	}
	return false;
}
