// A table of what POSIX and Linux promise of a file system: conformance DIR [NAME]... runs each check in a directory
// and a process of its own, and prints "NAME ok" or "NAME line N: what did not hold (errno)". Run as root, it takes on
// ordinary users where a check needs one. The same program runs on a file system, on a mount of it and in a guest.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int report;

static void fail(int line, const char *what) {
    dprintf(report, "line %d: %s (%s)", line, what, strerrorname_np(errno) ? strerrorname_np(errno) : "0");
    _exit(1);
}

#define HOLDS(condition) do { errno = 0; if (!(condition)) fail(__LINE__, #condition); } while (0)
#define FAILS(call, error) do { errno = 0; if ((call) != -1 || errno != (error)) fail(__LINE__, #call " fails with " #error); } while (0)

static int file(const char *name, int flags) {
    int fd = open(name, flags | O_CREAT | O_CLOEXEC, 0644);
    HOLDS(fd >= 0);
    return fd;
}

static void make(const char *name, const char *content) {
    int fd = file(name, O_WRONLY | O_TRUNC);
    HOLDS(write(fd, content, strlen(content)) == (ssize_t) strlen(content));
    HOLDS(close(fd) == 0);
}

static int contains(const char *name, const char *content) {
    char buffer[4096];
    int fd = open(name, O_RDONLY);
    if (fd < 0) return 0;
    ssize_t n = read(fd, buffer, sizeof buffer);
    close(fd);
    return n == (ssize_t) strlen(content) && memcmp(buffer, content, n) == 0;
}

static struct stat of(const char *name) {
    struct stat s;
    HOLDS(lstat(name, &s) == 0);
    return s;
}

static int mode(const char *name) { return of(name).st_mode & 07777; }

static int entries(const char *name) {
    int n = 0;
    DIR *d = opendir(name);
    HOLDS(d);
    while (readdir(d)) n++;
    closedir(d);
    return n - 2;
}

static void become(int uid, int gid) {
    HOLDS(setgroups(0, NULL) == 0);
    HOLDS(setresgid(gid, gid, gid) == 0);
    HOLDS(setresuid(uid, uid, uid) == 0);
}

/* Runs what follows as an ordinary user; the check goes on as root after it. */
#define AS(uid, gid, ...) do { pid_t p = fork(); HOLDS(p >= 0); if (p == 0) { become(uid, gid); __VA_ARGS__; _exit(0); } \
    int st; HOLDS(waitpid(p, &st, 0) == p); if (st != 0) _exit(1); } while (0)

// ---- creating and opening

static void open_creat_excl(void) { file("f", O_EXCL | O_WRONLY); FAILS(open("f", O_CREAT | O_EXCL, 0644), EEXIST); }
static void open_excl_symlink(void) { HOLDS(symlink("gone", "l") == 0); FAILS(open("l", O_CREAT | O_EXCL, 0644), EEXIST); FAILS(access("gone", F_OK), ENOENT); }
static void open_creat_through_symlink(void) { HOLDS(symlink("made", "l") == 0); HOLDS(open("l", O_CREAT | O_WRONLY, 0600) >= 0); HOLDS(S_ISREG(of("made").st_mode)); }
static void open_missing(void) { FAILS(open("gone", O_RDONLY), ENOENT); FAILS(open("", O_RDONLY), ENOENT); }
static void open_directory_for_writing(void) { HOLDS(mkdir("d", 0755) == 0); FAILS(open("d", O_WRONLY), EISDIR); FAILS(open("d", O_RDWR), EISDIR); }
static void open_o_directory(void) { make("f", ""); FAILS(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR); FAILS(open("f/x", O_RDONLY), ENOTDIR); }
static void open_o_nofollow(void) { make("f", ""); HOLDS(symlink("f", "l") == 0); FAILS(open("l", O_RDONLY | O_NOFOLLOW), ELOOP); }
static void open_o_trunc(void) { make("f", "text"); HOLDS(open("f", O_WRONLY | O_TRUNC) >= 0); HOLDS(of("f").st_size == 0); }
static void open_o_path(void) { make("f", "x"); int fd = open("f", O_PATH); HOLDS(fd >= 0); char c; FAILS(read(fd, &c, 1), EBADF); struct stat s; HOLDS(fstat(fd, &s) == 0 && s.st_size == 1); }
static void open_o_append(void) {
    make("f", "ab"); int fd = open("f", O_WRONLY | O_APPEND); HOLDS(fd >= 0); HOLDS(lseek(fd, 0, SEEK_SET) == 0);
    HOLDS(write(fd, "c", 1) == 1); int other = open("f", O_WRONLY | O_APPEND); HOLDS(write(other, "d", 1) == 1); HOLDS(write(fd, "e", 1) == 1); HOLDS(contains("f", "abcde"));
}
static void open_o_tmpfile(void) {
    int fd = open(".", O_TMPFILE | O_RDWR, 0640); HOLDS(fd >= 0); HOLDS(write(fd, "hidden", 6) == 6); HOLDS(entries(".") == 0);
    char path[64]; snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    HOLDS(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW) == 0); HOLDS(contains("named", "hidden")); HOLDS(mode("named") == 0640); HOLDS(of("named").st_nlink == 1);
}
static void open_o_tmpfile_excl(void) {
    int fd = open(".", O_TMPFILE | O_EXCL | O_RDWR, 0600); HOLDS(fd >= 0); char path[64]; snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    FAILS(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), ENOENT);
}
static void open_umask(void) { umask(027); int fd = open("f", O_CREAT | O_WRONLY, 0666); HOLDS(fd >= 0); HOLDS(mode("f") == 0640); HOLDS(mkdir("d", 0777) == 0); HOLDS(mode("d") == 0750); }
static void open_readonly_mode_stays_writable(void) { int fd = open("f", O_CREAT | O_RDWR, 0444); HOLDS(fd >= 0); HOLDS(write(fd, "x", 1) == 1); HOLDS(mode("f") == 0444); }
static void open_o_direct(void) {
    int fd = file("f", O_RDWR); char *page; HOLDS(posix_memalign((void **) &page, 4096, 8192) == 0); memset(page, 'd', 8192); HOLDS(write(fd, page, 8192) == 8192); HOLDS(fsync(fd) == 0); close(fd);
    fd = open("f", O_RDONLY | O_DIRECT); if (fd < 0 && errno == EINVAL) return; HOLDS(fd >= 0); memset(page, 0, 8192); HOLDS(pread(fd, page, 4096, 4096) == 4096); HOLDS(page[0] == 'd' && page[4095] == 'd');
}
static void creat_in_missing_directory(void) { FAILS(open("gone/f", O_CREAT | O_WRONLY, 0644), ENOENT); FAILS(mkdir("gone/d", 0755), ENOENT); }

// ---- names

static void name_of_255_bytes(void) { char n[257]; memset(n, 'n', 256); n[256] = 0; FAILS(open(n, O_CREAT | O_WRONLY, 0644), ENAMETOOLONG); n[255] = 0; HOLDS(open(n, O_CREAT | O_WRONLY, 0644) >= 0); HOLDS(entries(".") == 1); HOLDS(unlink(n) == 0); }
static void name_not_utf8(void) { char n[] = "\xff\xfe\x80 \n\t*?"; make(n, "odd"); HOLDS(contains(n, "odd")); DIR *d = opendir("."); struct dirent *e; int found = 0; while ((e = readdir(d))) found |= !strcmp(e->d_name, n); HOLDS(found); HOLDS(rename(n, "\x01\x7f") == 0); HOLDS(unlink("\x01\x7f") == 0); }
static void name_dot_and_dotdot(void) { HOLDS(mkdir("d", 0755) == 0); HOLDS(of("d/.").st_ino == of("d").st_ino); HOLDS(of("d/..").st_ino == of(".").st_ino); FAILS(rmdir("d/."), EINVAL); FAILS(rmdir("d/.."), ENOTEMPTY); FAILS(mkdir(".", 0755), EEXIST); FAILS(rename("d/.", "e"), EBUSY); }
static void name_path_max(void) { char p[5000]; memset(p, 'a', sizeof p); for (int i = 100; i < 5000; i += 100) p[i] = '/'; p[4999] = 0; FAILS(open(p, O_RDONLY), ENAMETOOLONG); }
static void name_deep_tree(void) { for (int i = 0; i < 200; i++) { HOLDS(mkdir("deep", 0755) == 0); HOLDS(chdir("deep") == 0); } make("f", "deep"); HOLDS(contains("f", "deep")); for (int i = 0; i < 200; i++) { if (i == 0) HOLDS(unlink("f") == 0); HOLDS(chdir("..") == 0); HOLDS(rmdir("deep") == 0); } }
static void name_trailing_slash(void) { make("f", ""); FAILS(open("f/", O_RDONLY), ENOTDIR); FAILS(unlink("f/"), ENOTDIR); HOLDS(mkdir("d/", 0755) == 0); HOLDS(rmdir("d/") == 0); }

// ---- links

static void link_counts(void) { make("a", "x"); HOLDS(link("a", "b") == 0); HOLDS(of("a").st_nlink == 2 && of("a").st_ino == of("b").st_ino); HOLDS(unlink("a") == 0); HOLDS(of("b").st_nlink == 1); FAILS(link("b", "b"), EEXIST); }
static void link_directory(void) { HOLDS(mkdir("d", 0755) == 0); FAILS(link("d", "e"), EPERM); }
static void link_symlink_itself(void) { HOLDS(symlink("x", "l") == 0); HOLDS(link("l", "m") == 0); HOLDS(S_ISLNK(of("m").st_mode) && of("m").st_nlink == 2); }
static void link_many(void) { make("f", ""); char n[16]; for (int i = 0; i < 500; i++) { snprintf(n, 16, "l%d", i); HOLDS(link("f", n) == 0); } HOLDS(of("f").st_nlink == 501); }
static void symlink_contents(void) { char t[4096]; memset(t, 't', 4095); t[4095] = 0; char b[4200]; HOLDS(symlink(t, "l") == 0); HOLDS(readlink("l", b, sizeof b) == 4095); HOLDS(memcmp(b, t, 4095) == 0); HOLDS(of("l").st_size == 4095); HOLDS(readlink("l", b, 10) == 10); char u[4097]; memset(u, 't', 4096); u[4096] = 0; FAILS(symlink(u, "m"), ENAMETOOLONG); }
static void symlink_loop(void) { HOLDS(symlink("b", "a") == 0); HOLDS(symlink("a", "b") == 0); FAILS(open("a", O_RDONLY), ELOOP); FAILS(symlink("x", "a"), EEXIST); }
static void symlink_not_a_link(void) { char b[8]; make("f", ""); FAILS(readlink("f", b, 8), EINVAL); FAILS(symlink("", "e"), ENOENT); }
static void symlink_relative_within(void) { HOLDS(mkdir("d", 0755) == 0); make("d/f", "in"); HOLDS(symlink("../d/f", "d/l") == 0); HOLDS(contains("d/l", "in")); }

// ---- removing

static void unlink_while_open(void) { int fd = file("f", O_RDWR); HOLDS(write(fd, "still", 5) == 5); HOLDS(unlink("f") == 0); FAILS(access("f", F_OK), ENOENT); char b[5]; HOLDS(pread(fd, b, 5, 0) == 5 && !memcmp(b, "still", 5)); HOLDS(pwrite(fd, "S", 1, 0) == 1); struct stat s; HOLDS(fstat(fd, &s) == 0 && s.st_nlink == 0 && s.st_size == 5); HOLDS(ftruncate(fd, 2) == 0); HOLDS(fchmod(fd, 0600) == 0); HOLDS(fstat(fd, &s) == 0 && s.st_size == 2 && (s.st_mode & 0777) == 0600); }
static void unlink_directory(void) { HOLDS(mkdir("d", 0755) == 0); FAILS(unlink("d"), EISDIR); }
static void rmdir_file(void) { make("f", ""); FAILS(rmdir("f"), ENOTDIR); }
static void rmdir_not_empty(void) { HOLDS(mkdir("d", 0755) == 0); make("d/f", ""); FAILS(rmdir("d"), ENOTEMPTY); HOLDS(unlink("d/f") == 0); HOLDS(rmdir("d") == 0); }
static void rmdir_while_open(void) { HOLDS(mkdir("d", 0755) == 0); int fd = open("d", O_RDONLY | O_DIRECTORY); HOLDS(fd >= 0); HOLDS(rmdir("d") == 0); FAILS(openat(fd, "f", O_CREAT | O_WRONLY, 0644), ENOENT); struct stat s; HOLDS(fstat(fd, &s) == 0 && s.st_nlink == 0); }
static void rmdir_current(void) { HOLDS(mkdir("d", 0755) == 0); HOLDS(chdir("d") == 0); HOLDS(rmdir("../d") == 0); FAILS(open("f", O_CREAT | O_WRONLY, 0644), ENOENT); }
static void directory_link_counts(void) { HOLDS(mkdir("d", 0755) == 0); int before = of("d").st_nlink; HOLDS(mkdir("d/e", 0755) == 0); int after = of("d").st_nlink; HOLDS(after == before || after == before + 1); HOLDS(rmdir("d/e") == 0); HOLDS((int) of("d").st_nlink == before); }

// ---- renaming

static int rename2(const char *a, const char *b, unsigned flags) { return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags); }
static void rename_replaces(void) { make("a", "new"); make("b", "old"); ino_t i = of("a").st_ino; HOLDS(rename("a", "b") == 0); HOLDS(contains("b", "new") && of("b").st_ino == i); FAILS(access("a", F_OK), ENOENT); }
static void rename_same_inode(void) { make("a", "x"); HOLDS(link("a", "b") == 0); HOLDS(rename("a", "b") == 0); HOLDS(access("a", F_OK) == 0 && of("b").st_nlink == 2); }
static void rename_into_itself(void) { HOLDS(mkdir("d", 0755) == 0); FAILS(rename("d", "d/e"), EINVAL); }
static void rename_kinds(void) { HOLDS(mkdir("d", 0755) == 0); make("f", ""); FAILS(rename("f", "d"), EISDIR); FAILS(rename("d", "f"), ENOTDIR); FAILS(rename("gone", "x"), ENOENT); }
static void rename_over_empty_directory(void) { HOLDS(mkdir("d", 0755) == 0 && mkdir("e", 0755) == 0); make("d/f", "x"); HOLDS(rename("d", "e") == 0); HOLDS(contains("e/f", "x")); HOLDS(mkdir("g", 0755) == 0); FAILS(rename("g", "e"), ENOTEMPTY); }
static void rename_noreplace(void) { make("a", "a"); make("b", "b"); FAILS(rename2("a", "b", RENAME_NOREPLACE), EEXIST); HOLDS(contains("b", "b")); HOLDS(rename2("a", "c", RENAME_NOREPLACE) == 0); HOLDS(contains("c", "a")); }
static void rename_exchange(void) { make("a", "a"); HOLDS(mkdir("d", 0755) == 0); make("d/f", "f"); HOLDS(rename2("a", "d", RENAME_EXCHANGE) == 0); HOLDS(contains("d", "a") && contains("a/f", "f")); FAILS(rename2("a", "gone", RENAME_EXCHANGE), ENOENT); FAILS(rename2("a", "d", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL); }
static void rename_whiteout(void) { make("a", "a"); errno = 0; if (rename2("a", "b", RENAME_WHITEOUT) != 0) { dprintf(report, "not here: %s", strerrorname_np(errno)); _exit(1); } HOLDS(contains("b", "a")); HOLDS(S_ISCHR(of("a").st_mode) && of("a").st_rdev == 0); }
static void rename_moves_directory(void) { HOLDS(mkdir("a", 0755) == 0 && mkdir("a/d", 0755) == 0 && mkdir("b", 0755) == 0); int fd = open("a/d", O_RDONLY); HOLDS(rename("a/d", "b/d") == 0); HOLDS(of("b/d/..").st_ino == of("b").st_ino); HOLDS(openat(fd, "f", O_CREAT | O_WRONLY, 0644) >= 0); HOLDS(access("b/d/f", F_OK) == 0); }
static void rename_open_file(void) { int fd = file("a", O_RDWR); HOLDS(mkdir("d", 0755) == 0); HOLDS(rename("a", "d/b") == 0); HOLDS(write(fd, "x", 1) == 1); HOLDS(contains("d/b", "x")); }

// ---- handles

static void handle_after_rename(void) {
    make("a", "handle"); struct { struct file_handle h; char more[MAX_HANDLE_SZ]; } h; h.h.handle_bytes = MAX_HANDLE_SZ; int mount; errno = 0;
    if (name_to_handle_at(AT_FDCWD, "a", &h.h, &mount, 0) != 0) { dprintf(report, "not here: %s", strerrorname_np(errno)); _exit(1); }
    HOLDS(mkdir("d", 0755) == 0 && rename("a", "d/b") == 0); int top = open(".", O_RDONLY); int fd = open_by_handle_at(top, &h.h, O_RDONLY); HOLDS(fd >= 0); char b[6]; HOLDS(read(fd, b, 6) == 6 && !memcmp(b, "handle", 6));
}

// ---- data

static void write_beyond_end(void) { int fd = file("f", O_RDWR); HOLDS(pwrite(fd, "x", 1, 1 << 20) == 1); HOLDS(of("f").st_size == (1 << 20) + 1); char b[4096]; HOLDS(pread(fd, b, 4096, 1000) == 4096); for (int i = 0; i < 4096; i++) HOLDS(b[i] == 0); }
static void write_large_offset(void) { int fd = file("f", O_RDWR); off_t at = (off_t) 1 << 40; HOLDS(pwrite(fd, "x", 1, at) == 1); char c = 0; HOLDS(pread(fd, &c, 1, at) == 1 && c == 'x'); HOLDS(of("f").st_size == at + 1); HOLDS(of("f").st_blocks < 1000); }
static void write_vectors(void) { int fd = file("f", O_RDWR); struct iovec v[3] = {{"ab", 2}, {"", 0}, {"cde", 3}}; HOLDS(writev(fd, v, 3) == 5); char a[2], b[3]; struct iovec r[2] = {{a, 2}, {b, 3}}; HOLDS(preadv(fd, r, 2, 0) == 5 && !memcmp(a, "ab", 2) && !memcmp(b, "cde", 3)); }
static void write_past_limit(void) { int fd = file("f", O_RDWR); FAILS(pwrite(fd, "x", 1, INT64_MAX - 4096), EFBIG); FAILS(pwrite(fd, "x", 1, -1), EINVAL); HOLDS(of("f").st_size == 0); }
static void read_at_end(void) { make("f", "abc"); int fd = open("f", O_RDONLY); char b[8]; HOLDS(pread(fd, b, 8, 3) == 0); HOLDS(pread(fd, b, 8, 100) == 0); HOLDS(pread(fd, b, 8, 1) == 2); FAILS(write(fd, "x", 1), EBADF); }
static void read_directory_fd(void) { char b[8]; int fd = open(".", O_RDONLY); FAILS(read(fd, b, 8), EISDIR); }
static void truncate_shrinks_and_grows(void) { make("f", "abcdef"); HOLDS(truncate("f", 3) == 0); HOLDS(contains("f", "abc")); HOLDS(truncate("f", 5) == 0); char b[5]; int fd = open("f", O_RDONLY); HOLDS(read(fd, b, 5) == 5 && !memcmp(b, "abc\0\0", 5)); FAILS(truncate("f", -1), EINVAL); HOLDS(mkdir("d", 0755) == 0); FAILS(truncate("d", 0), EISDIR); FAILS(ftruncate(fd, 0), EINVAL); }
static void truncate_times(void) { make("f", "x"); struct stat a = of("f"); usleep(30000); HOLDS(truncate("f", 0) == 0); struct stat b = of("f"); HOLDS(b.st_mtim.tv_nsec != a.st_mtim.tv_nsec || b.st_mtim.tv_sec != a.st_mtim.tv_sec); }
static void seek_hole_and_data(void) {
    int fd = file("f", O_RDWR); char block[65536]; memset(block, 1, sizeof block); HOLDS(pwrite(fd, block, 65536, 0) == 65536); HOLDS(pwrite(fd, block, 65536, 1 << 20) == 65536); HOLDS(fsync(fd) == 0);
    HOLDS(lseek(fd, 0, SEEK_HOLE) == 65536); HOLDS(lseek(fd, 65536, SEEK_DATA) == 1 << 20); HOLDS(lseek(fd, 1 << 20, SEEK_HOLE) == (1 << 20) + 65536); FAILS(lseek(fd, 2 << 20, SEEK_DATA), ENXIO); HOLDS(lseek(fd, 10, SEEK_DATA) == 10);
}
static void seek_bounds(void) { int fd = file("f", O_RDWR); FAILS(lseek(fd, -1, SEEK_SET), EINVAL); HOLDS(lseek(fd, 100, SEEK_END) == 100); HOLDS(write(fd, "x", 1) == 1); HOLDS(of("f").st_size == 101); }
static void fallocate_reserves(void) { int fd = file("f", O_RDWR); HOLDS(fallocate(fd, 0, 0, 65536) == 0); HOLDS(of("f").st_size == 65536 && of("f").st_blocks >= 128); HOLDS(fallocate(fd, FALLOC_FL_KEEP_SIZE, 65536, 65536) == 0); HOLDS(of("f").st_size == 65536); FAILS(fallocate(fd, 0, 0, 0), EINVAL); }
static void fallocate_punches(void) { int fd = file("f", O_RDWR); char b[65536]; memset(b, 7, sizeof b); HOLDS(write(fd, b, sizeof b) == sizeof b); HOLDS(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 8192) == 0); HOLDS(pread(fd, b, sizeof b, 0) == sizeof b); for (int i = 0; i < 65536; i++) HOLDS(b[i] == (i >= 4096 && i < 12288 ? 0 : 7)); HOLDS(of("f").st_size == 65536); }
static void fallocate_modes(void) {
    int modes[] = {FALLOC_FL_ZERO_RANGE, FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE}; char b[32768]; char said[128] = "";
    for (int i = 0; i < 3; i++) { int fd = file("f", O_RDWR | O_TRUNC); memset(b, 5, sizeof b); HOLDS(write(fd, b, sizeof b) == sizeof b); HOLDS(fsync(fd) == 0); errno = 0; int r = fallocate(fd, modes[i], 8192, 8192); if (r) { strcat(said, strerrorname_np(errno)); strcat(said, " "); close(fd); continue; } off_t size = of("f").st_size; HOLDS(size == (i == 0 ? 32768 : i == 1 ? 24576 : 40960)); HOLDS(pread(fd, b, 1, 8192) == 1 && b[0] == (i == 1 ? 5 : 0)); close(fd); }
    if (*said) { dprintf(report, "not all: %s", said); _exit(1); }
}
static void copy_range(void) { make("a", "0123456789"); int in = open("a", O_RDONLY), out = file("b", O_RDWR); off_t from = 2, to = 1; HOLDS(copy_file_range(in, &from, out, &to, 5, 0) == 5); HOLDS(from == 7 && to == 6); char b[6]; HOLDS(pread(out, b, 6, 0) == 6 && !memcmp(b, "\00023456", 6)); from = 100; HOLDS(copy_file_range(in, &from, out, &to, 5, 0) == 0); }
static void mmap_shared_writes(void) { int fd = file("f", O_RDWR); HOLDS(ftruncate(fd, 10000) == 0); char *m = mmap(NULL, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); HOLDS(m != MAP_FAILED); m[0] = 'a'; m[9999] = 'z'; HOLDS(msync(m, 10000, MS_SYNC) == 0); char c; HOLDS(pread(fd, &c, 1, 9999) == 1 && c == 'z'); HOLDS(pwrite(fd, "m", 1, 5000) == 1); HOLDS(m[5000] == 'm'); HOLDS(munmap(m, 10000) == 0); HOLDS(of("f").st_size == 10000); }
static void mmap_after_unlink(void) { int fd = file("f", O_RDWR); HOLDS(ftruncate(fd, 4096) == 0); char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0); HOLDS(m != MAP_FAILED); HOLDS(unlink("f") == 0); close(fd); m[1] = 'q'; HOLDS(msync(m, 4096, MS_SYNC) == 0); HOLDS(m[1] == 'q'); }
static void mmap_private(void) { make("f", "abc"); int fd = open("f", O_RDONLY); char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0); HOLDS(m != MAP_FAILED); m[0] = 'X'; HOLDS(contains("f", "abc")); FAILS((long) mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0), EACCES); }
static volatile sig_atomic_t bus;
static void on_bus(int s) { (void) s; bus = 1; _exit(0); }
static void mmap_beyond_end(void) { int fd = file("f", O_RDWR); HOLDS(ftruncate(fd, 100) == 0); signal(SIGBUS, on_bus); volatile char *m = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0); HOLDS(m != MAP_FAILED); HOLDS(m[200] == 0); (void) m[5000]; HOLDS(!"SIGBUS came"); }
static void execute_from_file(void) { char self[PATH_MAX]; ssize_t n = readlink("/proc/self/exe", self, PATH_MAX); HOLDS(n > 0); self[n] = 0; int in = open(self, O_RDONLY), out = file("program", O_WRONLY); char b[65536]; while ((n = read(in, b, sizeof b)) > 0) HOLDS(write(out, b, n) == n); HOLDS(fchmod(out, 0755) == 0); pid_t p = fork(); if (p == 0) { close(out); execl("./program", "program", "--nothing", NULL); _exit(99); } int st; HOLDS(waitpid(p, &st, 0) == p); (void) st; FAILS(execl("./program", "program", "--nothing", NULL), ETXTBSY); close(out); p = fork(); if (p == 0) { execl("./program", "program", "--nothing", NULL); _exit(99); } HOLDS(waitpid(p, &st, 0) == p && WIFEXITED(st) && WEXITSTATUS(st) == 42); }
static void fsync_all(void) { int fd = file("f", O_RDWR); HOLDS(write(fd, "x", 1) == 1); HOLDS(fsync(fd) == 0 && fdatasync(fd) == 0); int d = open(".", O_RDONLY); HOLDS(fsync(d) == 0); HOLDS(syncfs(d) == 0); HOLDS(sync_file_range(fd, 0, 1, SYNC_FILE_RANGE_WRITE) == 0); }

// ---- times

static void times_in_nanoseconds(void) { make("f", ""); struct timespec t[2] = {{1234567890, 123456789}, {1500000000, 987654321}}; HOLDS(utimensat(AT_FDCWD, "f", t, 0) == 0); struct stat s = of("f"); HOLDS(s.st_atim.tv_sec == 1234567890 && s.st_atim.tv_nsec == 123456789); HOLDS(s.st_mtim.tv_sec == 1500000000 && s.st_mtim.tv_nsec == 987654321); }
static void times_of_2106_and_1960(void) { make("f", ""); long when[] = {4294967296L + 12345, 4102444800L, -315619200L}; for (int i = 0; i < 3; i++) { struct timespec t[2] = {{when[i], 5}, {when[i], 6}}; HOLDS(utimensat(AT_FDCWD, "f", t, 0) == 0); struct stat s = of("f"); HOLDS(s.st_mtim.tv_sec == when[i] && s.st_mtim.tv_nsec == 6 && s.st_atim.tv_sec == when[i]); } }
static void times_omit_and_now(void) { make("f", ""); struct timespec t[2] = {{100, 0}, {200, 0}}; HOLDS(utimensat(AT_FDCWD, "f", t, 0) == 0); t[0].tv_nsec = UTIME_OMIT; t[1].tv_nsec = UTIME_NOW; HOLDS(utimensat(AT_FDCWD, "f", t, 0) == 0); HOLDS(of("f").st_atim.tv_sec == 100 && of("f").st_mtim.tv_sec > 1600000000); }
static void times_of_symlink(void) { HOLDS(symlink("gone", "l") == 0); struct timespec t[2] = {{11, 1}, {22, 2}}; HOLDS(utimensat(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW) == 0); HOLDS(of("l").st_mtim.tv_sec == 22 && of("l").st_mtim.tv_nsec == 2); }
static void times_change_with_writes(void) { int fd = file("f", O_RDWR); struct timespec t[2] = {{100, 0}, {100, 0}}; HOLDS(futimens(fd, t) == 0); HOLDS(write(fd, "x", 1) == 1); HOLDS(fsync(fd) == 0); HOLDS(of("f").st_mtim.tv_sec > 1600000000 && of("f").st_ctim.tv_sec > 1600000000); }
static void ctime_of_chmod_and_link(void) { make("f", ""); struct timespec a = of("f").st_ctim; usleep(30000); HOLDS(chmod("f", 0600) == 0); struct timespec b = of("f").st_ctim; HOLDS(a.tv_sec != b.tv_sec || a.tv_nsec != b.tv_nsec); usleep(30000); HOLDS(link("f", "g") == 0); struct timespec c = of("f").st_ctim; HOLDS(b.tv_sec != c.tv_sec || b.tv_nsec != c.tv_nsec); }
static void mtime_of_directory(void) { HOLDS(mkdir("d", 0755) == 0); struct timespec t[2] = {{100, 0}, {100, 0}}; HOLDS(utimensat(AT_FDCWD, "d", t, 0) == 0); make("d/f", ""); HOLDS(of("d").st_mtim.tv_sec > 1600000000); HOLDS(utimensat(AT_FDCWD, "d", t, 0) == 0); HOLDS(unlink("d/f") == 0); HOLDS(of("d").st_mtim.tv_sec > 1600000000); }
static void birth_time(void) { make("f", ""); struct statx x; HOLDS(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS | STATX_BTIME, &x) == 0); HOLDS(x.stx_mask & STATX_SIZE); HOLDS(x.stx_ino == of("f").st_ino); }

// ---- modes and owners

static void chmod_all_bits(void) { make("f", ""); for (int m = 0; m < 010000; m += 0111) { HOLDS(chmod("f", m) == 0); HOLDS(mode("f") == m); } HOLDS(mkdir("d", 0755) == 0); HOLDS(chmod("d", 07777) == 0 && mode("d") == 07777); }
static void chown_ids(void) { make("f", ""); HOLDS(chown("f", 1234, 5678) == 0); HOLDS(of("f").st_uid == 1234 && of("f").st_gid == 5678); HOLDS(chown("f", -1, 77) == 0); HOLDS(of("f").st_uid == 1234 && of("f").st_gid == 77); HOLDS(chown("f", 4000000000u, 4000000001u) == 0); HOLDS(of("f").st_uid == 4000000000u && of("f").st_gid == 4000000001u); HOLDS(symlink("f", "l") == 0); HOLDS(lchown("l", 9, 9) == 0); HOLDS(of("l").st_uid == 9 && of("f").st_uid == 4000000000u); }
static void chown_clears_setuid(void) { make("f", ""); HOLDS(chmod("f", 06755) == 0); HOLDS(chown("f", 1000, 1000) == 0); HOLDS(mode("f") == 0755); }
static void write_clears_setuid(void) { make("f", "x"); HOLDS(chmod(".", 0777) == 0); HOLDS(chmod("f", 06777) == 0); AS(1000, 1000, int fd = open("f", O_WRONLY); HOLDS(fd >= 0); HOLDS(write(fd, "y", 1) == 1); HOLDS(close(fd) == 0)); HOLDS(mode("f") == 0777); }
static void truncate_clears_setuid(void) { make("f", "x"); HOLDS(chmod(".", 0777) == 0); HOLDS(chmod("f", 06777) == 0); AS(1000, 1000, HOLDS(truncate("f", 0) == 0)); HOLDS(mode("f") == 0777); }
static void root_keeps_setuid(void) { make("f", "x"); HOLDS(chmod("f", 06755) == 0); int fd = open("f", O_WRONLY); HOLDS(write(fd, "y", 1) == 1); close(fd); HOLDS(mode("f") == 06755); }
static void creator_owns(void) { HOLDS(chmod(".", 0777) == 0); AS(1001, 1002, make("f", "x"); HOLDS(mkdir("d", 0755) == 0); HOLDS(symlink("f", "l") == 0); HOLDS(mkfifo("p", 0644) == 0)); HOLDS(of("f").st_uid == 1001 && of("f").st_gid == 1002); HOLDS(of("d").st_uid == 1001 && of("l").st_uid == 1001 && of("p").st_gid == 1002); }
static void setgid_directory(void) { HOLDS(mkdir("d", 0777) == 0); HOLDS(chown("d", 0, 555) == 0); HOLDS(chmod("d", 02777) == 0); AS(1001, 1002, make("d/f", ""); HOLDS(mkdir("d/e", 0755) == 0)); HOLDS(of("d/f").st_gid == 555); HOLDS(of("d/e").st_gid == 555 && (mode("d/e") & 02000)); }
static void setgid_file_of_other_group(void) { HOLDS(mkdir("d", 0777) == 0); HOLDS(chown("d", 0, 555) == 0); HOLDS(chmod("d", 02777) == 0); AS(1001, 1002, int fd = open("d/f", O_CREAT | O_WRONLY, 02775); HOLDS(fd >= 0)); HOLDS(!(mode("d/f") & 02000)); }
static void sticky_directory(void) { HOLDS(mkdir("d", 0777) == 0); HOLDS(chmod("d", 01777) == 0); AS(1001, 1001, make("d/f", "x")); AS(1002, 1002, FAILS(unlink("d/f"), EPERM); FAILS(rename("d/f", "d/g"), EPERM)); AS(1001, 1001, HOLDS(unlink("d/f") == 0)); }
static void permissions_of_others(void) { make("f", "secret"); HOLDS(chmod("f", 0600) == 0); HOLDS(chmod(".", 0755) == 0); AS(1001, 1001, FAILS(open("f", O_RDONLY), EACCES); FAILS(open("g", O_CREAT | O_WRONLY, 0644), EACCES); FAILS(chmod("f", 0644), EPERM); FAILS(chown("f", 1001, 1001), EPERM); FAILS(truncate("f", 0), EACCES); FAILS(unlink("f"), EACCES)); }
static void permissions_of_directories(void) { HOLDS(mkdir("d", 0700) == 0); make("d/f", "x"); HOLDS(chmod(".", 0755) == 0); AS(1001, 1001, FAILS(open("d/f", O_RDONLY), EACCES); FAILS(opendir("d") ? 0 : -1, EACCES); FAILS(chdir("d"), EACCES)); HOLDS(chmod("d", 0711) == 0); AS(1001, 1001, HOLDS(open("d/f", O_RDONLY) >= 0); FAILS(opendir("d") ? 0 : -1, EACCES)); HOLDS(chmod("d", 0744) == 0); AS(1001, 1001, HOLDS(opendir("d")); FAILS(open("d/f", O_RDONLY), EACCES)); }
static void supplementary_groups(void) { make("f", "group"); HOLDS(chown("f", 0, 4444) == 0 && chmod("f", 0060) == 0 && chmod(".", 0755) == 0); pid_t p = fork(); if (p == 0) { gid_t g[] = {10, 4444}; HOLDS(setgroups(2, g) == 0); HOLDS(setresgid(1001, 1001, 1001) == 0 && setresuid(1001, 1001, 1001) == 0); HOLDS(open("f", O_RDWR) >= 0); _exit(0); } int st; HOLDS(waitpid(p, &st, 0) == p); if (st) _exit(1); }
static void create_through_supplementary_group(void) { HOLDS(mkdir("d", 0770) == 0 && chown("d", 0, 4444) == 0 && chmod("d", 0770) == 0 && chmod(".", 0755) == 0); pid_t p = fork(); if (p == 0) { gid_t g[] = {4444}; HOLDS(setgroups(1, g) == 0); HOLDS(setresgid(1001, 1001, 1001) == 0 && setresuid(1001, 1001, 1001) == 0); HOLDS(open("d/f", O_CREAT | O_WRONLY, 0644) >= 0); _exit(0); } int st; HOLDS(waitpid(p, &st, 0) == p); if (st) _exit(1); HOLDS(of("d/f").st_uid == 1001); }
static void access_checks(void) { make("f", ""); HOLDS(chmod("f", 0640) == 0 && chmod(".", 0755) == 0); HOLDS(access("f", R_OK | W_OK) == 0); FAILS(access("f", X_OK), EACCES); AS(1001, 1001, HOLDS(access("f", F_OK) == 0); FAILS(access("f", R_OK), EACCES)); HOLDS(chmod("f", 0751) == 0); HOLDS(access("f", X_OK) == 0); AS(1001, 1001, HOLDS(access("f", X_OK) == 0)); FAILS(access("gone", F_OK), ENOENT); }
static void owner_may_change_own(void) { HOLDS(chmod(".", 0777) == 0); AS(1001, 1001, make("f", ""); HOLDS(chmod("f", 0400) == 0); FAILS(open("f", O_WRONLY), EACCES); struct timespec t[2] = {{5, 5}, {6, 6}}; HOLDS(utimensat(AT_FDCWD, "f", t, 0) == 0); FAILS(chown("f", 1002, -1), EPERM)); HOLDS(of("f").st_mtim.tv_sec == 6); }

// ---- directories

static void directory_of_40000(void) {
    char n[24]; int fd = open(".", O_RDONLY | O_DIRECTORY); for (int i = 0; i < 40000; i++) { snprintf(n, sizeof n, "entry-%d", i); HOLDS(mknodat(fd, n, S_IFREG | 0644, 0) == 0); }
    static unsigned char seen[40000]; DIR *d = opendir("."); struct dirent *e; int i; while ((e = readdir(d))) if (sscanf(e->d_name, "entry-%d", &i) == 1) { HOLDS(!seen[i]); seen[i] = 1; } for (i = 0; i < 40000; i++) HOLDS(seen[i]);
    rewinddir(d); for (i = 0; (e = readdir(d)); i++) {} HOLDS(i == 40002); for (i = 0; i < 40000; i++) { snprintf(n, sizeof n, "entry-%d", i); HOLDS(unlinkat(fd, n, 0) == 0); } HOLDS(entries(".") == 0);
}
static void directory_positions(void) { char n[16]; for (int i = 0; i < 500; i++) { snprintf(n, 16, "f%d", i); make(n, ""); } DIR *d = opendir("."); long at[502]; char names[502][16]; struct dirent *e; int c = 0; for (at[0] = telldir(d); (e = readdir(d)); at[++c] = telldir(d)) snprintf(names[c], 16, "%.15s", e->d_name); HOLDS(c == 502); for (int i = 501; i >= 0; i -= 7) { seekdir(d, at[i]); e = readdir(d); HOLDS(e && !strcmp(e->d_name, names[i])); } }
static void directory_deleted_while_read(void) { char n[16]; for (int i = 0; i < 1000; i++) { snprintf(n, 16, "f%d", i); make(n, ""); } DIR *d = opendir("."); struct dirent *e; int removed = 0; while ((e = readdir(d))) if (e->d_name[0] == 'f') { HOLDS(unlink(e->d_name) == 0); removed++; } HOLDS(removed == 1000); HOLDS(entries(".") == 0); }
static void directory_added_while_read(void) { char n[16]; for (int i = 0; i < 300; i++) { snprintf(n, 16, "f%d", i); make(n, ""); } DIR *d = opendir("."); struct dirent *e; int old = 0, c = 0; while ((e = readdir(d))) { if (e->d_name[0] == 'f') old++; if (c < 100) { snprintf(n, 16, "new%d", c++); make(n, ""); } } HOLDS(old == 300); HOLDS(entries(".") == 400); }
static void directory_types(void) { make("f", ""); HOLDS(mkdir("d", 0755) == 0 && symlink("f", "l") == 0 && mkfifo("p", 0644) == 0); DIR *d = opendir("."); struct dirent *e; int n = 0; while ((e = readdir(d))) { if (e->d_name[0] == '.') continue; HOLDS(e->d_ino == of(e->d_name).st_ino); HOLDS(e->d_type == IFTODT(of(e->d_name).st_mode)); n++; } HOLDS(n == 4); }
static void directory_removed_while_read(void) { HOLDS(mkdir("d", 0755) == 0); DIR *d = opendir("d"); HOLDS(rmdir("d") == 0); int n = 0; while (readdir(d)) n++; HOLDS(n <= 2); }

// ---- odd inodes

static void device_nodes(void) { HOLDS(mknod("c", S_IFCHR | 0600, makedev(1, 3)) == 0); HOLDS(S_ISCHR(of("c").st_mode) && of("c").st_rdev == makedev(1, 3)); HOLDS(mknod("b", S_IFBLK | 0640, makedev(259, 1048575)) == 0); HOLDS(S_ISBLK(of("b").st_mode) && of("b").st_rdev == makedev(259, 1048575)); HOLDS(chmod(".", 0777) == 0); AS(1001, 1001, FAILS(mknod("d", S_IFCHR | 0600, makedev(1, 3)), EPERM)); }
static void fifo_passes_data(void) { HOLDS(mkfifo("p", 0644) == 0); int r = open("p", O_RDONLY | O_NONBLOCK), w = open("p", O_WRONLY); HOLDS(r >= 0 && w >= 0); HOLDS(write(w, "through", 7) == 7); char b[8]; HOLDS(read(r, b, 8) == 7); FAILS(open("p2", O_WRONLY | O_NONBLOCK), ENOENT); }
static void unix_socket(void) { struct sockaddr_un a = {AF_UNIX, "s"}; int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0); HOLDS(bind(l, (void *) &a, sizeof a) == 0); HOLDS(S_ISSOCK(of("s").st_mode)); HOLDS(listen(l, 1) == 0); HOLDS(connect(c, (void *) &a, sizeof a) == 0); int again = socket(AF_UNIX, SOCK_STREAM, 0); FAILS(bind(again, (void *) &a, sizeof a), EADDRINUSE); FAILS(open("s", O_RDONLY), ENXIO); HOLDS(unlink("s") == 0); }
static void file_system_numbers(void) { struct statvfs v; HOLDS(statvfs(".", &v) == 0); HOLDS(v.f_bsize >= 512 && v.f_blocks > 0 && v.f_bfree <= v.f_blocks && v.f_namemax == 255); }

// ---- attributes

static void xattr_user(void) { make("f", ""); char b[64]; HOLDS(setxattr("f", "user.a", "value", 5, 0) == 0); HOLDS(getxattr("f", "user.a", b, 64) == 5 && !memcmp(b, "value", 5)); HOLDS(getxattr("f", "user.a", NULL, 0) == 5); FAILS(getxattr("f", "user.a", b, 3), ERANGE); FAILS(getxattr("f", "user.none", b, 64), ENODATA); HOLDS(removexattr("f", "user.a") == 0); FAILS(removexattr("f", "user.a"), ENODATA); }
static void xattr_create_and_replace(void) { make("f", ""); FAILS(setxattr("f", "user.a", "1", 1, XATTR_REPLACE), ENODATA); HOLDS(setxattr("f", "user.a", "1", 1, XATTR_CREATE) == 0); FAILS(setxattr("f", "user.a", "2", 1, XATTR_CREATE), EEXIST); HOLDS(setxattr("f", "user.a", "", 0, XATTR_REPLACE) == 0); char b[4]; HOLDS(getxattr("f", "user.a", b, 4) == 0); }
static void xattr_lists(void) { make("f", ""); char b[512]; HOLDS(setxattr("f", "user.one", "1", 1, 0) == 0 && setxattr("f", "user.two", "2", 1, 0) == 0 && setxattr("f", "trusted.three", "3", 1, 0) == 0); ssize_t n = listxattr("f", b, 512); HOLDS(n == listxattr("f", NULL, 0)); int found = 0; for (char *p = b; p < b + n; p += strlen(p) + 1) found += !strcmp(p, "user.one") + !strcmp(p, "user.two") + !strcmp(p, "trusted.three"); HOLDS(found == 3); FAILS(listxattr("f", b, 3), ERANGE); }
static void xattr_kinds(void) { HOLDS(mkdir("d", 0755) == 0 && symlink("d", "l") == 0 && mkfifo("p", 0644) == 0); HOLDS(setxattr("d", "user.a", "1", 1, 0) == 0); FAILS(lsetxattr("l", "user.a", "1", 1, 0), EPERM); HOLDS(lsetxattr("l", "trusted.a", "1", 1, 0) == 0); FAILS(setxattr("p", "user.a", "1", 1, 0), EPERM); make("f", ""); char name[300]; memset(name, 'x', 300); memcpy(name, "user.", 5); name[256] = 0; FAILS(setxattr("f", name, "1", 1, 0), ERANGE); FAILS(setxattr("f", "nonsense", "1", 1, 0), EOPNOTSUPP); }
static void xattr_capability_goes_with_a_write(void) { make("f", "x"); unsigned cap[5] = {0x02000001, 1 << 10, 0, 0, 0}; HOLDS(setxattr("f", "security.capability", cap, 20, 0) == 0); int fd = open("f", O_WRONLY); HOLDS(write(fd, "y", 1) == 1); close(fd); char b[64]; FAILS(getxattr("f", "security.capability", b, 64), ENODATA); }

// ---- locks

static struct flock range(short type, off_t start, off_t length) { struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length}; return l; }
static void lock_posix_excludes(void) { int fd = file("f", O_RDWR); struct flock l = range(F_WRLCK, 0, 10); HOLDS(fcntl(fd, F_SETLK, &l) == 0); pid_t p = fork(); if (p == 0) { struct flock m = range(F_WRLCK, 5, 1); FAILS(fcntl(fd, F_SETLK, &m), EAGAIN); m = range(F_WRLCK, 10, 1); HOLDS(fcntl(fd, F_SETLK, &m) == 0); m = range(F_RDLCK, 0, 1); HOLDS(fcntl(fd, F_GETLK, &m) == 0 && m.l_type == F_WRLCK && m.l_pid == getppid()); _exit(0); } int st; HOLDS(waitpid(p, &st, 0) == p); if (st) _exit(1); }
static void lock_posix_goes_with_close(void) { int fd = file("f", O_RDWR), other = open("f", O_RDWR); struct flock l = range(F_WRLCK, 0, 0); HOLDS(fcntl(fd, F_SETLK, &l) == 0); close(other); pid_t p = fork(); if (p == 0) { struct flock m = range(F_WRLCK, 0, 0); HOLDS(fcntl(fd, F_SETLK, &m) == 0); _exit(0); } int st; HOLDS(waitpid(p, &st, 0) == p); if (st) _exit(1); }
static void lock_flock_excludes(void) { int a = file("f", O_RDWR), b = open("f", O_RDWR); HOLDS(flock(a, LOCK_EX) == 0); FAILS(flock(b, LOCK_EX | LOCK_NB), EAGAIN); HOLDS(flock(a, LOCK_UN) == 0 && flock(b, LOCK_SH | LOCK_NB) == 0 && flock(a, LOCK_SH | LOCK_NB) == 0); }
static void lock_ofd(void) { int a = file("f", O_RDWR), b = open("f", O_RDWR); struct flock l = range(F_WRLCK, 0, 10); HOLDS(fcntl(a, F_OFD_SETLK, &l) == 0); l = range(F_WRLCK, 0, 10); FAILS(fcntl(b, F_OFD_SETLK, &l), EAGAIN); close(a); int left = 200; while (fcntl(b, F_OFD_SETLK, &l) != 0 && left-- > 0) usleep(10000); /* FUSE: with the RELEASE, which nobody waits for */ HOLDS(left > 0); }

// ---- several at a time

static void appends_of_processes(void) { file("f", O_WRONLY); for (int i = 0; i < 4; i++) if (fork() == 0) { int fd = open("f", O_WRONLY | O_APPEND); char line[10]; memset(line, 'a' + i, 9); line[9] = '\n'; for (int k = 0; k < 250; k++) if (write(fd, line, 10) != 10) _exit(1); _exit(0); } int st, bad = 0; while (wait(&st) > 0) bad |= st; HOLDS(!bad); HOLDS(of("f").st_size == 10000); FILE *f = fopen("f", "r"); char b[32]; while (fgets(b, 32, f)) for (int i = 1; i < 9; i++) HOLDS(b[i] == b[0]); }
static void creations_race(void) { int won = 0, st; for (int i = 0; i < 8; i++) if (fork() == 0) _exit(open("once", O_CREAT | O_EXCL | O_WRONLY, 0644) >= 0 ? 7 : 0); while (wait(&st) > 0) won += WEXITSTATUS(st) == 7; HOLDS(won == 1); }
static void renames_race(void) { make("f", "whole"); pid_t p = fork(); if (p == 0) { for (int i = 0; i < 300; i++) { make("new", "whole"); if (rename("new", "f")) _exit(1); } _exit(0); } int st; while (waitpid(p, &st, WNOHANG) == 0) HOLDS(contains("f", "whole")); HOLDS(st == 0); }
static void two_descriptors_one_file(void) { int a = file("f", O_RDWR), b = open("f", O_RDWR); for (int i = 0; i < 100; i++) { char w = 'a' + i % 26, r = 0; HOLDS(pwrite(a, &w, 1, i) == 1); HOLDS(pread(b, &r, 1, i) == 1 && r == w); } HOLDS(ftruncate(a, 10) == 0); struct stat s; HOLDS(fstat(b, &s) == 0 && s.st_size == 10); }

#define CHECK(name) {#name, name}
static const struct { const char *name; void (*run)(void); } checks[] = {
    CHECK(open_creat_excl), CHECK(open_excl_symlink), CHECK(open_creat_through_symlink), CHECK(open_missing), CHECK(open_directory_for_writing), CHECK(open_o_directory),
    CHECK(open_o_nofollow), CHECK(open_o_trunc), CHECK(open_o_path), CHECK(open_o_append), CHECK(open_o_tmpfile), CHECK(open_o_tmpfile_excl), CHECK(open_umask),
    CHECK(open_readonly_mode_stays_writable), CHECK(open_o_direct), CHECK(creat_in_missing_directory),
    CHECK(name_of_255_bytes), CHECK(name_not_utf8), CHECK(name_dot_and_dotdot), CHECK(name_path_max), CHECK(name_deep_tree), CHECK(name_trailing_slash),
    CHECK(link_counts), CHECK(link_directory), CHECK(link_symlink_itself), CHECK(link_many), CHECK(symlink_contents), CHECK(symlink_loop), CHECK(symlink_not_a_link), CHECK(symlink_relative_within),
    CHECK(unlink_while_open), CHECK(unlink_directory), CHECK(rmdir_file), CHECK(rmdir_not_empty), CHECK(rmdir_while_open), CHECK(rmdir_current), CHECK(directory_link_counts),
    CHECK(rename_replaces), CHECK(rename_same_inode), CHECK(rename_into_itself), CHECK(rename_kinds), CHECK(rename_over_empty_directory), CHECK(rename_noreplace), CHECK(rename_exchange),
    CHECK(rename_whiteout), CHECK(rename_moves_directory), CHECK(rename_open_file), CHECK(handle_after_rename),
    CHECK(write_beyond_end), CHECK(write_large_offset), CHECK(write_vectors), CHECK(write_past_limit), CHECK(read_at_end), CHECK(read_directory_fd), CHECK(truncate_shrinks_and_grows), CHECK(truncate_times),
    CHECK(seek_hole_and_data), CHECK(seek_bounds), CHECK(fallocate_reserves), CHECK(fallocate_punches), CHECK(fallocate_modes), CHECK(copy_range),
    CHECK(mmap_shared_writes), CHECK(mmap_after_unlink), CHECK(mmap_private), CHECK(mmap_beyond_end), CHECK(execute_from_file), CHECK(fsync_all),
    CHECK(times_in_nanoseconds), CHECK(times_of_2106_and_1960), CHECK(times_omit_and_now), CHECK(times_of_symlink), CHECK(times_change_with_writes), CHECK(ctime_of_chmod_and_link), CHECK(mtime_of_directory), CHECK(birth_time),
    CHECK(chmod_all_bits), CHECK(chown_ids), CHECK(chown_clears_setuid), CHECK(write_clears_setuid), CHECK(truncate_clears_setuid), CHECK(root_keeps_setuid), CHECK(creator_owns),
    CHECK(setgid_directory), CHECK(setgid_file_of_other_group), CHECK(sticky_directory), CHECK(permissions_of_others), CHECK(permissions_of_directories), CHECK(supplementary_groups),
    CHECK(create_through_supplementary_group), CHECK(access_checks), CHECK(owner_may_change_own),
    CHECK(directory_of_40000), CHECK(directory_positions), CHECK(directory_deleted_while_read), CHECK(directory_added_while_read), CHECK(directory_types), CHECK(directory_removed_while_read),
    CHECK(device_nodes), CHECK(fifo_passes_data), CHECK(unix_socket), CHECK(file_system_numbers),
    CHECK(xattr_user), CHECK(xattr_create_and_replace), CHECK(xattr_lists), CHECK(xattr_kinds), CHECK(xattr_capability_goes_with_a_write),
    CHECK(lock_posix_excludes), CHECK(lock_posix_goes_with_close), CHECK(lock_flock_excludes), CHECK(lock_ofd),
    CHECK(appends_of_processes), CHECK(creations_race), CHECK(renames_race), CHECK(two_descriptors_one_file),
};

static void run_one(const char *name, void (*run)(void)) {
    int ends[2];
    char said[512];
    size_t got = 0;
    ssize_t n;
    if (mkdir(name, 0755) != 0 || pipe2(ends, O_CLOEXEC) != 0) { perror(name); exit(2); }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        report = ends[1];
        umask(022);
        alarm(240);
        HOLDS(chdir(name) == 0);
        run();
        _exit(0);
    }
    close(ends[1]);
    int status;
    waitpid(child, &status, 0);
    while (got < sizeof said - 1 && (n = read(ends[0], said + got, sizeof said - 1 - got)) > 0) got += n;
    close(ends[0]);
    said[got] = 0;
    if (WIFSIGNALED(status)) printf("%s signal %d\n", name, WTERMSIG(status));
    else printf("%s %s\n", name, status == 0 ? "ok" : *said ? said : "failed");
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "--nothing")) return 42;
    if (argc < 2 || chdir(argv[1]) != 0) { fprintf(stderr, "usage: conformance DIR [NAME]...\n"); return 2; }
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        int wanted = argc == 2;
        for (int k = 2; k < argc; k++) wanted |= !strcmp(argv[k], checks[i].name);
        if (wanted) run_one(checks[i].name, checks[i].run);
    }
    return 0;
}
