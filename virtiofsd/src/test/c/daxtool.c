/* What the DAX tests do inside the guest. Static; no argument checking: the tests know how to call it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILES 10
#define LARGEST (5 << 20)

static void die(const char *what) { printf("%s: %s\n", what, strerror(errno)); exit(1); }
static uint64_t state;
static uint32_t rnd(uint32_t n) {
    state ^= state << 13; state ^= state >> 7; state ^= state << 17;
    return n ? (uint32_t)((state >> 20) % n) : 0;
}
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static char real[64], model[64];
static unsigned char a[LARGEST + 65536], b[LARGEST + 65536];
static int seed, op, gentle;

static void paths(int i) { sprintf(real, "/mnt/s%02d", i); sprintf(model, "/tmp/model/s%02d", i); }
static int openit(const char *p, int flags) {
    int fd = open(p, flags, 0644);
    if (fd < 0) die(p);
    return fd;
}
static off_t size(int fd) {
    struct stat s;
    if (fstat(fd, &s)) die("fstat");
    return s.st_size;
}
static void differ(const char *how, off_t at) {
    printf("DIFFERENT after %s at %ld of %s, seed %d operation %d\n", how, (long)at, real, seed, op);
    exit(2);
}
/* Compares a piece, by read(2) or through a mapping. */
static void compare(const char *how, int r, int m, off_t at, size_t n, int mapped) {
    if (size(r) != size(m)) { printf("size %ld not %ld\n", (long)size(r), (long)size(m)); differ(how, -1); }
    off_t all = size(m);
    if (at >= all) return;
    if (at + (off_t)n > all) n = all - at;
    if (pread(m, b, n, at) != (ssize_t)n) die("read model");
    if (mapped) {
        unsigned char *p = mmap(0, all, PROT_READ, MAP_SHARED, r, 0);
        if (p == MAP_FAILED) die("mmap");
        memcpy(a, p + at, n);
        munmap(p, all);
    } else if (pread(r, a, n, at) != (ssize_t)n) die("read");
    for (size_t i = 0; i < n; i++) if (a[i] != b[i]) {
        printf("byte %02x not %02x\n", a[i], b[i]);
        differ(how, at + i);
    }
}
static void fill(size_t n) { for (size_t i = 0; i < n; i++) a[i] = rnd(256); memcpy(b, a, n); }

static int stress(int first, int count) {
    seed = first;
    state = 88172645463325252ull + seed * 7919;
    for (int i = 0; i < 8; i++) rnd(1);
    mkdir("/tmp/model", 0755);
    for (op = 0; op < count; op++) {
        paths(rnd(FILES));
        int r = openit(real, O_RDWR | O_CREAT), m = openit(model, O_RDWR | O_CREAT);
        off_t all = size(m), at = rnd(all + 1);
        size_t n = 1 + rnd(rnd(4) ? 9000 : 300000);
        const char *how;
        switch (rnd(14)) {
        case 0: case 1: how = "read"; break;
        case 2: how = "append";
            if (all + n > LARGEST) n = 1;
            fill(n);
            if (pwrite(r, a, n, all) != (ssize_t)n || pwrite(m, b, n, all) != (ssize_t)n) die(how);
            break;
        case 3: case 4: how = "write";
            if (at + n > LARGEST) n = 1;
            fill(n);
            if (pwrite(r, a, n, at) != (ssize_t)n || pwrite(m, b, n, at) != (ssize_t)n) die(how);
            break;
        case 5: case 6: case 7: how = "mapped write";
            if (at + (off_t)n > all) n = all - at;
            if (n) {
                fill(n);
                unsigned char *p = mmap(0, all, PROT_READ | PROT_WRITE, MAP_SHARED, r, 0);
                if (p == MAP_FAILED) die(how);
                memcpy(p + at, a, n);
                munmap(p, all);
                if (pwrite(m, b, n, at) != (ssize_t)n) die(how);
            }
            break;
        case 8: how = "truncate";
            at = rnd(rnd(3) ? LARGEST : 20000);
            if (rnd(2)) at &= -4096;
            if (ftruncate(r, at) || ftruncate(m, at)) die(how);
            break;
        case 9: how = "punch";
            if (fallocate(r, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n) ||
                fallocate(m, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n)) die(how);
            break;
        case 10: how = "unlink";
            if (!gentle && rnd(4) == 0) {
                if (unlink(real) || unlink(model)) die(how);
                compare(how, r, m, at, n, 0);
                close(r); close(m);
                r = openit(real, O_RDWR | O_CREAT); m = openit(model, O_RDWR | O_CREAT);
            }
            break;
        case 11: how = "rename"; if (!gentle) {
            char other[64], othermodel[64];
            int i = rnd(FILES);
            sprintf(other, "/mnt/s%02d", i); sprintf(othermodel, "/tmp/model/s%02d", i);
            if (rename(real, other) || rename(model, othermodel)) die(how);
            strcpy(real, other);
            break;
        }
        case 12: how = "dropped caches";
            if (rnd(8) == 0) {
                if (gentle) usleep(100000);
                int d = openit("/proc/sys/vm/drop_caches", O_WRONLY);
                if (write(d, "3", 1) != 1) die(how);
                close(d);
            }
            break;
        default: how = "memory pressure";
            if (rnd(20) == 0) {
                size_t big = 150u << 20;
                char *p = malloc(big);
                for (size_t i = 0; p && i < big; i += 4096) p[i] = 1;
                free(p);
            }
        }
        all = size(m);
        compare(how, r, m, rnd(all + 1), 1 + rnd(60000), rnd(2));
        compare(how, r, m, all > 5000 ? all - 5000 : 0, 5000, rnd(2));
        close(r); close(m);
    }
    for (int i = 0; i < FILES; i++) {
        paths(i);
        int m = open(model, O_RDONLY);
        if (m < 0) continue;
        int r = openit(real, O_RDONLY);
        compare("all", r, m, 0, LARGEST, i & 1);
        close(r); close(m);
    }
    printf("%d operations agree\n", count);
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argv[1];
    if (!strcmp(what, "hello")) {
        puts("hello from a mapping");
    } else if (!strcmp(what, "stress")) {
        /* gentle: Linux 6.1 hangs when a mapped inode ends while its RELEASE is under way */
        gentle = argc > 4;
        return stress(atoi(argv[2]), atoi(argv[3]));
    } else if (!strcmp(what, "poke")) { /* FILE OFFSET TEXT: a store through a shared mapping */
        int fd = openit(argv[2], O_RDWR);
        off_t at = atol(argv[3]), all = size(fd);
        char *p = mmap(0, all, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED) die("mmap");
        memcpy(p + at, argv[4], strlen(argv[4]));
    } else if (!strcmp(what, "watch")) { /* FILE OFFSET BYTE READYFILE: waits for the host to store it */
        int fd = openit(argv[2], O_RDONLY);
        volatile char *p = mmap(0, size(fd), PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED) die("mmap");
        off_t at = atol(argv[3]);
        char before = p[at];
        close(openit(argv[5], O_WRONLY | O_CREAT));
        double end = now() + 60;
        while (p[at] != argv[4][0]) if (now() > end) { puts("never seen"); return 1; }
        printf("seen after %c\n", before);
    } else if (!strcmp(what, "direct")) { /* FILE BUFFERFILE: O_DIRECT read into a mapped window */
        int fd = openit(argv[2], O_RDONLY | O_DIRECT);
        int bf = openit(argv[3], O_RDWR);
        char *p = mmap(0, size(bf), PROT_READ | PROT_WRITE, MAP_SHARED, bf, 0);
        if (p == MAP_FAILED) die("mmap");
        p[0] = p[0];
        ssize_t n = pread(fd, p, 4096, 0);
        printf("%ld %s\n", (long)n, n < 0 ? strerror(errno) : "read");
    } else if (!strcmp(what, "time")) { /* read|scan FILE: seconds */
        double t = now();
        int fd = openit(argv[3], O_RDONLY);
        off_t all = size(fd);
        unsigned long sum = 0;
        if (!strcmp(argv[2], "read")) {
            ssize_t n;
            while ((n = read(fd, a, 1 << 20)) > 0) sum += a[0];
        } else {
            unsigned char *p = mmap(0, all, PROT_READ, MAP_SHARED, fd, 0);
            if (p == MAP_FAILED) die("mmap");
            for (off_t i = 0; i < all; i += 64) sum += p[i];
        }
        printf("%.4f %lu\n", now() - t, sum);
    }
    return 0;
}
