/*
 * Makes and walks a tree of very many files.
 *
 *   walk make DIR N         N empty files in DIR, 1000 to a directory
 *   walk look DIR N PID     looks each name up once (a LOOKUP each); after each million 100,000 of the known files
 *                           are asked for their attributes at random. Prints for each million, in nanoseconds a file,
 *                           what a first and a later stat took, the processor time that PID, the daemon, took for
 *                           them, which other programs on the machine change less, and how much of that it was in the
 *                           host's kernel:
 *                             MILLION FIRST KNOWN DAEMON-FIRST DAEMON-KNOWN KERNEL-FIRST KERNEL-KNOWN
 *   walk peak PID SECONDS   the most descriptors PID has had open, until it or standard input ends
 *
 * Every file's name is checked to be a regular file; what is missing or else ends the program with status 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PER_DIRECTORY = 1000, MILLION = 1000000, SAMPLE = 100000, KEPT = 64 };

static void die(const char *what, const char *on)
{
    fprintf(stderr, "walk: %s %s: %s\n", what, on, strerror(errno));
    exit(1);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

/* Processor time of a process so far in nanoseconds: all of it, and what it was in the kernel for. */
struct busy { double all, kernel; };

static struct busy processor(pid_t pid)
{
    char path[64], text[1024], *after;
    clockid_t clock;
    struct timespec t;
    unsigned long kernel;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n < 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        die("read", path);
    close(fd);
    text[n] = 0;
    after = strrchr(text, ')');
    if (!after || sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %lu", &kernel) != 1)
        die("understand", path);
    return (struct busy){t.tv_sec * 1e9 + t.tv_nsec, kernel * (1e9 / sysconf(_SC_CLK_TCK))};
}

static void add(struct busy *sum, struct busy before, pid_t daemon)
{
    struct busy now = processor(daemon);
    sum->all += now.all - before.all;
    sum->kernel += now.kernel - before.kernel;
}

static int directory(int root, long number)
{
    char name[32];
    snprintf(name, sizeof name, "d%06ld", number);
    int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        die("open", name);
    return fd;
}

static void make(int root, long count)
{
    char name[32];
    int dir = -1;
    for (long i = 0; i < count; i++) {
        if (i % PER_DIRECTORY == 0) {
            if (dir >= 0)
                close(dir);
            snprintf(name, sizeof name, "d%06ld", i / PER_DIRECTORY);
            if (mkdirat(root, name, 0755) != 0)
                die("mkdir", name);
            dir = directory(root, i / PER_DIRECTORY);
        }
        snprintf(name, sizeof name, "f%09ld", i);
        if (mknodat(dir, name, S_IFREG | 0644, 0) != 0)
            die("create", name);
    }
    if (dir >= 0)
        close(dir);
}

static void ask(int dir, long file, int flags)
{
    char name[32];
    struct statx st;
    snprintf(name, sizeof name, "f%09ld", file);
    if (statx(dir, name, AT_SYMLINK_NOFOLLOW | flags, STATX_BASIC_STATS, &st) != 0)
        die("stat", name);
    if (!S_ISREG(st.stx_mode)) {
        fprintf(stderr, "walk: %s is no file\n", name);
        exit(1);
    }
}

/*
 * Nanoseconds of one stat of a known file, and those of the daemon: GETATTR, and LOOKUP once the name's second is over. The directories are open,
 * so that nothing else is measured.
 */
static double sample(int root, long known, pid_t daemon, struct busy *daemons)
{
    static unsigned long state = 88172645463325252UL;
    int dirs[KEPT];
    long numbers[KEPT];
    double time = 0;
    struct busy sum = {0, 0};
    for (int i = 0; i < SAMPLE / 1000; i += KEPT) {
        for (int k = 0; k < KEPT; k++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            numbers[k] = (long)(state % (unsigned long)(known / PER_DIRECTORY));
            dirs[k] = directory(root, numbers[k]);
        }
        struct busy before = processor(daemon);
        double begin = seconds();
        for (int n = 0; n < 1000 * KEPT; n++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            int k = n % KEPT;
            ask(dirs[k], numbers[k] * PER_DIRECTORY + (long)(state % PER_DIRECTORY), AT_STATX_FORCE_SYNC);
        }
        time += seconds() - begin;
        add(&sum, before, daemon);
        for (int k = 0; k < KEPT; k++)
            close(dirs[k]);
    }
    int rounds = (SAMPLE / 1000 + KEPT - 1) / KEPT;
    *daemons = (struct busy){sum.all / (rounds * 1000.0 * KEPT), sum.kernel / (rounds * 1000.0 * KEPT)};
    return time * 1e9 / (rounds * 1000.0 * KEPT);
}

static void look(int root, long count, pid_t daemon)
{
    int dir = -1;
    double begin = seconds();
    struct busy before = processor(daemon);
    for (long i = 0; i < count; i++) {
        if (i % PER_DIRECTORY == 0) {
            if (dir >= 0)
                close(dir);
            dir = directory(root, i / PER_DIRECTORY);
        }
        ask(dir, i, 0);
        if ((i + 1) % MILLION == 0 || i + 1 == count) {
            long part = (i % MILLION) + 1;
            double first = (seconds() - begin) * 1e9 / part;
            struct busy busy = {0, 0}, later;
            add(&busy, before, daemon);
            double known = sample(root, i + 1, daemon, &later);
            printf("%.1f %.0f %.0f %.0f %.0f %.0f %.0f\n", (i + 1) / 1e6, first, known, busy.all / part, later.all,
                busy.kernel / part, later.kernel);
            fflush(stdout);
            begin = seconds(), before = processor(daemon);
        }
    }
    close(dir);
}

/* Since Linux 6.2 the size of /proc/PID/fd is how many there are. */
static void peak(const char *pid, double interval)
{
    char path[64];
    long most = 0;
    struct stat st;
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    fcntl(0, F_SETFL, O_NONBLOCK);
    while (stat(path, &st) == 0) {
        char c;
        if (st.st_size > most)
            most = st.st_size;
        if (read(0, &c, 1) == 0)
            break;
        usleep((useconds_t)(interval * 1e6));
    }
    printf("%ld\n", most);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "peak") == 0) {
        peak(argv[2], atof(argv[3]));
        return 0;
    }
    long count = argc >= 4 ? atol(argv[3]) : 0;
    int root = count > 0 ? open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (count < PER_DIRECTORY || root < 0) {
        fprintf(stderr, "walk: make DIR N, look DIR N DAEMON (N is 1000 or more), or peak PID SECONDS\n");
        return 2;
    }
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        make(root, count);
    else if (argc == 5 && strcmp(argv[1], "look") == 0)
        look(root, count, atoi(argv[4]));
    else
        return 2;
    return 0;
}
