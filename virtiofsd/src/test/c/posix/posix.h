/*
 * A table of POSIX checks. Each runs in a new empty directory, umask 022, as root, and writes down what came of each
 * step: "OK", the name of an errno, or a value. That transcript is compared with the one expected and, by the tests,
 * with that of another file system.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

struct check {
    const char *name;
    void (*body)(void);
    const char *expected;
};

/* Ends with a NULL name. */
extern const struct check names_checks[], rename_checks[], nodes_checks[], data_checks[], space_checks[],
    attribute_checks[], xattr_checks[], directory_checks[], user_checks[], lock_checks[];

/* Appends to the transcript, a space between. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Appends "OK" for >= 0, else errno's name; returns the result. */
long step(long result);

/* Appends the number for >= 0, else errno's name; returns the result. */
long value(long result);

/* A file of mode 0644 with this content; failures are written down. */
void make(const char *name, const char *content);

/* Appends a file's whole content, or errno's name. */
void show(const char *name);

/* Runs in a child; what it says is appended here. */
void in_child(void (*body)(void));

/* The same with other ids and one supplementary group (-1: none). */
void as_user(uid_t uid, gid_t gid, int group, void (*body)(void));

/* lstat; failures are written down and give zeros. */
struct stat look(const char *name);

/* Sleeps past the resolution of the file system's clock. */
void tick(void);

/* Bytes that differ at every offset, and whether they still do. */
void fill(char *buffer, size_t length, unsigned seed);
int filled(const char *buffer, size_t length, unsigned seed);
