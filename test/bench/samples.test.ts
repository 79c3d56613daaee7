// Samples of `perf script` and where they are counted.

import { expect, test } from "vitest";
import { attribute } from "../../bench/samples.ts";

const CODES = [
  { start: 0x7f089d311000, end: 0x7f089d311100, name: "JSC-FTL: answerCall#abc" },
  { start: 0x7f089d311100, end: 0x7f089d311200, name: "JSC-Thunk: CallTrampoline" },
  { start: 0x7f089d311200, end: 0x7f089d311300, name: "JSC-DFG: #use#def" },
];

// As `perf script -F ip,sym,dso` prints it, stacks cut short.
const SCRIPT = `
	    7f089d311010 [unknown] (/tmp/perf-4779.map)
	         18562c4 [unknown] (/usr/bin/bun)
	           2724a __libc_start_call_main (/usr/lib/x86_64-linux-gnu/libc.so.6)

	          16db20 __memmove_avx512_unaligned_erms (/usr/lib/x86_64-linux-gnu/libc.so.6)
	         1bfef4e [unknown] (/usr/bin/bun)
	    7f089d311110 [unknown] (/tmp/perf-4779.map)
	    7f089d311010 [unknown] (/tmp/perf-4779.map)

	         1bfef4e [unknown] (/usr/bin/bun)
	    7f089d311210 [unknown] (/tmp/perf-4779.map)
	    7f089d311010 [unknown] (/tmp/perf-4779.map)

	            c2d0 [unknown] (/srv/native/build/venturi.node)
	            c9df [unknown] (/srv/native/build/venturi.node)
	       900000008 [unknown] ([unknown])

	         183d125 [unknown] (/usr/bin/bun)
	         304a9c2 [unknown] (/usr/bin/bun)

	ffffffff82202285 _raw_spin_unlock_irqrestore ([kernel.kallsyms])
	ffffffff81e312a5 __sys_sendto ([kernel.kallsyms])
	ffffffff81e314b0 __x64_sys_sendto ([kernel.kallsyms])
	ffffffff821ef691 do_syscall_64 ([kernel.kallsyms])
	ffffffff81000130 entry_SYSCALL_64_after_hwframe ([kernel.kallsyms])
	          10aba4 __send (/usr/lib/x86_64-linux-gnu/libc.so.6)
	    7f089d311010 [unknown] (/tmp/perf-4779.map)

	ffffffff821f51c6 exc_page_fault ([kernel.kallsyms])
	ffffffff81000c82 asm_exc_page_fault ([kernel.kallsyms])
	ffffffff81733f9c __x64_sys_epoll_pwait2 ([kernel.kallsyms])
	ffffffff821ef691 do_syscall_64 ([kernel.kallsyms])

	ffffffff815ec2f4 do_anonymous_page ([kernel.kallsyms])
	ffffffff821f51c6 exc_page_fault ([kernel.kallsyms])
	ffffffff81000c82 asm_exc_page_fault ([kernel.kallsyms])
	          16db20 __memmove_avx512_unaligned_erms (/usr/lib/x86_64-linux-gnu/libc.so.6)

	ffffffff821f5b70 irqentry_exit_to_user_mode ([kernel.kallsyms])
	ffffffff81000e06 asm_sysvec_apic_timer_interrupt ([kernel.kallsyms])
	    7f089d311010 [unknown] (/tmp/perf-4779.map)
`;

test("a sample counts by what ran and, outside the kernel, under the innermost function of ours", () => {
  const { samples, activities, functions } = attribute(SCRIPT, CODES);
  expect(samples).toBe(9);
  expect(Object.fromEntries(activities)).toEqual({
    kernel: 4,
    "the runtime by itself": 1,
    "the runtime, called by our functions": 2,
    "our compiled code": 1,
    "native addons": 1,
  });
  expect(Object.fromEntries(functions)).toEqual({
    "answerCall: our code": 1,
    // Through a thunk, which is the engine's own.
    "answerCall: the runtime": 1,
    "#use: the runtime": 1,
    "venturi.node: native code": 1,
  });
});

test("a sample in the kernel counts by what it was entered for, a page fault within a system call under the call", () => {
  const { kernel } = attribute(SCRIPT, CODES);
  expect(Object.fromEntries(kernel)).toEqual({
    sendto: 1,
    epoll_pwait2: 1,
    "page faults": 1,
    interrupts: 1,
  });
});

test("what is no sample is passed over", () => {
  const { samples, activities } = attribute("\n\nperf: nothing was recorded\n\n", CODES);
  expect(samples).toBe(0);
  expect([...activities.values()]).toEqual([0, 0, 0, 0, 0]);
});
