/* fibers.c - see fibers.h. A switch saves what a function must keep by the System V convention and exchanges stack
 * pointers; the floating-point control word is the same for all. */
#include "fibers.h"
#include "engine.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Most of it is never touched; below each stack lies a page that nobody may. */
enum { STACK = 128 << 10, GUARD = 4096, SAVED = 6 };

static char *stacks;
static void *pointers[EMU_MOST_THREADS], *owner;

/* Pushes the saved registers, stores the stack pointer at *save, loads the other and pops what lies there. */
void emu_switch_stack(void **save, void *load);
__asm__(".text\n"
        ".globl emu_switch_stack\n"
        ".hidden emu_switch_stack\n"
        ".type emu_switch_stack, @function\n"
        "emu_switch_stack:\n"
        "    push %rbp\n"
        "    push %rbx\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    push %r15\n"
        "    mov %rsp, (%rdi)\n"
        "    mov %rsi, %rsp\n"
        "    pop %r15\n"
        "    pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size emu_switch_stack, . - emu_switch_stack\n");

static void prepare(void)
{
    if (stacks != NULL)
        return;
    void *memory = mmap(NULL, (size_t)EMU_MOST_THREADS * STACK, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("emulated device: no memory for its threads");
        _Exit(2);
    }
    stacks = memory;
    for (size_t i = 0; i < EMU_MOST_THREADS; i++)
        mprotect(stacks + i * STACK, GUARD, PROT_NONE);
}

void fibers_begin(size_t index, void (*entry)(void))
{
    prepare();
    /* As if entry had been called: at its first instruction the stack pointer is 8 below a multiple of 16. */
    void **top = (void **)(void *)(stacks + (index + 1) * STACK) - 1;
    *top = NULL;
    *--top = (void *)(uintptr_t)entry;
    for (int i = 0; i < SAVED; i++)
        *--top = NULL;
    pointers[index] = top;
}

void fibers_enter(size_t index)
{
    emu_switch_stack(&owner, pointers[index]);
}

void fibers_leave(size_t index)
{
    emu_switch_stack(&pointers[index], owner);
}

bool fibers_own(const void *at)
{
    return stacks != NULL && (const char *)at >= stacks && (const char *)at < stacks + (size_t)EMU_MOST_THREADS * STACK;
}
