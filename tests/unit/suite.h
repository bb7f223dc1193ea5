#ifndef TARN_TEST_SUITE_H
#define TARN_TEST_SUITE_H

#include <check.h>
#include <stdlib.h>

/* What unit tests begin and end with. */

#define NELEMENTS(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Run ${suite}, and say for main how it went. */
static inline int run_suite(Suite *suite) {
	SRunner *runner = srunner_create(suite);
	int nfailed;

	srunner_run_all(runner, CK_ENV);
	nfailed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return nfailed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
