/* Holes, preallocation, statfs. */
#include "posix.h"
#include <linux/falloc.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

enum { PAGE = 4096 };

/* A file of this many pages, each filled with its own letter. */
static int pages(int count)
{
    char c[PAGE];
    int fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0644);
    for (int i = 0; i < count; i++) {
        memset(c, 'a' + i, PAGE);
        if (write(fd, c, PAGE) != PAGE) {
            step(-1);
        }
    }
    fsync(fd);
    return fd;
}
/* The first letter of each page; '.' for NUL. */
static void letters(int fd)
{
    char text[32] = "", c;
    for (int i = 0; i < 31 && pread(fd, &c, 1, (off_t)i * PAGE) == 1; i++) {
        text[i] = c == 0 ? '.' : c;
    }
    say("%s", text);
}
static long size(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? (long)st.st_size : -1;
}
static long blocks(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? (long)st.st_blocks : -1;
}

static void seek_hole_and_data(void)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    step(ftruncate(fd, 1 << 20));
    value(pwrite(fd, "x", 1, 0));
    value(pwrite(fd, "x", 1, 512 * 1024 + 100));
    step(fsync(fd));
    value(lseek(fd, 0, SEEK_DATA));
    value(lseek(fd, 0, SEEK_HOLE));
    value(lseek(fd, PAGE, SEEK_DATA));
    value(lseek(fd, 512 * 1024, SEEK_HOLE));
    value(lseek(fd, 600 * 1024, SEEK_DATA));
    value(lseek(fd, 700 * 1024, SEEK_HOLE));
    value(lseek(fd, 1 << 20, SEEK_HOLE));
    value(lseek(fd, 1 << 20, SEEK_DATA));
    value(lseek(fd, -1, SEEK_DATA));
}
static void seek_hole_of_full_file(void)
{
    int fd = pages(2);
    value(lseek(fd, 0, SEEK_HOLE));
    value(lseek(fd, 100, SEEK_DATA));
}
static void seek_plain(void)
{
    make("f", "0123456789");
    int fd = open("f", O_RDONLY);
    char c;
    value(lseek(fd, 0, SEEK_END));
    value(lseek(fd, -3, SEEK_END));
    value(read(fd, &c, 1));
    say("%c", c);
    value(lseek(fd, 1, SEEK_CUR));
    value(lseek(fd, -20, SEEK_CUR));
    value(lseek(fd, 0, 99));
    value(lseek(fd, 100, SEEK_SET));
    value(read(fd, &c, 1));
}
static void sparse(void)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    step(ftruncate(fd, 1LL << 30));
    say("%ld", blocks(fd));
    value(pwrite(fd, "x", 1, 1 << 29));
    step(fsync(fd));
    say("%d", blocks(fd) > 0 && blocks(fd) < 1000);
}
static void grow(void)
{
    int fd = pages(1);
    step(fallocate(fd, 0, 0, 3 * PAGE));
    say("%ld", size(fd));
    letters(fd);
    say("%d", blocks(fd) >= 24);
    step(-posix_fallocate(fd, 0, 5 * PAGE));
    say("%ld", size(fd));
}
static void keep_size(void)
{
    int fd = pages(1);
    step(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4 * PAGE));
    say("%ld %d", size(fd), blocks(fd) >= 32);
}
static void punch(void)
{
    int fd = pages(4);
    long before = blocks(fd);
    step(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, 2 * PAGE));
    letters(fd);
    say("%ld %d", size(fd), blocks(fd) < before);
    value(lseek(fd, 0, SEEK_HOLE));
    value(lseek(fd, PAGE, SEEK_DATA));
    step(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE));
}
static void punch_within_page(void)
{
    char c[8] = "";
    int fd = pages(1);
    step(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 3));
    value(pread(fd, c, 5, 9));
    say("%d %d %d %d %d", c[0], c[1], c[2], c[3], c[4]);
}
static void zero(void)
{
    int fd = pages(3);
    step(fallocate(fd, FALLOC_FL_ZERO_RANGE, PAGE, PAGE));
    letters(fd);
    step(fallocate(fd, FALLOC_FL_ZERO_RANGE, 2 * PAGE, 3 * PAGE));
    say("%ld", size(fd));
    letters(fd);
    step(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0, 9 * PAGE));
    say("%ld", size(fd));
    letters(fd);
}
static void collapse(void)
{
    int fd = pages(4);
    step(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, PAGE, 2 * PAGE));
    letters(fd);
}
static void insert(void)
{
    int fd = pages(3);
    step(fallocate(fd, FALLOC_FL_INSERT_RANGE, PAGE, 2 * PAGE));
    letters(fd);
}
static void errors(void)
{
    int fd = pages(1), reading = open("f", O_RDONLY), d = open(".", O_RDONLY);
    step(fallocate(fd, 0, 0, 0));
    step(fallocate(fd, 0, -1, 10));
    step(fallocate(fd, 0, 0, -1));
    step(fallocate(reading, 0, 0, PAGE));
    step(fallocate(d, 0, 0, PAGE));
    step(fallocate(fd, 0, INT64_MAX - 10, 100));
}
static void file_system(void)
{
    struct statfs a;
    struct statvfs b;
    step(statfs(".", &a));
    say("%d %d %d", a.f_bsize > 0, a.f_bavail <= a.f_bfree && a.f_bfree <= a.f_blocks, a.f_ffree <= a.f_files);
    say("%ld", (long)a.f_namelen);
    step(statvfs(".", &b));
    say("%d", b.f_frsize > 0);
    make("f", "");
    int fd = open("f", O_RDONLY);
    struct statfs c;
    step(fstatfs(fd, &c));
    say("%d", a.f_blocks == c.f_blocks && a.f_bsize == c.f_bsize);
    step(statfs("missing", &c));
}

const struct check space_checks[] = {
    {"seek.hole-data", seek_hole_and_data, "OK 1 1 OK 0 4096 524288 528384 ENXIO 716800 ENXIO ENXIO ENXIO"},
    {"seek.hole-of-full-file", seek_hole_of_full_file, "8192 100"},
    {"seek.plain", seek_plain, "10 7 1 7 9 EINVAL EINVAL 100 0"},
    {"space.sparse", sparse, "OK 0 1 OK 1"},
    {"fallocate.grow", grow, "OK 12288 a.. 1 OK 20480"},
    {"fallocate.keep-size", keep_size, "OK 4096 1"},
    {"fallocate.punch", punch, "OK a..d 16384 1 4096 12288 EOPNOTSUPP"},
    {"fallocate.punch-within-page", punch_within_page, "OK 5 97 0 0 0 97"},
    {"fallocate.zero", zero, "OK a.c OK 20480 a.... OK 20480 ....."},
    {"fallocate.collapse", collapse, "OK ad"},
    {"fallocate.insert", insert, "OK a..bc"},
    {"fallocate.errors", errors, "EINVAL EINVAL EINVAL EBADF EBADF EFBIG"},
    {"statfs.values", file_system, "OK 1 1 1 255 OK 1 OK 1 ENOENT"},
    {NULL, NULL, NULL},
};
