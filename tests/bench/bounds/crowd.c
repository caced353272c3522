/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * crowd.c -- fills the kernel's tables for the bounds benchmark: a program whose threads all wait, in
 * the way that its argument says.  The same program is what they wait for (ROLE_SERVE).
 */
#include <brainix/sys.h>

#include "protocol.h"

#define NO_PAGE		0x600000000000u	/* no program has a page there, nor 4 GiB from there */
#define ROUND_US	20000u		/* all threads of a program have run by then */

/* One system call of a thread, and so on until `number` is 0; then it waits at `slot`. */
struct step {
	uint64_t number, slot, reply, deadline;
};

/* rdi: its steps; never returns, and needs no stack. */
__asm__(
"	.text\n"
"	.type	crowd_thread, @function\n"
"crowd_thread:\n"
"	endbr64\n"
"	mov	%rdi, %rbp\n"
"1:	mov	0(%rbp), %rax\n"
"	mov	8(%rbp), %rdi\n"
"	mov	16(%rbp), %rbx\n"
"	mov	24(%rbp), %rdx\n"
"	xor	%esi, %esi\n"
"	test	%rax, %rax\n"
"	jz	2f\n"
"	syscall\n"
"	add	$32, %rbp\n"
"	jmp	1b\n"
"2:	mov	$7, %eax\n"		/* BX_SYS_WAIT */
"	syscall\n"
"	jmp	1b\n"
"	.size	crowd_thread, . - crowd_thread\n");
BX_STATIC_ASSERT(BX_SYS_WAIT == 7, "in the text above");
extern const uint8_t crowd_thread[];

struct crowd {
	const struct bx_sys *sys;
	struct order order;
	uint32_t queue, mine, note, ready;
	struct step steps[CROWD_THREADS][3];
	uint8_t string[BX_IPC_STRING_MAX + 8];
};

static uint32_t
slot_of(const struct crowd *crowd, char letter, unsigned number)
{
	uint32_t slot = BX_SLOT_NONE;
	char name[8];

	(void)bx_sys_format(name, sizeof name, "%c%u", letter, number);
	bx_err_ignore(bx_sys_find(crowd->sys->launch, name, &slot));
	return slot;
}

static void
steps_make(struct crowd *crowd, unsigned thread)
{
	struct step *step = crowd->steps[thread];
	uint64_t far = bx_sys_deadline_far();

	switch ((enum role)crowd->order.role) {
	case ROLE_CALL:
		*step++ = (struct step){ BX_SYS_CALL, crowd->queue, BX_SLOT_NONE, far };
		break;
	case ROLE_CALL_MINE:
		*step++ = (struct step){ BX_SYS_CALL, crowd->mine, BX_SLOT_NONE, far };
		break;
	case ROLE_LINK:
		*step++ = (struct step){ BX_SYS_RECEIVE, slot_of(crowd, 'l', thread),
			crowd->sys->launch->reply_first + thread, far };
		*step++ = (struct step){ BX_SYS_CALL, slot_of(crowd, 'l', thread + 1), BX_SLOT_NONE, far };
		break;
	case ROLE_CHAIN:
		*step++ = (struct step){ BX_SYS_RECEIVE, slot_of(crowd, 'l', thread),
			crowd->sys->launch->reply_first + thread, far };
		if (thread + 1 < CROWD_THREADS)
			*step++ = (struct step){ BX_SYS_CALL, slot_of(crowd, 'l', thread + 1), BX_SLOT_NONE,
				far };
		break;
	case ROLE_RING:
		*step++ = (struct step){ BX_SYS_RECEIVE, slot_of(crowd, 'l', 0), BX_SLOT_NONE, 0 };
		*step++ = (struct step){ BX_SYS_CALL, crowd->mine, BX_SLOT_NONE, far };
		break;
	case ROLE_SLEEP:
		*step++ = (struct step){ BX_SYS_SLEEP, 0, 0, crowd->order.deadline };
		break;
	case ROLE_WAIT:
	case ROLE_DELETE:
	case ROLE_ECHO:
	case ROLE_SERVE:
	case ROLE_BURN:
	case ROLE_FAULT:
	case ROLE_EXIT:
	case ROLE_TRAP:
	case ROLE_NOTHING:
		break;
	}
	*step = (struct step){ 0, crowd->note, 0, far };
}

static void
serve(const struct crowd *crowd, uint64_t calls)
{
	struct bx_sys_words words = { .label = 0 };
	struct bx_sys_origin origin;

	/* Once in any case: it is the server of the endpoint from there on; and has no time of its own any
	 * more, if it is passive. */
	if (crowd->order.role == ROLE_SERVE)
		bx_err_ignore(bx_sys_receive(crowd->queue, BX_SLOT_NONE, 0, &words, &origin));
	bx_err_ignore(bx_sys_signal(crowd->ready));
	for (uint32_t i = 0; i < calls; i++)
		bx_err_ignore(bx_sys_receive(crowd->queue, crowd->sys->launch->reply_first + i,
		    bx_sys_deadline_far(), &words, &origin));
}

static void
echo(struct crowd *crowd)
{
	struct bx_ipc_buffers buffers = { .send_slot = BX_SLOT_NONE, .receive_slot = BX_SLOT_NONE,
		.send_address = (uint64_t)(uintptr_t)crowd->string + 3,
		.receive_address = (uint64_t)(uintptr_t)crowd->string + 3,
		.receive_capacity = BX_IPC_STRING_MAX };
	struct bx_sys_words words = { .label = 0 };
	struct bx_sys_origin origin;
	enum bx_err err;

	bx_err_ignore(bx_sys_signal(crowd->ready));
	err = bx_sys_trap_buffers(BX_SYS_RECEIVE, crowd->queue, crowd->sys->launch->reply_first,
	    bx_sys_deadline_far(), &buffers, &words, &origin);
	while (err == BX_OK) {
		buffers.send_length = bx_sys_origin_length(&origin);
		err = bx_sys_trap_buffers(BX_SYS_REPLY_RECEIVE, crowd->queue,
		    crowd->sys->launch->reply_first, bx_sys_deadline_far(), &buffers, &words, &origin);
	}
}

static void
delete(const struct crowd *crowd)
{
	struct bx_sys_words words = { .label = 0 };
	uint64_t start;

	bx_sys_sleep(crowd->order.deadline);
	start = bx_sys_now();
	words.label = (uint64_t)bx_sys_cap_delete(crowd->note);
	words.word[0] = bx_sys_now() - start;
	bx_err_ignore(bx_sys_call(crowd->mine, bx_sys_deadline_far(), &words));
}

/* From here on its threads wait one for another, until the deadline. */
static void
chain_call(const struct crowd *crowd)
{
	struct bx_sys_words words = { .label = 0 };

	bx_err_ignore(bx_sys_call(slot_of(crowd, 'l', 0), crowd->order.deadline, &words));
}

static void
threads_start(struct crowd *crowd)
{
	uint64_t entry = crowd->order.role == ROLE_FAULT ? NO_PAGE : (uint64_t)(uintptr_t)crowd_thread;

	for (unsigned i = 0; i < CROWD_THREADS; i++) {
		steps_make(crowd, i);
		bx_err_ignore(bx_sys_thread_start(slot_of(crowd, 't', i),
		    entry, 0, (uint64_t)(uintptr_t)crowd->steps[i]));
	}
	bx_sys_sleep(bx_sys_deadline_in_us(crowd->sys, ROUND_US));
	bx_err_ignore(bx_sys_signal(crowd->ready));
}

int
bx_main(const struct bx_sys *sys)
{
	struct crowd crowd = { .sys = sys };
	uint64_t bits;

	if (sys->argument_length != sizeof crowd.order)
		return 1;
	for (size_t i = 0; i < sizeof crowd.order; i++)
		((uint8_t *)&crowd.order)[i] = (uint8_t)sys->argument[i];
	bx_err_ignore(bx_sys_find(sys->launch, "queue", &crowd.queue));
	bx_err_ignore(bx_sys_find(sys->launch, "mine", &crowd.mine));
	bx_err_ignore(bx_sys_find(sys->launch, "note", &crowd.note));
	bx_err_ignore(bx_sys_find(sys->launch, "ready", &crowd.ready));
	if (crowd.order.role == ROLE_EXIT)
		bx_sys_exit((int32_t)(uint32_t)bx_sys_now());
	if (crowd.order.role == ROLE_TRAP)
		(void)*(volatile uint8_t *)(NO_PAGE + (uint32_t)bx_sys_now());
	if (crowd.order.role == ROLE_SERVE || crowd.order.role == ROLE_BURN)
		serve(&crowd, crowd.order.deadline);
	else if (crowd.order.role == ROLE_ECHO)
		echo(&crowd);
	else if (crowd.order.role != ROLE_NOTHING)
		threads_start(&crowd);
	if (crowd.order.role == ROLE_DELETE)
		delete(&crowd);
	if (crowd.order.role == ROLE_CHAIN)
		chain_call(&crowd);
	while (crowd.order.role == ROLE_BURN)
		(void)bx_sys_now();
	for (;;)
		bx_err_ignore(bx_sys_wait(crowd.note, bx_sys_deadline_far(), &bits));
}
