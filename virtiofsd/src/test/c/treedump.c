// treedump DIR: a line for everything below DIR, sorted: all of stat but the device, target, extended attributes with
// their values (access control lists among them), a sum of the contents and where its holes are.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static void print_name(const char *name) {
    for (const unsigned char *c = (const void *) name; *c; c++) printf(*c > 32 && *c < 127 && *c != '\\' ? "%c" : "\\%02x", *c);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char **) a, *(char **) b); }

static void attributes(const char *path) {
    static char names[65536], value[65536];
    char *sorted[1000];
    int n = 0;
    ssize_t bytes = llistxattr(path, names, sizeof names);
    if (bytes < 0) { printf(" attributes=%s", strerrorname_np(errno)); return; }
    for (char *p = names; p < names + bytes && n < 1000; p += strlen(p) + 1) sorted[n++] = p;
    qsort(sorted, n, sizeof *sorted, by_text);
    for (int i = 0; i < n; i++) {
        ssize_t length = lgetxattr(path, sorted[i], value, sizeof value);
        printf(" %s=", sorted[i]);
        if (length < 0) printf("%s", strerrorname_np(errno));
        for (ssize_t k = 0; k < length; k++) printf("%02x", (unsigned char) value[k]);
    }
}

static void content(const char *path, off_t size) {
    static unsigned char block[1 << 16];
    uint64_t sum = 14695981039346656037u; /* FNV-1a */
    ssize_t n;
    int fd = open(path, O_RDONLY);
    if (fd < 0) { printf(" open=%s", strerrorname_np(errno)); return; }
    printf(" data=");
    for (off_t at = 0, end; size > 0 && (at = lseek(fd, at, SEEK_DATA)) >= 0; at = end) {
        end = lseek(fd, at, SEEK_HOLE);
        printf("%jd-%jd,", (intmax_t) at, (intmax_t) end);
        for (off_t k = at; k < end; k += n) {
            n = pread(fd, block, end - k < (off_t) sizeof block ? (size_t) (end - k) : sizeof block, k);
            if (n <= 0) break;
            for (ssize_t i = 0; i < n; i++) sum = (sum ^ block[i]) * 1099511628211u;
        }
    }
    printf(" sum=%016" PRIx64, sum);
    close(fd);
}

static void dump(const char *name, const char *prefix, int depth) {
    struct stat s;
    char target[4097];
    if (lstat(name, &s) != 0) { printf("%s/", prefix); print_name(name); printf(" %s\n", strerrorname_np(errno)); return; }
    printf("%s/", prefix);
    print_name(name);
    printf(" ino=%ju mode=%o links=%ju owner=%u:%u size=%jd blocks=%jd unit=%ld dev=%jx mtime=%jd.%09ld ctime=%jd.%09ld", (uintmax_t) s.st_ino,
        s.st_mode, (uintmax_t) s.st_nlink, s.st_uid, s.st_gid, (intmax_t) s.st_size, (intmax_t) s.st_blocks, (long) s.st_blksize,
        (uintmax_t) s.st_rdev, (intmax_t) s.st_mtim.tv_sec, s.st_mtim.tv_nsec, (intmax_t) s.st_ctim.tv_sec, s.st_ctim.tv_nsec);
    if (S_ISLNK(s.st_mode)) {
        ssize_t n = readlink(name, target, 4096);
        target[n < 0 ? 0 : n] = 0;
        printf(" target=");
        print_name(target);
    }
    attributes(name);
    if (S_ISREG(s.st_mode)) content(name, s.st_size);
    putchar('\n');
    if (!S_ISDIR(s.st_mode)) return;
    int back = open(".", O_RDONLY | O_DIRECTORY), count = 0, room = 1024;
    DIR *d = chdir(name) == 0 ? opendir(".") : NULL;
    if (!d) { printf("%s: %s\n", name, strerrorname_np(errno)); exit(1); }
    char **all = malloc(room * sizeof *all), path[64];
    for (struct dirent *e; (e = readdir(d));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        if (count == room) all = realloc(all, (room *= 2) * sizeof *all);
        all[count++] = strdup(e->d_name);
    }
    closedir(d);
    qsort(all, count, sizeof *all, by_text);
    /* A deep path is named by its depth and inode: the lines stay short. */
    snprintf(path, sizeof path, "%d:%ju", depth, (uintmax_t) s.st_ino);
    for (int i = 0; i < count; i++) dump(all[i], path, depth + 1);
    if (fchdir(back) != 0) exit(1);
    close(back);
}

int main(int argc, char **argv) {
    if (argc != 2 || chdir(argv[1]) != 0) { fprintf(stderr, "usage: treedump DIR\n"); return 2; }
    dump(".", "", 0);
    return 0;
}
