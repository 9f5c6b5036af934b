/* Advisory locks between processes of one machine. */
#include "posix.h"
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>

static int fd;

static long lock(int command, short type, off_t start, off_t length)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &l);
}
static void reopen(void)
{
    fd = open("f", O_RDWR);
}

static void tries(void)
{
    reopen();
    step(lock(F_SETLK, F_WRLCK, 5, 5));
    step(lock(F_SETLK, F_RDLCK, 5, 5));
    step(lock(F_SETLK, F_WRLCK, 10, 5));
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
    step(fcntl(fd, F_GETLK, &l));
    say("%d %ld %ld %d", l.l_type == F_WRLCK, (long)l.l_start, (long)l.l_len, l.l_pid == getppid());
}
static void ranges(void)
{
    make("f", "");
    reopen();
    step(lock(F_SETLK, F_WRLCK, 0, 10));
    in_child(tries);
    step(lock(F_SETLK, F_UNLCK, 4, 6));
    in_child(tries);
}
static void tries_shared(void)
{
    reopen();
    step(lock(F_SETLK, F_RDLCK, 0, 0));
    step(lock(F_SETLK, F_WRLCK, 0, 0));
}
static void sharing(void)
{
    make("f", "");
    reopen();
    step(lock(F_SETLK, F_RDLCK, 0, 0));
    in_child(tries_shared);
}
static void closing(void)
{
    make("f", "");
    reopen();
    step(lock(F_SETLK, F_WRLCK, 0, 0));
    in_child(tries_shared);
    /* Closing any descriptor of the file drops the process's locks. */
    step(close(open("f", O_RDONLY)));
    in_child(tries_shared);
}
static void waiting(void)
{
    int ready[2];
    char c;
    make("f", "");
    step(pipe(ready));
    pid_t child = fork();
    if (child == 0) {
        reopen();
        lock(F_SETLK, F_WRLCK, 0, 0);
        if (write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        nanosleep(&(struct timespec){0, 300000000}, NULL);
        _exit(0);
    }
    value(read(ready[0], &c, 1));
    reopen();
    step(lock(F_SETLK, F_WRLCK, 0, 0));
    step(lock(F_SETLKW, F_WRLCK, 0, 0));
    waitpid(child, NULL, 0);
}
static void deadlock(void)
{
    int to_child[2], to_parent[2];
    char c;
    make("f", "");
    reopen();
    step(pipe(to_child));
    step(pipe(to_parent));
    step(lock(F_SETLK, F_WRLCK, 0, 1));
    pid_t child = fork();
    if (child == 0) {
        reopen();
        lock(F_SETLK, F_WRLCK, 1, 1);
        if (write(to_parent[1], "x", 1) != 1) {
            _exit(1);
        }
        _exit(lock(F_SETLKW, F_WRLCK, 0, 1) == 0 ? 0 : 1);
    }
    value(read(to_parent[0], &c, 1));
    nanosleep(&(struct timespec){0, 300000000}, NULL);
    step(lock(F_SETLKW, F_WRLCK, 1, 1));
    step(lock(F_SETLK, F_UNLCK, 0, 1));
    int status;
    waitpid(child, &status, 0);
    say("%d", WEXITSTATUS(status));
}
static void wrong_mode(void)
{
    make("f", "");
    fd = open("f", O_RDONLY);
    step(lock(F_SETLK, F_WRLCK, 0, 0));
    step(lock(F_SETLK, F_RDLCK, 0, 0));
    fd = open("f", O_WRONLY);
    step(lock(F_SETLK, F_RDLCK, 0, 0));
    reopen();
    step(lock(F_SETLK, F_WRLCK, -1, 1));
}
/* FUSE gives a lock back with the RELEASE, a moment after close(2) has returned. */
static int awaited(int file)
{
    for (int i = 0; i < 500 && flock(file, LOCK_EX | LOCK_NB) != 0; i++) {
        tick();
    }
    return flock(file, LOCK_EX | LOCK_NB);
}
static void whole_file(void)
{
    make("f", "");
    int a = open("f", O_RDWR), b = open("f", O_RDWR);
    step(flock(a, LOCK_EX | LOCK_NB));
    step(flock(b, LOCK_EX | LOCK_NB));
    step(flock(b, LOCK_SH | LOCK_NB));
    step(flock(a, LOCK_SH | LOCK_NB));
    step(flock(b, LOCK_SH | LOCK_NB));
    step(flock(a, LOCK_EX | LOCK_NB));
    step(close(b));
    step(awaited(a));
    /* A copy of the descriptor holds the same lock. */
    int copy = dup(a);
    step(close(a));
    b = open("f", O_RDWR);
    step(flock(b, LOCK_EX | LOCK_NB));
    step(close(copy));
    step(awaited(b));
}
static void of_descriptor(void)
{
    make("f", "");
    int a = open("f", O_RDWR), b = open("f", O_RDWR);
    fd = a;
    step(lock(F_OFD_SETLK, F_WRLCK, 0, 10));
    fd = b;
    step(lock(F_OFD_SETLK, F_WRLCK, 5, 10));
    step(lock(F_OFD_SETLK, F_WRLCK, 10, 10));
    step(close(a));
    /* FUSE gives it back with the RELEASE, a moment after close(2) has returned. */
    for (int i = 0; i < 500 && lock(F_OFD_SETLK, F_WRLCK, 5, 10) != 0; i++) {
        tick();
    }
    step(lock(F_OFD_SETLK, F_WRLCK, 5, 10));
}

const struct check lock_checks[] = {
    {"lock.ranges", ranges, "OK EAGAIN EAGAIN OK OK 1 0 10 1 OK OK OK OK OK 1 0 4 1"},
    {"lock.sharing", sharing, "OK OK EAGAIN"},
    {"lock.closing", closing, "OK EAGAIN EAGAIN OK OK OK"},
    {"lock.waiting", waiting, "OK 1 EAGAIN OK"},
    {"lock.deadlock", deadlock, "OK OK OK 1 EDEADLK OK 0"},
    {"lock.wrong-mode", wrong_mode, "EBADF OK EBADF EINVAL"},
    {"lock.whole-file", whole_file, "OK EAGAIN EAGAIN OK OK EAGAIN OK OK OK EAGAIN OK OK"},
    {"lock.of-descriptor", of_descriptor, "OK EAGAIN OK OK OK"},
    {NULL, NULL, NULL},
};
