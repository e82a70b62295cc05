/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The words of services, in order of the library's enums; each list ends with NULL. */
#ifndef EXAMPLES_SERVICE_NAMES_H
#define EXAMPLES_SERVICE_NAMES_H

#include <stdint.h>

extern const char *const service_kinds[];
extern const char *const service_states[];
extern const char *const service_algorithms[];
extern const char *const service_policies[];
extern const char *const service_forwardings[];	/* those that there are in this version */
extern const char *const service_answers[];
extern const char *const service_protocols[];
extern const uint8_t service_protocol_numbers[];	/* of service_protocols */

#endif
