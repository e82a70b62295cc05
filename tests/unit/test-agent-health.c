// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The agent's checks of backends: what may be asked for, and how each kind of answer is taken, over the loopback device. */
#include "suite.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "../../examples/agent/probe.h"

static const struct {
	const char *json, *why;
} wrong[] = {
	{ "{}", "of type" },
	{ "{\"type\": \"icmp\"}", "of type" },
	{ "{\"type\": 1}", "of type" },
	{ "{\"type\": \"tcp\", \"port\": 0}", "a port is" },
	{ "{\"type\": \"tcp\", \"port\": 65536}", "a port is" },
	{ "{\"type\": \"tcp\", \"port\": \"80\"}", "a port is" },
	{ "{\"type\": \"tcp\", \"path\": \"/\"}", "has no path" },
	{ "{\"type\": \"http\", \"path\": \"x\"}", "a path begins" },
	{ "{\"type\": \"http\", \"path\": \"/a b\"}", "a path begins" },
	{ "{\"type\": \"http\", \"path\": \"/a\\r\\nX: y\"}", "a path begins" },
	{ "{\"type\": \"http\", \"path\": 7}", "a path begins" },
	{ "{\"type\": \"tcp\", \"interval_ms\": 9}", "interval_ms is" },
	{ "{\"type\": \"tcp\", \"interval_ms\": 86400001}", "interval_ms is" },
	{ "{\"type\": \"tcp\", \"interval_ms\": 100, \"timeout_ms\": 101}", "timeout_ms is" },
	{ "{\"type\": \"tcp\", \"timeout_ms\": 5001}", "timeout_ms is" },
	{ "{\"type\": \"tcp\", \"timeout_ms\": 0}", "timeout_ms is" },
	{ "{\"type\": \"tcp\", \"rise\": 0}", "rise and fall" },
	{ "{\"type\": \"tcp\", \"fall\": 1001}", "rise and fall" },
};

START_TEST(wrong_checks_are_refused)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_t *item = json_loads(wrong[i].json, 0, NULL);
		const char *why = NULL;
		struct check c;

		ck_assert_ptr_nonnull(item);
		ck_assert_int_eq(check_read(item, &c, &why), -EINVAL);
		if (!strstr(why, wrong[i].why))
			ck_abort_msg("%s: %s", wrong[i].json, why);
		json_decref(item);
	}
}
END_TEST

START_TEST(a_check_is_what_it_says)
{
	json_t *item = json_pack("{s:s, s:i, s:s, s:i, s:i, s:i, s:i}", "type", "http", "port", 8080, "path", "/up?x=1",
				 "interval_ms", 200, "timeout_ms", 100, "rise", 1, "fall", 4);
	struct ebpfnet_backend b[2] = { { .port = 80 }, { .port = 80, .protocol = IPPROTO_UDP } };
	const char *why = NULL;
	struct check c;

	ck_assert_int_eq(check_read(item, &c, &why), 0);
	ck_assert_int_eq(c.type, CHECK_HTTP);
	ck_assert_uint_eq(c.port, 8080);
	ck_assert_str_eq(c.path, "/up?x=1");
	ck_assert_uint_eq(c.config.interval_ms, 200);
	ck_assert_uint_eq(c.config.timeout_ms, 100);
	ck_assert_uint_eq(c.config.rise, 1);
	ck_assert_uint_eq(c.config.fall, 4);
	ck_assert_int_eq(check_fits(&c, b, 2, &why), 0);
	json_object_del(item, "port");
	json_object_del(item, "path");
	ck_assert_int_eq(check_read(item, &c, &why), 0);
	ck_assert_str_eq(c.path, "/");
	ck_assert_int_eq(check_fits(&c, b, 1, &why), 0);
	ck_assert_int_eq(check_fits(&c, b, 2, &why), -EINVAL);
	b[0].port = 0;
	ck_assert_int_eq(check_fits(&c, b, 1, &why), -EINVAL);
	json_decref(item);
}
END_TEST

START_TEST(the_status_of_an_answer)
{
	static const struct {
		const char *text;
		int status;
	} t[] = {
		{ "", 0 }, { "H", 0 }, { "HTTP/1.1 20", 0 }, { "HTTP/1.1 200", 0 }, { "HTTP/1.1 200 ", 200 },
		{ "HTTP/1.0 404 N", 404 }, { "HTTP/1.1 599\r", 599 }, { "HTTP/1.1 301\n", 301 }, { "HTTP/1.1 2000", -1 },
		{ "HTTP/1.1 099 ", -1 }, { "HTTP/1.1 600 ", -1 }, { "HTTP/1.1  200", -1 }, { "HTTP/11 200 ", -1 },
		{ "http/1.1 200 ", -1 }, { "SSH-2", -1 }, { "HTTP/1.1 2x", -1 }, { "HTTP/1.1\t", -1 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ck_assert_int_eq(probe_http_status(t[i].text, strlen(t[i].text)), t[i].status);
}
END_TEST

/* ---- over sockets */

static int listener;
static struct ebpfnet_backend here = { .protocol = IPPROTO_TCP };

static void listen_here(const char *address)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(sa);

	ck_assert_int_eq(ebpfnet_addr_parse(address, &here.addr), 0);
	memcpy(&sa.sin6_addr, here.addr.b, sizeof(sa.sin6_addr));
	listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&sa, &len), 0);
	here.port = ntohs(sa.sin6_port);
}

/* Goes on as the agent's loop does. PROBE_WAITS: nothing happens for so long. */
static enum probe_result wait_for(struct probe *p, int ms)
{
	enum probe_result r = PROBE_WAITS;

	while (r == PROBE_WAITS) {
		/* epoll's numbers are those of poll */
		struct pollfd pfd = { .fd = p->fd, .events = (short)probe_events(p) };

		if (poll(&pfd, 1, ms) != 1)
			return PROBE_WAITS;
		r = probe_ready(p);
	}
	return r;
}

START_TEST(a_connection_is_good)
{
	struct check c = { .type = CHECK_TCP };
	struct probe p;

	listen_here(_i ? "127.0.0.1" : "::1");
	ck_assert_int_eq(probe_begin(&p, &c, &here), PROBE_WAITS);
	ck_assert_int_eq(wait_for(&p, 10000), PROBE_GOOD);
	probe_end(&p);
	ck_assert_int_eq(p.fd, -1);
	probe_end(&p);
	/* the check's port before the backend's */
	c.port = here.port;
	here.port = 1;
	ck_assert_int_eq(probe_begin(&p, &c, &here), PROBE_WAITS);
	ck_assert_int_eq(wait_for(&p, 10000), PROBE_GOOD);
	probe_end(&p);
	close(listener);
	if (probe_begin(&p, &c, &here) == PROBE_WAITS)
		ck_assert_int_eq(wait_for(&p, 10000), PROBE_BAD);
	ck_assert_str_eq(p.why, strerror(ECONNREFUSED));
	probe_end(&p);
}
END_TEST

static const struct answer {
	const char *text;
	enum probe_result result;
	const char *why;
} answers[] = {
	{ "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", PROBE_GOOD, "" },
	{ "HTTP/1.1 399 x\r\n", PROBE_GOOD, "" },
	{ "HTTP/1.1 400 x\r\n", PROBE_BAD, "HTTP status 400" },
	{ "HTTP/1.1 503 x\r\n", PROBE_BAD, "HTTP status 503" },
	{ "HTTP/1.1 199 x\r\n", PROBE_BAD, "HTTP status 199" },
	{ "SSH-2.0-OpenSSH_9.2\r\n", PROBE_BAD, "not HTTP" },
	{ "HTTP/1.1 20", PROBE_BAD, "ended in its first line" },
	{ "", PROBE_BAD, "without an answer" },
};

START_TEST(an_answer_is_taken_as_it_is)
{
	const struct answer *a = &answers[_i];
	struct check c = { .type = CHECK_HTTP, .path = "/up" };
	char request[512] = "", expected[128];
	struct probe p;
	int fd;

	listen_here("127.0.0.1");
	ck_assert_int_eq(probe_begin(&p, &c, &here), PROBE_WAITS);
	ck_assert_int_eq(wait_for(&p, 100), PROBE_WAITS);
	fd = accept(listener, NULL, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(recv(fd, request, sizeof(request) - 1, 0), 0);
	snprintf(expected, sizeof(expected), "GET /up HTTP/1.0\r\nHost: 127.0.0.1:%u\r\n", here.port);
	ck_assert_int_eq(strncmp(request, expected, strlen(expected)), 0);
	ck_assert_str_eq(request + strlen(request) - 4, "\r\n\r\n");
	/* byte by byte: a status may come in pieces */
	for (const char *t = a->text; *t && t < a->text + 13; t++) {
		ck_assert_int_eq(send(fd, t, 1, MSG_NOSIGNAL), 1);
		if (t - a->text < 12 && t[1] && a->text[0] == 'H')
			ck_assert_int_eq(wait_for(&p, 1), PROBE_WAITS);
	}
	shutdown(fd, SHUT_WR);
	ck_assert_int_eq(wait_for(&p, 10000), a->result);
	ck_assert_ptr_nonnull(strstr(p.why, a->why));
	probe_end(&p);
	close(fd);
	close(listener);
}
END_TEST

START_TEST(who_is_reset_is_bad)
{
	struct linger at_once = { .l_onoff = 1 };
	struct check c = { .type = CHECK_HTTP, .path = "/" };
	struct probe p;
	int fd;

	listen_here("127.0.0.1");
	ck_assert_int_eq(probe_begin(&p, &c, &here), PROBE_WAITS);
	ck_assert_int_eq(wait_for(&p, 100), PROBE_WAITS);
	fd = accept(listener, NULL, NULL);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	close(fd);
	ck_assert_int_eq(wait_for(&p, 10000), PROBE_BAD);
	ck_assert_str_eq(p.why, strerror(ECONNRESET));
	probe_end(&p);
	close(listener);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("agent-health");
	TCase *tc = tcase_create("agent-health");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	tcase_add_test(tc, wrong_checks_are_refused);
	tcase_add_test(tc, a_check_is_what_it_says);
	tcase_add_test(tc, the_status_of_an_answer);
	tcase_add_loop_test(tc, a_connection_is_good, 0, 2);
	tcase_add_loop_test(tc, an_answer_is_taken_as_it_is, 0, sizeof(answers) / sizeof(answers[0]));
	tcase_add_test(tc, who_is_reset_is_bad);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
