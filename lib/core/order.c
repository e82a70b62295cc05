/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "core/order.h"

#include <elf.h>
#include <linux/bpf.h>
#include <string.h>

#include "core/internal.h"

/* One section's code. An instruction of two words has 0 as the second one's code, so it is never taken for another. */
static size_t ease_code(unsigned char *code, size_t size)
{
	struct bpf_insn insn;
	size_t at, n = 0;

	for (at = 0; size - at >= sizeof(insn); at += sizeof(insn)) {
		memcpy(&insn, code + at, sizeof(insn));
		if (insn.code != (BPF_ALU64 | BPF_AND | BPF_K) || insn.imm)
			continue;
		insn.code = BPF_ALU64 | BPF_MOV | BPF_K;
		memcpy(code + at, &insn, sizeof(insn));
		n++;
	}
	return n;
}

size_t ebn_order_ease(void *elf, size_t size)
{
	unsigned char *bytes = elf;
	size_t i, n = 0;
	Elf64_Ehdr eh;
	Elf64_Shdr sh;

	if (size < sizeof(eh))
		return 0;
	memcpy(&eh, bytes, sizeof(eh));
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_machine != EM_BPF ||
	    eh.e_shentsize != sizeof(sh) || eh.e_shoff > size)
		return 0;
	for (i = 0; i < eh.e_shnum && i < (size - eh.e_shoff) / sizeof(sh); i++) {
		memcpy(&sh, bytes + eh.e_shoff + i * sizeof(sh), sizeof(sh));
		if (sh.sh_type == SHT_PROGBITS && sh.sh_flags & SHF_EXECINSTR && sh.sh_offset <= size &&
		    sh.sh_size <= size - sh.sh_offset)
			n += ease_code(bytes + sh.sh_offset, sh.sh_size);
	}
	return n;
}
