# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

# EBN_CC_FLAGS(VARIABLE, FLAGS): appends those of FLAGS that the C compiler takes to VARIABLE.
AC_DEFUN([EBN_CC_FLAGS], [
	for ebn_flag in m4_normalize([$2]); do
		AS_VAR_PUSHDEF([ebn_cache], [ebn_cv_cc_$ebn_flag])
		AC_CACHE_CHECK([whether $CC takes $ebn_flag], [ebn_cache], [
			ebn_saved=$CFLAGS
			CFLAGS="$CFLAGS -Werror $ebn_flag"
			AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
				[AS_VAR_SET([ebn_cache], [yes])], [AS_VAR_SET([ebn_cache], [no])])
			CFLAGS=$ebn_saved])
		AS_VAR_IF([ebn_cache], [yes], [$1="$$1 $ebn_flag"])
		AS_VAR_POPDEF([ebn_cache])
	done
])

# EBN_BPF_TOOLCHAIN: looks for clang >= 14 that can target BPF, and for bpftool. Sets CLANG and
# BPFTOOL, have_bpf_toolchain=yes|no and, when no, bpf_toolchain_lacks to what is missing.
AC_DEFUN([EBN_BPF_TOOLCHAIN], [
	have_bpf_toolchain=yes
	bpf_toolchain_lacks=
	AC_PATH_PROGS([CLANG],
		[clang clang-22 clang-21 clang-20 clang-19 clang-18 clang-17 clang-16 clang-15 clang-14])
	AC_PATH_PROGS([BPFTOOL], [bpftool], [], [$PATH:/usr/local/sbin:/usr/sbin:/sbin])
	AS_IF([test -z "$CLANG"],
		[bpf_toolchain_lacks="clang 14 or newer was not found"],
		[AC_MSG_CHECKING([for the version of $CLANG])
		ebn_clang_major=`echo __clang_major__ | "$CLANG" -E -P -x c - 2>/dev/null`
		AC_MSG_RESULT([${ebn_clang_major:-unknown}])
		AS_IF([test "$ebn_clang_major" -ge 14 2>/dev/null], [],
			[bpf_toolchain_lacks="$CLANG is older than version 14"])
		AC_MSG_CHECKING([whether $CLANG can target bpfel])
		AS_IF([echo 'int ebn_probe;' | "$CLANG" -target bpfel -mcpu=v3 -x c -c -o /dev/null - 2>/dev/null],
			[AC_MSG_RESULT([yes])],
			[AC_MSG_RESULT([no])
			bpf_toolchain_lacks="$CLANG cannot target bpfel"])])
	AS_IF([test -z "$bpf_toolchain_lacks"], [
		AC_MSG_CHECKING([whether bpftool works])
		AS_IF([test -n "$BPFTOOL" && "$BPFTOOL" version >/dev/null 2>&1],
			[AC_MSG_RESULT([yes])],
			[AC_MSG_RESULT([no])
			bpf_toolchain_lacks="bpftool was not found or does not run"])])
	AS_IF([test -n "$bpf_toolchain_lacks"], [have_bpf_toolchain=no])
])
