/*
 * posix DIRECTORY [PREFIX]...   runs the checks (those whose names begin so) in DIRECTORY; a line for each:
 *                               NAME ok TRANSCRIPT   or   NAME differs TRANSCRIPT (expected: TRANSCRIPT)
 * posix --list                  the names
 * posix --expected              the same lines as if all went as expected
 *
 * Exit code 0 when all were run, whatever came of them.
 */
#include "posix.h"
#include <ftw.h>
#include <grp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>

static const struct check *const tables[] = {names_checks, rename_checks, nodes_checks, data_checks, space_checks,
                                             attribute_checks, xattr_checks, directory_checks, user_checks,
                                             lock_checks};
static char transcript[16384];
static size_t used;

void say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (used != 0 && used < sizeof transcript - 1) {
        transcript[used++] = ' ';
    }
    int n = vsnprintf(transcript + used, sizeof transcript - used, format, list);
    used = used + n < sizeof transcript ? used + n : sizeof transcript - 1;
    va_end(list);
}

static const char *error(void)
{
    return strerrorname_np(errno);
}

long step(long result)
{
    say("%s", result >= 0 ? "OK" : error());
    return result;
}

long value(long result)
{
    if (result >= 0) {
        say("%ld", result);
    } else {
        say("%s", error());
    }
    return result;
}

void make(const char *name, const char *content)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    size_t length = strlen(content);
    if (fd < 0 || write(fd, content, length) != (ssize_t)length || close(fd) != 0) {
        say("make(%s)=%s", name, error());
    }
}

void show(const char *name)
{
    char buffer[256];
    int fd = open(name, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof buffer - 1);
    if (n < 0) {
        say("%s", error());
    } else {
        buffer[n] = 0;
        say("'%s'", buffer);
    }
    if (fd >= 0) {
        close(fd);
    }
}

void in_child(void (*body)(void))
{
    int ends[2];
    if (pipe(ends) != 0) {
        say("pipe=%s", error());
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        used = 0;
        body();
        _exit(write(ends[1], transcript, used) == (ssize_t)used ? 0 : 1);
    }
    close(ends[1]);
    char buffer[sizeof transcript];
    size_t have = 0;
    ssize_t n;
    while ((n = read(ends[0], buffer + have, sizeof buffer - 1 - have)) > 0) {
        have += n;
    }
    close(ends[0]);
    buffer[have] = 0;
    int status;
    waitpid(child, &status, 0);
    if (have != 0) {
        say("%s", buffer);
    }
    if (WIFSIGNALED(status)) {
        say("killed(%s)", sigabbrev_np(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) != 0) {
        say("exit(%d)", WEXITSTATUS(status));
    }
}

static struct {
    uid_t uid;
    gid_t gid;
    int group;
    void (*body)(void);
} other;

static void become(void)
{
    gid_t group = (gid_t)other.group;
    if (setgroups(other.group < 0 ? 0 : 1, &group) != 0 || setresgid(other.gid, other.gid, other.gid) != 0 ||
        setresuid(other.uid, other.uid, other.uid) != 0) {
        say("ids=%s", error());
        return;
    }
    other.body();
}

void as_user(uid_t uid, gid_t gid, int group, void (*body)(void))
{
    other.uid = uid;
    other.gid = gid;
    other.group = group;
    other.body = body;
    in_child(become);
}

struct stat look(const char *name)
{
    struct stat st;
    if (lstat(name, &st) != 0) {
        memset(&st, 0, sizeof st);
        say("lstat(%s)=%s", name, error());
    }
    return st;
}

void tick(void)
{
    nanosleep(&(struct timespec){0, 20 * 1000 * 1000}, NULL);
}

void fill(char *buffer, size_t length, unsigned seed)
{
    for (size_t i = 0; i < length; i++) {
        buffer[i] = (char)(seed + i + (i >> 8) * 7 + (i >> 16) * 13);
    }
}

int filled(const char *buffer, size_t length, unsigned seed)
{
    for (size_t i = 0; i < length; i++) {
        if (buffer[i] != (char)(seed + i + (i >> 8) * 7 + (i >> 16) * 13)) {
            return 0;
        }
    }
    return 1;
}

static int removed(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void run(const char *directory, const struct check *check)
{
    if (chdir(directory) != 0 || mkdir(check->name, 0777) != 0 || chmod(check->name, 0777) != 0 ||
        chdir(check->name) != 0) {
        printf("%s differs directory=%s\n", check->name, error());
        return;
    }
    umask(022);
    used = 0;
    transcript[0] = 0;
    check->body();
    if (strcmp(transcript, check->expected) == 0) {
        printf("%s ok %s\n", check->name, transcript);
    } else {
        printf("%s differs %s (expected: %s)\n", check->name, transcript, check->expected);
    }
    fflush(stdout);
    if (chdir(directory) != 0 || nftw(check->name, removed, 64, FTW_DEPTH | FTW_PHYS) != 0) {
        fprintf(stderr, "%s is not removed: %s\n", check->name, error());
    }
}

static int asked(const char *name, int count, char **prefixes)
{
    for (int i = 0; i < count; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
            return 1;
        }
    }
    return count == 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: posix DIRECTORY [PREFIX]... | posix --list | posix --expected\n");
        return 2;
    }
    int list = strcmp(argv[1], "--list") == 0;
    int expected = strcmp(argv[1], "--expected") == 0;
    char *directory = list || expected ? NULL : realpath(argv[1], NULL);
    if (!list && !expected && directory == NULL) {
        fprintf(stderr, "%s: %s\n", argv[1], error());
        return 1;
    }
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        for (const struct check *check = tables[t]; check->name != NULL; check++) {
            if (list) {
                puts(check->name);
            } else if (expected) {
                printf("%s ok %s\n", check->name, check->expected);
            } else if (asked(check->name, argc - 2, argv + 2)) {
                run(directory, check);
            }
        }
    }
    free(directory);
    return 0;
}
