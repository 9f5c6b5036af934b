/*
 * steps: single-steps a thread (ptrace(2)) and writes where its instructions lay; for dev/profile.
 *
 * A system call is one step. Prints "begun" when the thread stands still for the first time; ends when there is
 * something to read on its standard input, or its end, or with the thread.
 *
 *   steps THREAD OUT     OUT: program counters, 64 bits each, in the machine's byte order
 */
#include <elf.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

static uint64_t program_counter(pid_t thread) {
    struct user_regs_struct registers;
    struct iovec all = { &registers, sizeof registers };
    if (ptrace(PTRACE_GETREGSET, thread, (void *)NT_PRSTATUS, &all) < 0) return 0;
#ifdef __aarch64__
    return registers.pc;
#else
    return registers.rip;
#endif
}

static int told_to_end(void) {
    struct pollfd input = { .fd = 0, .events = POLLIN };
    return poll(&input, 1, 0) != 0;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: steps THREAD OUT\n");
        return 2;
    }
    pid_t thread = atoi(argv[1]);
    FILE *out = fopen(argv[2], "w");
    if (!out) {
        perror(argv[2]);
        return 1;
    }
    int status;
    if (ptrace(PTRACE_SEIZE, thread, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, thread, 0, 0) < 0
        || waitpid(thread, &status, __WALL) < 0) {
        perror("steps: cannot follow the thread");
        return 1;
    }
    puts("begun");
    fflush(stdout);
    for (long i = 1; WIFSTOPPED(status) && (i % 64 || !told_to_end()); i++) {
        uint64_t at = program_counter(thread);
        fwrite(&at, sizeof at, 1, out);
        /* A stop by ptrace itself is a SIGTRAP; a signal of the thread's own goes on to it. */
        long signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
        if (ptrace(PTRACE_SINGLESTEP, thread, 0, signal) < 0 || waitpid(thread, &status, __WALL) < 0) break;
    }
    if (WIFSTOPPED(status)) ptrace(PTRACE_DETACH, thread, 0, 0);
    return fclose(out) ? 1 : 0;
}
