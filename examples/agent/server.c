// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "server.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct control {
	struct source listener;		/* first: epoll points here */
	struct conn *conns;
	unsigned int n_conns;
	gid_t gid;
	char *path;
	dev_t dev;			/* of the socket we made */
	ino_t ino;
	uint64_t refused;
};

unsigned int control_clients(const struct agent *a)
{
	return a->control ? a->control->n_conns : 0;
}

static void drop(struct control *ctl, struct conn *c)
{
	for (struct conn **p = &ctl->conns; *p; p = &(*p)->next) {
		if (*p == c) {
			*p = c->next;
			break;
		}
	}
	ctl->n_conns--;
	agent_unwatch(c->agent, &c->source);
	agent_events_update(c->agent);
	conn_free(c);
}

/* What epoll should wake us for, after something happened. */
static void rearm(struct conn *c)
{
	struct epoll_event ev = { .data.ptr = &c->source };

	ev.events = (conn_wants_input(c) && !c->broken ? EPOLLIN : 0u) |
		    (conn_wants_output(c) || c->broken ? EPOLLOUT : 0u);
	if (ev.events == c->events)
		return;
	c->events = ev.events;
	epoll_ctl(c->agent->epoll_fd, EPOLL_CTL_MOD, c->source.fd, &ev);
}

static int read_some(struct conn *c)
{
	char buf[65536];
	ssize_t n = recv(c->source.fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	/* It says no more, but may still be listening: end when all is answered. */
	if (!n)
		conn_end(c);
	else
		conn_input(c, buf, (size_t)n);
	return 0;
}

static void on_conn(struct agent *a, struct source *s, uint32_t events)
{
	struct conn *c = (struct conn *)s;
	int err = 0;

	if (events & EPOLLIN && conn_wants_input(c) && !c->broken)
		err = read_some(c);
	if (!err)
		err = conn_output(c);
	if (!err && events & (EPOLLHUP | EPOLLERR))
		err = -ECONNRESET;
	if (err < 0) {
		drop(a->control, c);
		return;
	}
	rearm(c);
}

/* Root, the user the agent runs as, and members of the socket's group. */
static bool may_use(const struct control *ctl, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	gid_t groups[256];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	if (cred.uid == 0 || cred.uid == geteuid() || cred.gid == ctl->gid)
		return true;
	len = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == ctl->gid)
			return true;
	return false;
}

static void refuse(struct control *ctl, int fd, const char *line)
{
	ctl->refused++;
	if (send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		agent_log(EBPFNET_LOG_DEBUG, "a refused client did not listen");
	close(fd);
}

static void on_listener(struct agent *a, struct source *s, uint32_t events)
{
	struct control *ctl = (struct control *)s;
	struct conn *c;
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	if (!may_use(ctl, fd)) {
		refuse(ctl, fd, "{\"id\":null,\"error\":{\"code\":\"EACCES\",\"message\":"
			       "\"neither root nor in the socket's group\"}}\n");
		return;
	}
	if (ctl->n_conns == CONTROL_CLIENTS) {
		refuse(ctl, fd, "{\"id\":null,\"error\":{\"code\":\"EBUSY\",\"message\":"
			       "\"too many connections\"}}\n");
		return;
	}
	if (conn_new(a, fd, &c) < 0) {
		close(fd);
		return;
	}
	c->source.ready = on_conn;
	c->events = EPOLLIN;
	if (agent_watch(a, &c->source, EPOLLIN) < 0) {
		conn_free(c);
		return;
	}
	c->next = ctl->conns;
	ctl->conns = c;
	ctl->n_conns++;
}

/* A socket that nobody listens on is a crashed agent's; one that answers is not ours to take. */
static int clear_path(const struct sockaddr_un *sun)
{
	struct stat st;
	int fd, err = 0;

	if (lstat(sun->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) || errno == EAGAIN)
		err = -EADDRINUSE;
	close(fd);
	if (!err && unlink(sun->sun_path) < 0)
		err = -errno;
	return err;
}

static int bind_socket(struct control *ctl)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int err;

	if (strlen(ctl->path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, ctl->path, strlen(ctl->path));
	err = clear_path(&sun);
	if (err < 0)
		return err;
	ctl->listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ctl->listener.fd < 0)
		return -errno;
	/* Nobody but root until the group is set. */
	mask = umask(0177);
	err = bind(ctl->listener.fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ? -errno : 0;
	umask(mask);
	if (err < 0)
		return err;
	if (lstat(ctl->path, &st) < 0 || chown(ctl->path, (uid_t)-1, ctl->gid) < 0 ||
	    chmod(ctl->path, 0660) < 0 || listen(ctl->listener.fd, 16) < 0) {
		err = -errno;
		unlink(ctl->path);
		return err;
	}
	ctl->dev = st.st_dev;
	ctl->ino = st.st_ino;
	return 0;
}

int control_open(struct agent *a, const char *path, const char *group)
{
	struct control *ctl = calloc(1, sizeof(*ctl));
	struct group *gr;
	int err = -ENOMEM;

	if (!ctl)
		return -ENOMEM;
	ctl->listener.fd = -1;
	ctl->listener.ready = on_listener;
	ctl->gid = getegid();
	ctl->path = strdup(path);
	if (!ctl->path)
		goto fail;
	if (group) {
		gr = getgrnam(group);
		err = -ESRCH;
		if (!gr)
			goto fail;
		ctl->gid = gr->gr_gid;
	}
	err = bind_socket(ctl);
	if (!err)
		err = agent_watch(a, &ctl->listener, EPOLLIN);
	if (err < 0)
		goto fail;
	a->control = ctl;
	return 0;
fail:
	if (ctl->listener.fd >= 0)
		close(ctl->listener.fd);
	free(ctl->path);
	free(ctl);
	return err;
}

void control_close(struct agent *a)
{
	struct control *ctl = a->control;
	struct stat st;

	if (!ctl)
		return;
	while (ctl->conns) {
		conn_output(ctl->conns);
		drop(ctl, ctl->conns);
	}
	agent_unwatch(a, &ctl->listener);
	close(ctl->listener.fd);
	/* Not another agent's that took the path meanwhile. */
	if (!lstat(ctl->path, &st) && st.st_dev == ctl->dev && st.st_ino == ctl->ino)
		unlink(ctl->path);
	free(ctl->path);
	free(ctl);
	a->control = NULL;
}

/* ---- streams of all connections */

unsigned int control_streams(const struct agent *a, enum stream_kind kind)
{
	unsigned int n = 0;

	for (struct conn *c = a->control ? a->control->conns : NULL; c; c = c->next)
		for (struct stream *s = c->streams; s; s = s->next)
			n += s->kind == kind;
	return n;
}

bool control_has_observers(const struct agent *a)
{
	return control_streams(a, STREAM_OBSERVE);
}

int control_ct_run(struct agent *a)
{
	int ret = -1;

	for (struct conn *c = a->control ? a->control->conns : NULL; c; c = c->next) {
		struct stream *next;

		for (struct stream *s = c->streams; s; s = next) {
			int ms, err = 0;

			next = s->next;
			/* whose client has not taken what waits is asked again when it has: that wakes the loop */
			if (s->kind != STREAM_CT || conn_queued(c) > CONTROL_STREAM_QUEUE / 2)
				continue;
			if (!ct_stream_timeout(s->watch))
				err = ct_stream_run(c, s);
			ms = ct_stream_timeout(s->watch);
			if (err < 0)
				conn_end_stream(c, s, err, strerror(-err));
			else if (conn_queued(c) <= CONTROL_STREAM_QUEUE / 2 && (ret < 0 || ms < ret))
				ret = ms;
			rearm(c);
		}
	}
	return ret;
}

void control_changed(struct agent *a, const char *kind, const char *name, const char *op)
{
	char *text = NULL;

	for (struct conn *c = a->control ? a->control->conns : NULL; c; c = c->next) {
		for (struct stream *s = c->streams; s; s = s->next) {
			json_t *o;

			if (s->kind != STREAM_WATCH)
				continue;
			if (!text) {
				o = json_pack("{s:s, s:s, s:s}", "kind", kind, "name", name, "op", op);
				text = o ? json_dumps(o, JSON_COMPACT) : NULL;
				json_decref(o);
			}
			if (text)
				conn_stream_text(c, s, "change", text);
		}
		rearm(c);
	}
	free(text);
}

/* A flow as JSON; as a line of text when asked to, then quoted. NULL: too long or no memory. */
char *control_flow_body(const struct ebpfnet_flow *flow, bool text)
{
	char buf[8192], *body;
	json_t *line;
	int len = text ? ebpfnet_flow_to_text(flow, buf, sizeof(buf)) :
		  ebpfnet_flow_to_json(flow, 0, buf, sizeof(buf));

	if (len <= 0 || (size_t)len >= sizeof(buf))
		return NULL;
	if (!text)
		return strdup(buf);
	line = json_stringn(buf, (size_t)len);
	body = line ? json_dumps(line, JSON_ENCODE_ANY) : NULL;
	json_decref(line);
	return body;
}

void control_flow(struct agent *a, const struct ebpfnet_flow *flow)
{
	char *body[2] = { NULL, NULL };

	for (struct conn *c = a->control ? a->control->conns : NULL; c; c = c->next) {
		for (struct stream *s = c->streams; s; s = s->next) {
			if (s->kind != STREAM_OBSERVE ||
			    !ebpfnet_flow_filter_match(s->filter, flow))
				continue;
			if (!body[s->text])
				body[s->text] = control_flow_body(flow, s->text);
			if (body[s->text])
				conn_stream_text(c, s, s->text ? "text" : "flow", body[s->text]);
			else
				s->lost++;
		}
		rearm(c);
	}
	free(body[0]);
	free(body[1]);
}

void control_lost(struct agent *a, uint64_t lost)
{
	for (struct conn *c = a->control ? a->control->conns : NULL; c; c = c->next)
		for (struct stream *s = c->streams; s; s = s->next)
			if (s->kind == STREAM_OBSERVE)
				s->lost += lost;
}

void control_stale(struct agent *a)
{
	for (struct conn *c = a->control ? a->control->conns : NULL; c; c = c->next) {
		struct stream *s, *next;

		for (s = c->streams; s; s = next) {
			next = s->next;
			if (s->kind == STREAM_LIST && s->ct)
				conn_end_stream(c, s, -ESTALE, "the tables were replaced");
		}
		rearm(c);
	}
}
