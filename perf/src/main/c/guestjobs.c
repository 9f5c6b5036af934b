/*
 * Metadata jobs for a guest: guestjobs JOB DIR COUNT runs one job and prints what it took,
 *
 *     OPERATIONS NANOSECONDS P50 P99 P999 MAX
 *
 * the latter four in nanoseconds an operation. An operation that fails, or contents that are not what was written, end it
 * with a message and exit code 1. Jobs share a layout: COUNT files in directories of 100, so that one job leaves what the
 * next one works on. Linked statically: the guest has no C library of its own.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PER_DIRECTORY = 100, FILE_BYTES = 4096, MOST_OPERATIONS = 1 << 20 };

static const char *dir;
static long count;
static long long *took;
static long operations;
static long long begun;

static void die(const char *what, const char *path)
{
    fprintf(stderr, "guestjobs: %s %s: %s\n", what, path, strerror(errno));
    exit(1);
}

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void begin(void) { begun = now(); }

static void end(void)
{
    if (operations < MOST_OPERATIONS)
        took[operations++] = now() - begun;
}

static const char *path(const char *format, ...)
{
    static char buffers[2][4096];
    static int which;
    va_list arguments;
    char *buffer = buffers[which ^= 1];
    int at = snprintf(buffer, sizeof buffers[0], "%s/", dir);
    va_start(arguments, format);
    vsnprintf(buffer + at, sizeof buffers[0] - at, format, arguments);
    va_end(arguments);
    return buffer;
}

static const char *file(long i) { return path("d%ld/file-%ld", i / PER_DIRECTORY, i); }
static const char *renamed(long i) { return path("d%ld/renamed-%ld", i / PER_DIRECTORY, i); }

static void contents(char *bytes, long i)
{
    memset(bytes, 'a' + i % 26, FILE_BYTES);
    memcpy(bytes, &i, sizeof i);
}

static void job_create(void)
{
    static char bytes[FILE_BYTES];
    for (long i = 0; i < count; i++) {
        if (i % PER_DIRECTORY == 0 && mkdir(path("d%ld", i / PER_DIRECTORY), 0755))
            die("mkdir", path("d%ld", i / PER_DIRECTORY));
        contents(bytes, i);
        begin();
        int fd = open(file(i), O_WRONLY | O_CREAT | O_EXCL, 0644);
        if (fd < 0)
            die("create", file(i));
        if (write(fd, bytes, FILE_BYTES) != FILE_BYTES)
            die("write", file(i));
        if (close(fd))
            die("close", file(i));
        end();
    }
}

static void job_stat(void)
{
    struct stat found;
    for (long i = 0; i < count; i++) {
        begin();
        if (lstat(file(i), &found))
            die("stat", file(i));
        end();
        if (found.st_size != FILE_BYTES)
            die("wrong size", file(i));
    }
}

static void job_read(void)
{
    static char bytes[FILE_BYTES + 1], expected[FILE_BYTES];
    for (long i = 0; i < count; i++) {
        begin();
        int fd = open(file(i), O_RDONLY);
        if (fd < 0)
            die("open", file(i));
        long n = read(fd, bytes, sizeof bytes);
        close(fd);
        end();
        contents(expected, i);
        if (n != FILE_BYTES || memcmp(bytes, expected, FILE_BYTES))
            die("wrong contents", file(i));
    }
}

/* An operation is an entry, though one system call brings many: latencies are those of whole directories. */
static void job_readdir(void)
{
    long entries = 0;
    for (long d = 0; d * PER_DIRECTORY < count; d++) {
        long here = 0;
        struct dirent *entry;
        begin();
        DIR *stream = opendir(path("d%ld", d));
        if (!stream)
            die("opendir", path("d%ld", d));
        while ((entry = readdir(stream)))
            here += entry->d_name[0] != '.';
        closedir(stream);
        end();
        if (here != (count - d * PER_DIRECTORY < PER_DIRECTORY ? count - d * PER_DIRECTORY : PER_DIRECTORY)) {
            errno = 0;
            die("entries are missing in", path("d%ld", d));
        }
        entries += here;
    }
    long long whole = 0;
    for (long i = 0; i < operations; i++)
        whole += took[i];
    printf("%ld %lld ", entries, whole);
}

static void job_rename(void)
{
    for (long i = 0; i < count; i++) {
        const char *from = file(i), *to = renamed(i);
        begin();
        if (rename(from, to))
            die("rename", from);
        end();
    }
}

static void job_unlink(void)
{
    for (long i = 0; i < count; i++) {
        begin();
        if (unlink(renamed(i)))
            die("unlink", renamed(i));
        end();
    }
    for (long d = 0; d * PER_DIRECTORY < count; d++)
        if (rmdir(path("d%ld", d)))
            die("rmdir", path("d%ld", d));
}

static void job_mkdir(void)
{
    for (long i = 0; i < count; i++) {
        begin();
        if (mkdir(path("directory-%ld", i), 0755) || rmdir(path("directory-%ld", i)))
            die("mkdir, rmdir", path("directory-%ld", i));
        end();
    }
}

/* As find(1) does: every directory is read, every entry's attributes are asked for. */
static void walk(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream)
        die("opendir", name);
    struct dirent *entry;
    struct stat found;
    begin();
    while ((entry = readdir(stream))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (fstatat(fd, entry->d_name, &found, AT_SYMLINK_NOFOLLOW))
            die("stat", entry->d_name);
        end();
        if (S_ISDIR(found.st_mode))
            walk(fd, entry->d_name);
        begin();
    }
    closedir(stream);
}

static void job_walk(void)
{
    walk(AT_FDCWD, dir);
    if (operations < count) {
        errno = 0;
        die("entries are missing in", dir);
    }
}

static int by_size(const void *a, const void *b)
{
    long long x = *(const long long *)a, y = *(const long long *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static const struct { const char *name; void (*run)(void); } jobs[] = {
        {"create", job_create}, {"stat", job_stat}, {"read", job_read}, {"readdir", job_readdir},
        {"rename", job_rename}, {"unlink", job_unlink}, {"mkdir", job_mkdir}, {"walk", job_walk},
    };
    took = calloc(MOST_OPERATIONS, sizeof *took);
    for (unsigned i = 0; argc == 4 && took && i < sizeof jobs / sizeof jobs[0]; i++) {
        if (strcmp(argv[1], jobs[i].name))
            continue;
        dir = argv[2];
        count = atol(argv[3]);
        long long start = now();
        jobs[i].run();
        long long nanos = now() - start;
        if (operations == 0)
            return 1;
        qsort(took, operations, sizeof *took, by_size);
        if (jobs[i].run != job_readdir)
            printf("%ld %lld ", operations, nanos);
        printf("%lld %lld %lld %lld\n", took[operations / 2], took[operations * 99 / 100], took[operations * 999 / 1000],
               took[operations - 1]);
        return 0;
    }
    fprintf(stderr, "usage: guestjobs create|stat|read|readdir|rename|unlink|mkdir|walk DIR COUNT\n");
    return 2;
}
