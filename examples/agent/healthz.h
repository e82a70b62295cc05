/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Health ports of services: balancers outside ask there whether this node has a backend for their clients. A GET of any path is
 * answered with {"service": NAME, "localEndpoints": N}, and with 200 while N is not 0, else with 503. In the agent's own
 * network namespace, at every address of it.
 *
 * At most HEALTHZ_CLIENTS connections are there at a time; one more takes the place of the one that has been there longest, so
 * that who says nothing keeps nobody out. Each has HEALTHZ_MS for all it wants.
 */
#ifndef AGENT_HEALTHZ_H
#define AGENT_HEALTHZ_H

#include "agent.h"

#define HEALTHZ_CLIENTS 128
#define HEALTHZ_MS 5000

/* Listens where the services of the conf in force say, and nowhere else any more. What cannot be is tried again. */
void agent_healthz_apply(struct agent *a);
/* Does what is due. Milliseconds until more is, -1: nothing will be. */
int agent_healthz_run(struct agent *a);
void agent_healthz_close(struct agent *a);
/* For an answer: "health_port_error" of a service whose port cannot be listened at. */
void agent_healthz_show(struct agent *a, const char *service, json_t *ret);

#endif
