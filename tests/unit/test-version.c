// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <check.h>
#include <stdlib.h>

#include <ebpfnet/version.h>

START_TEST(version_is_configures)
{
	ck_assert_str_eq(ebpfnet_version(), PACKAGE_VERSION);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("version");
	TCase *tc = tcase_create("version");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, version_is_configures);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
