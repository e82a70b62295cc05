// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <ebpfnet/version.h>

/* configure.ac is where the version is set; the build passes it here as PACKAGE_VERSION. */
_Static_assert(__builtin_strcmp(EBPFNET_VERSION, PACKAGE_VERSION) == 0,
	       "version.h and configure.ac disagree");

#define STR_(x) #x
#define STR(x) STR_(x)
_Static_assert(__builtin_strcmp(EBPFNET_VERSION, STR(EBPFNET_VERSION_MAJOR) "."
				STR(EBPFNET_VERSION_MINOR) "."
				STR(EBPFNET_VERSION_PATCH)) == 0,
	       "version.h disagrees with itself");

const char *ebpfnet_version(void)
{
	return EBPFNET_VERSION;
}
