# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# What distributions take: the systemd unit, completion, and Debian's files. packaging/build-deb makes packages.
systemdsystemunitdir = @systemdsystemunitdir@
systemdsystemunit_DATA = packaging/systemd/ebpfnet-agent.service
packaging/systemd/ebpfnet-agent.service: packaging/systemd/ebpfnet-agent.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(SED) 's,@bindir[@],$(bindir),g' $(srcdir)/packaging/systemd/ebpfnet-agent.service.in > $@.new && mv $@.new $@
CLEANFILES += packaging/systemd/ebpfnet-agent.service

# one file, under the name of each program that it completes
completiondir = $(datadir)/bash-completion/completions
install-data-hook:
	$(MKDIR_P) '$(DESTDIR)$(completiondir)'
	for p in $(notdir $(bin_PROGRAMS)); do \
		$(INSTALL_DATA) $(srcdir)/packaging/completion/ebpfnet "$(DESTDIR)$(completiondir)/$$p" || exit 1; \
	done
uninstall-hook:
	for p in $(notdir $(bin_PROGRAMS)); do rm -f "$(DESTDIR)$(completiondir)/$$p"; done

EXTRA_DIST += packaging/systemd/ebpfnet-agent.service.in packaging/completion/ebpfnet packaging/build-deb \
	packaging/debian/changelog packaging/debian/control packaging/debian/copyright packaging/debian/rules \
	packaging/debian/ebpfnet-cni.install packaging/debian/ebpfnet-tools.install packaging/debian/libebpfnet-dev.install packaging/debian/libebpfnet-dev.lintian-overrides \
	packaging/debian/libebpfnet0.install packaging/debian/libebpfnet0.symbols packaging/debian/source/format \
	packaging/debian/libebpfnet-dev.docs packaging/debian/ebpfnet-tools.docs
