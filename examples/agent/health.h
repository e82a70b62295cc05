/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Health of the services' backends: checks, as the services' "health_check" says, and what follows from them. A backend whose
 * state the configuration names is left alone: not checked, and what the configuration says.
 *
 * At most HEALTH_IN_FLIGHT checks are on their way at a time, HEALTH_OF_UNHEALTHY of them of unhealthy backends, which do not
 * answer: those that are due wait meanwhile, but not for the timeouts of what is down anyway.
 */
#ifndef AGENT_HEALTH_H
#define AGENT_HEALTH_H

#include "../common/service.h"
#include "agent.h"

#define HEALTH_IN_FLIGHT 256
#define HEALTH_OF_UNHEALTHY 128

/* At the start, before services are applied: what checks of the last run had taken out is known as unhealthy. */
void agent_health_adopt(struct agent *a, const struct conf *conf);
/* Checks what the conf in force says, and nothing else any more. What is known of backends that stay is kept. */
void agent_health_apply(struct agent *a);
/* Puts what is known into a service that is about to be applied: unhealthy backends are quarantined. */
void agent_health_overlay(struct agent *a, const json_t *spec, struct service *s);
/* Does what is due. Milliseconds until more is, -1: nothing will be. */
int agent_health_run(struct agent *a);
/* Ends all checks. */
void agent_health_close(struct agent *a);

/* For answers: "checked" and "healthy" of a list's line; "health" of each of a service's backends. */
void agent_health_count(struct agent *a, const struct conf_service *c, json_t *line);
void agent_health_show(struct agent *a, const struct conf_service *c, json_t *service);

#endif
