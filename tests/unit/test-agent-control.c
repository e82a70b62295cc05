// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The control socket's protocol, without a socket and without a datapath. */
#include "suite.h"

#include <errno.h>
#include <string.h>

#include "../../examples/agent/agent.h"
#include "../../examples/agent/control.h"

static struct agent agent;
static struct conn *conn;

static void setup(void)
{
	memset(&agent, 0, sizeof(agent));
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &agent.ctx), 0);
	ck_assert_int_eq(ebpfnet_diag_new(&agent.diag), 0);
	ck_assert_int_eq(conn_new(&agent, -1, &conn), 0);
}

static void teardown(void)
{
	conn_free(conn);
	ebpfnet_diag_free(agent.diag);
	ebpfnet_ctx_unref(agent.ctx);
}

/* Feeds bytes and returns the first answer. */
static json_t *ask(const char *text)
{
	size_t len;
	char *out;
	json_t *answer;

	conn_input(conn, text, strlen(text));
	out = conn_take(conn, &len);
	ck_assert_uint_gt(len, 0);
	ck_assert_int_eq(out[len - 1], '\n');
	answer = json_loadb(out, (size_t)(strchr(out, '\n') - out), 0, NULL);
	ck_assert_ptr_nonnull(answer);
	free(out);
	return answer;
}

static const char *error_code(const json_t *answer)
{
	const char *code = json_string_value(json_object_get(json_object_get(answer, "error"), "code"));

	return code ? code : "";
}

START_TEST(hello_names_the_protocol)
{
	json_t *a = ask("{\"id\": 1, \"method\": \"hello\"}\n"), *r = json_object_get(a, "result");

	ck_assert_int_eq(json_integer_value(json_object_get(a, "id")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(r, "protocol")), CONTROL_PROTOCOL);
	ck_assert_str_eq(json_string_value(json_object_get(r, "version")), ebpfnet_version());
	json_decref(a);
	a = ask("{\"id\": \"x\", \"method\": \"version\", \"params\": {}}\n");
	ck_assert_str_eq(json_string_value(json_object_get(a, "id")), "x");
	json_decref(a);
}
END_TEST

static const struct {
	const char *line, *code, *path;
} wrong[] = {
	{ "x", "EPROTO", NULL },
	{ "[]", "EPROTO", NULL },
	{ "{\"id\":1", "EPROTO", NULL },
	{ "{\"id\":1,\"id\":2,\"method\":\"hello\"}", "EPROTO", NULL },
	{ "{}", "EINVAL", "id" },
	{ "{\"id\":[],\"method\":\"hello\"}", "EINVAL", "id" },
	{ "{\"id\":1.5,\"method\":\"hello\"}", "EINVAL", "id" },
	{ "{\"id\":1}", "EINVAL", "method" },
	{ "{\"id\":1,\"method\":7}", "EINVAL", "method" },
	{ "{\"id\":1,\"method\":\"hello\",\"params\":[]}", "EINVAL", "params" },
	{ "{\"id\":1,\"method\":\"hello\",\"x\":0}", "EINVAL", "x" },
	{ "{\"id\":1,\"method\":\"hello\",\"params\":{\"a\":1}}", "EINVAL", "a" },
	{ "{\"id\":1,\"method\":\"cancel\",\"params\":{\"id i\":1}}", "EINVAL", "id i" },
	{ "{\"id\":1,\"method\":\"cancel\",\"params\":{\"\":1}}", "EINVAL", "" },
	{ "{\"id\":1,\"method\":\"nothing\"}", "ENOSYS", NULL },
	{ "{\"id\":1,\"method\":\"\"}", "ENOSYS", NULL },
	{ "{\"id\":1,\"method\":\"cancel\"}", "EINVAL", "id" },
	{ "{\"id\":1,\"method\":\"cancel\",\"params\":{\"id\":5}}", "ENOENT", "id" },
	{ "{\"id\":1,\"method\":\"status\"}", "EBUSY", NULL },
	{ "{\"id\":1,\"method\":\"endpoint.list\"}", "EBUSY", NULL },
	{ "{\"id\":1,\"method\":\"endpoint.create\",\"params\":{\"name\":\"a\"}}", "EBUSY", NULL },
	{ "{\"id\":1,\"method\":\"policy.set\",\"params\":{\"text\":\"x\"}}", "EBUSY", NULL },
	{ "{\"id\":1,\"method\":\"ct.list\",\"params\":{\"src\":\"1.2.3\"}}", "EBUSY", NULL },
	{ "{\"id\":1,\"method\":\"observe\"}", "EBUSY", NULL },
	{ "{\"id\":1,\"method\":\"config.apply\"}", "EBUSY", NULL },
	{ "{\"id\":1,\"method\":\"upgrade\"}", "EBUSY", NULL },
};

START_TEST(wrong_requests_are_answered)
{
	char line[512];
	json_t *a;
	const char *path;

	snprintf(line, sizeof(line), "%s\n", wrong[_i].line);
	a = ask(line);
	ck_assert_str_eq(error_code(a), wrong[_i].code);
	path = json_string_value(json_object_get(json_object_get(a, "error"), "path"));
	if (wrong[_i].path && *wrong[_i].path)
		ck_assert_str_eq(path ? path : "", wrong[_i].path);
	json_decref(a);
	/* and the connection goes on */
	a = ask("{\"id\":2,\"method\":\"hello\"}\n");
	ck_assert_int_eq(json_integer_value(json_object_get(a, "id")), 2);
	json_decref(a);
}
END_TEST

START_TEST(bytes_may_come_one_by_one)
{
	static const char text[] = "\n\r\n{\"id\":1,\"method\":\"hello\"}\n{\"id\":2,\"method\":\"hello\"}\n";
	size_t len, lines = 0;
	char *out;

	for (const char *p = text; *p; p++)
		ck_assert_int_eq(conn_input(conn, p, 1), 0);
	out = conn_take(conn, &len);
	for (size_t i = 0; i < len; i++)
		lines += out[i] == '\n';
	ck_assert_uint_eq(lines, 2);
	free(out);
}
END_TEST

START_TEST(a_line_has_a_limit)
{
	static char part[1 << 20];
	size_t len, sent = 0;
	char *out;
	int err = 0;

	memset(part, 'x', sizeof(part));
	while (!err && sent < 2 * (size_t)CONTROL_LINE) {
		err = conn_input(conn, part, sizeof(part));
		sent += sizeof(part);
	}
	ck_assert_int_eq(err, -EMSGSIZE);
	ck_assert_uint_le(sent, CONTROL_LINE + 2 * sizeof(part));
	out = conn_take(conn, &len);
	ck_assert_ptr_nonnull(strstr(out, "EMSGSIZE"));
	free(out);
}
END_TEST

/* Who asks and does not read the answers is not answered without end. */
START_TEST(a_deaf_client_takes_bounded_memory)
{
	static const char line[] = "{\"id\":1,\"method\":\"nothing\"}\n";
	size_t before;

	for (int i = 0; i < 100000 && conn_wants_input(conn); i++)
		conn_input(conn, line, strlen(line));
	ck_assert(!conn_wants_input(conn));
	before = conn_queued(conn);
	ck_assert_uint_le(before, CONTROL_QUEUE + 1024);
	conn_input(conn, line, strlen(line));
	ck_assert_uint_eq(conn_queued(conn), before);
}
END_TEST

START_TEST(a_slow_watcher_loses_and_is_told)
{
	json_t *a = ask("{\"id\":\"w\",\"method\":\"watch\"}\n");
	struct stream *s = conn_streams(conn);
	size_t len, n = 0;
	char *out;

	ck_assert(json_is_true(json_object_get(json_object_get(a, "result"), "watching")));
	json_decref(a);
	ck_assert_ptr_nonnull(s);
	for (int i = 0; i < 100000; i++)
		conn_stream_text(conn, s, "change", "{\"kind\":\"endpoint\"}");
	ck_assert_uint_gt(s->lost, 0);
	ck_assert_uint_le(conn_queued(conn), CONTROL_STREAM_QUEUE + 1024);
	out = conn_take(conn, &len);
	for (size_t i = 0; i < len; i++)
		n += out[i] == '\n';
	ck_assert_uint_eq(n + s->lost, 100000);
	free(out);
	conn_stream_text(conn, s, "change", "{}");
	out = conn_take(conn, &len);
	ck_assert_ptr_nonnull(strstr(out, "{\"id\":\"w\",\"result\":{\"lost\":"));
	ck_assert_uint_eq(s->lost, 0);
	free(out);
}
END_TEST

START_TEST(streams_are_counted_and_cancelled)
{
	char line[128];
	json_t *a;

	for (int i = 0; i < CONTROL_STREAMS; i++) {
		snprintf(line, sizeof(line), "{\"id\":%d,\"method\":\"watch\"}\n", i);
		a = ask(line);
		ck_assert_ptr_nonnull(json_object_get(a, "result"));
		json_decref(a);
	}
	a = ask("{\"id\":99,\"method\":\"watch\"}\n");
	ck_assert_str_eq(error_code(a), "EBUSY");
	json_decref(a);
	a = ask("{\"id\":100,\"method\":\"cancel\",\"params\":{\"id\":3}}\n");
	ck_assert_ptr_null(json_object_get(a, "error"));
	json_decref(a);
	a = ask("{\"id\":4,\"method\":\"watch\"}\n");
	ck_assert_str_eq(error_code(a), "EBUSY");
	json_decref(a);
	a = ask("{\"id\":99,\"method\":\"watch\"}\n");
	ck_assert_ptr_nonnull(json_object_get(a, "result"));
	json_decref(a);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		hello_names_the_protocol, bytes_may_come_one_by_one, a_line_has_a_limit,
		a_deaf_client_takes_bounded_memory, a_slow_watcher_loses_and_is_told,
		streams_are_counted_and_cancelled,
	};
	Suite *suite = suite_create("agent-control");
	TCase *tc = tcase_create("control");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, wrong_requests_are_answered, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
