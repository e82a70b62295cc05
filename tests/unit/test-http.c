// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The agent's side of HTTP: which requests it takes, in whatever pieces they come, and what it answers. */
#include "suite.h"

#include <errno.h>
#include <string.h>

#include "../../examples/agent/http.h"

static const struct {
	const char *text;
	int status;
	bool head;
} requests[] = {
	{ "GET /healthz HTTP/1.1\r\nHost: a\r\nUser-Agent: kube-probe/1.0\r\n\r\n", 200, false },
	{ "GET / HTTP/1.0\r\n\r\n", 200, false },
	{ "GET /any/path?x=1 HTTP/1.1\nHost: a\n\n", 200, false },
	{ "HEAD / HTTP/1.1\r\nHost:\r\nX:\ta b\r\n\r\n", 200, true },
	{ "\r\nGET / HTTP/1.1\r\n\r\n", 200, false },
	{ "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405, false },
	{ "BREW / HTTP/1.1\r\n\r\n", 501, false },
	{ "get / HTTP/1.1\r\n\r\n", 501, false },
	{ "GET / HTTP/2.0\r\n\r\n", 505, false },
	{ "GET / HTTP/1\r\n\r\n", 400, false },
	{ "GET / XTTP/1.1\r\n\r\n", 400, false },
	{ "GET /\r\n\r\n", 400, false },
	{ "GET  HTTP/1.1\r\n\r\n", 400, false },
	{ " / HTTP/1.1\r\n\r\n", 400, false },
	{ "GET /\x01 HTTP/1.1\r\n\r\n", 400, false },
	{ "G\"T / HTTP/1.1\r\n\r\n", 400, false },
	{ "GET / HTTP/1.1 x\r\n\r\n", 400, false },
	{ "GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, false },
	{ "GET / HTTP/1.1\r\nA : b\r\n\r\n", 400, false },
	{ "GET / HTTP/1.1\r\nA: \x01\r\n\r\n", 400, false },
	{ "GET / HTTP/1.1\r\n: b\r\n\r\n", 400, false },
	{ "\r\n\r\n", 400, false },
};

START_TEST(a_request_is_known_when_it_is_whole)
{
	const char *text = requests[_i].text;
	struct http_request r;
	size_t whole = strlen(text), n;

	ck_assert_int_eq(http_read(text, whole, false, &r), 1);
	ck_assert_int_eq(r.status, requests[_i].status);
	ck_assert_int_eq(r.head, requests[_i].head);
	/* a body is not waited for */
	if (strstr(text, "abc"))
		whole -= 3;
	for (n = 0; n < whole; n++) {
		ck_assert_int_eq(http_read(text, n, false, &r), 0);
		/* and that ends there */
		ck_assert_int_eq(http_read(text, n, true, &r), 1);
		ck_assert_int_eq(r.status, 400);
	}
}
END_TEST

START_TEST(what_is_too_long_is_said_so)
{
	static char text[HTTP_REQUEST_MAX];
	struct http_request r;

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(http_read(text, sizeof(text) - 1, false, &r), 0);
	ck_assert_int_eq(http_read(text, sizeof(text), false, &r), 1);
	ck_assert_int_eq(r.status, 414);
	memcpy(text, "GET / HTTP/1.1\r\n", 16);
	ck_assert_int_eq(http_read(text, sizeof(text), false, &r), 1);
	ck_assert_int_eq(r.status, 431);
}
END_TEST

START_TEST(anything_is_read_inside_its_bounds)
{
	static const char some[] = "GET / HTTP/1.1\r\n:A b\n\t\x01\xff";
	struct http_request r;
	unsigned int i, k, n;
	char *text;

	srand(7);
	for (i = 0; i < 20000; i++) {
		n = (unsigned int)rand() % 60;
		/* to the byte, for who checks */
		text = malloc(n ? n : 1);
		ck_assert_ptr_nonnull(text);
		for (k = 0; k < n; k++)
			text[k] = some[(unsigned int)rand() % (sizeof(some) - 1)];
		if (http_read(text, n, rand() & 1, &r))
			ck_assert_int_ge(r.status, 200);
		free(text);
	}
}
END_TEST

START_TEST(an_answer_is_whole)
{
	char buf[512];
	int n = http_answer(buf, sizeof(buf), 503, false, "{\"a\":0}");

	ck_assert_int_eq(n, (int)strlen(buf));
	ck_assert_ptr_eq(strstr(buf, "HTTP/1.1 503 Service Unavailable\r\n"), buf);
	ck_assert_ptr_nonnull(strstr(buf, "\r\nContent-Length: 7\r\n"));
	ck_assert_ptr_nonnull(strstr(buf, "\r\nConnection: close\r\n"));
	ck_assert_str_eq(strstr(buf, "\r\n\r\n"), "\r\n\r\n{\"a\":0}");
	n = http_answer(buf, sizeof(buf), 405, true, "{\"a\":0}");
	ck_assert_ptr_nonnull(strstr(buf, "\r\nAllow: GET, HEAD\r\n"));
	ck_assert_str_eq(strstr(buf, "\r\n\r\n"), "\r\n\r\n");
	ck_assert_int_eq(http_answer(buf, (size_t)n, 405, true, "{\"a\":0}"), -ENOBUFS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http");
	TCase *tc = tcase_create("http");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_loop_test(tc, a_request_is_known_when_it_is_whole, 0, sizeof(requests) / sizeof(requests[0]));
	tcase_add_test(tc, what_is_too_long_is_said_so);
	tcase_add_test(tc, anything_is_read_inside_its_bounds);
	tcase_add_test(tc, an_answer_is_whole);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
