// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../common/filter.h"
#include "agent.h"

const char *control_code(int err)
{
	static const struct { int err; const char *code; } codes[] = {
#define CODE(e) { e, #e }
		CODE(EACCES), CODE(EADDRINUSE), CODE(EAFNOSUPPORT), CODE(EAGAIN), CODE(EBADMSG), CODE(EBUSY),
		CODE(ECANCELED), CODE(E2BIG),
		CODE(EEXIST), CODE(EINVAL), CODE(EMSGSIZE), CODE(ENODEV), CODE(ENOENT),
		CODE(ENOMEM), CODE(ENOSPC), CODE(ENOTDIR), CODE(ENOSYS), CODE(EOPNOTSUPP), CODE(EPERM),
		CODE(EPROTO), CODE(ERANGE), CODE(EROFS), CODE(ESTALE),
#undef CODE
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].err == err)
			return codes[i].code;
	return "EIO";
}

int call_error(struct call *call, int err, const char *where, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(call->message, sizeof(call->message), fmt, ap);
	va_end(ap);
	snprintf(call->where, sizeof(call->where), "%s", where ? where : "");
	return err;
}

int call_report(struct call *call, int err, const struct report *report)
{
	const struct report_message *m = report->n ? &report->messages[0] : NULL;

	if (!m)
		return call_error(call, err, NULL, "%s", strerror(-err));
	if (m->path && m->line)
		return call_error(call, err, m->where, "%s:%u: %s", m->path, m->line, m->text);
	if (m->line > 1)
		return call_error(call, err, m->where, "line %u: %s", m->line, m->text);
	return call_error(call, err, m->where, "%s", m->text);
}

int call_needs_datapath(struct call *call)
{
	if (call->agent->dp && call->agent->conf)
		return 0;
	return call_error(call, -EBUSY, NULL, "the datapath is not there yet");
}

int param_text(struct call *call, const char *key, bool required, const char **ret)
{
	const json_t *v = json_object_get(call->params, key);

	if (!v && !required)
		return 0;
	if (!v)
		return call_error(call, -EINVAL, key, "\"%s\" is missing", key);
	if (!json_is_string(v) || (required && !json_string_length(v)))
		return call_error(call, -EINVAL, key, "a text is expected");
	*ret = json_string_value(v);
	return 0;
}

int param_number(struct call *call, const char *key, uint64_t max, uint64_t *ret)
{
	const json_t *v = json_object_get(call->params, key);

	if (!v)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max)
		return call_error(call, -EINVAL, key, "a number up to %llu is expected",
				  (unsigned long long)max);
	*ret = (uint64_t)json_integer_value(v);
	return 0;
}

int param_bool(struct call *call, const char *key, bool *ret)
{
	const json_t *v = json_object_get(call->params, key);

	if (!v)
		return 0;
	if (!json_is_boolean(v))
		return call_error(call, -EINVAL, key, "true or false is expected");
	*ret = json_is_true(v);
	return 0;
}

int param_addr(struct call *call, const char *key, struct ebpfnet_addr *ret)
{
	const char *text = NULL;
	int err = param_text(call, key, true, &text);

	if (err < 0)
		return err;
	if (ebpfnet_addr_parse(text, ret) < 0)
		return call_error(call, -EINVAL, key, "not an address");
	return 0;
}

int param_ct_filter(struct call *call, struct ebpfnet_ct_filter *ret)
{
	const char *key = NULL;

	if (ct_filter_read(call->params, ret, &key) < 0)
		return call_error(call, -EINVAL, key, "not a value for \"%s\"", key);
	return 0;
}
