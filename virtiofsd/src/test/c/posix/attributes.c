/* Modes, owners, times, stat. */
#include "posix.h"
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <time.h>

static void mode(const char *name)
{
    say("%o", look(name).st_mode & 07777);
}
static int same(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static void chmod_all(void)
{
    make("f", "");
    static const mode_t modes[] = {0, 0777, 01777, 02755, 04755, 07777, 0400};
    for (int i = 0; i < 7; i++) {
        step(chmod("f", modes[i]));
        mode("f");
    }
    step(mkdir("d", 0755));
    step(chmod("d", 07777));
    mode("d");
    step(chmod("missing", 0));
}
static void chmod_of_symlink(void)
{
    make("f", "");
    step(symlink("f", "l"));
    step(chmod("l", 0600));
    mode("f");
    step(fchmodat(AT_FDCWD, "l", 0640, AT_SYMLINK_NOFOLLOW));
    mode("f");
}
static void chmod_while_open(void)
{
    make("f", "text");
    int fd = open("f", O_RDWR);
    step(fchmod(fd, 0));
    value(pwrite(fd, "T", 1, 0));
    mode("f");
}
static void chmod_with_nodes(void)
{
    step(mkfifo("p", 0600));
    step(chmod("p", 0666));
    step(mknod("n", S_IFCHR | 0600, makedev(1, 3)));
    step(chmod("n", 0666));
    say("%o %o", look("p").st_mode, look("n").st_mode);
}
static void umask_applies(void)
{
    static const mode_t masks[] = {0, 022, 077, 0777};
    for (int i = 0; i < 4; i++) {
        char name[8];
        umask(masks[i]);
        sprintf(name, "f%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0666));
        mode(name);
        sprintf(name, "d%d", i);
        mkdir(name, 0777);
        mode(name);
        sprintf(name, "p%d", i);
        mkfifo(name, 0666);
        mode(name);
    }
}
static void create_special_bits(void)
{
    umask(0);
    step(open("f", O_CREAT | O_WRONLY, 07777));
    mode("f");
    step(mkdir("d", 01777));
    mode("d");
}
static void owner_change(void)
{
    make("f", "");
    step(chown("f", 1234, 5678));
    say("%u:%u", look("f").st_uid, look("f").st_gid);
    step(chown("f", -1, 99));
    step(chown("f", 98, -1));
    say("%u:%u", look("f").st_uid, look("f").st_gid);
    step(chown("f", 4000000000u, 4000000001u));
    say("%u:%u", look("f").st_uid, look("f").st_gid);
    step(symlink("f", "l"));
    step(lchown("l", 7, 8));
    say("%u:%u", look("l").st_uid, look("l").st_gid);
    say("%u", look("f").st_uid);
}
static void owner_change_clears(void)
{
    make("f", "");
    step(chmod("f", 06755));
    step(chown("f", 1, 1));
    mode("f");
    step(chmod("f", 06644));
    step(chown("f", 2, 2));
    mode("f");
    step(mkdir("d", 0755));
    step(chmod("d", 07755));
    step(chown("d", 1, 1));
    mode("d");
}
static void group_of_setgid_directory(void)
{
    step(mkdir("d", 0755));
    step(chown("d", 0, 4242));
    step(chmod("d", 02755));
    make("d/f", "");
    step(mkdir("d/e", 0755));
    step(symlink("x", "d/l"));
    step(mkfifo("d/p", 0600));
    say("%u %u %u %u", look("d/f").st_gid, look("d/e").st_gid, look("d/l").st_gid, look("d/p").st_gid);
    say("%o %o", look("d/e").st_mode, look("d/f").st_mode);
}

static void set(const char *name, int64_t a, long an, int64_t m, long mn)
{
    struct timespec times[] = {{a, an}, {m, mn}};
    step(utimensat(AT_FDCWD, name, times, AT_SYMLINK_NOFOLLOW));
    struct stat st = look(name);
    say("%lld.%09ld %lld.%09ld", (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long long)st.st_mtim.tv_sec,
        st.st_mtim.tv_nsec);
}
static void time_nanoseconds(void)
{
    make("f", "");
    set("f", 1, 999999999, 1000000000, 123456789);
    set("f", 1700000000, 1, 1700000001, 0);
}
static void time_2106(void)
{
    make("f", "");
    set("f", 4294967295, 5, 4294967396, 6);
    set("f", 2147483648, 0, 2147483647, 999999999);
}
static void time_before_1970(void)
{
    make("f", "");
    set("f", -1, 0, -1000, 500000000);
    set("f", -2147483648, 0, -2147483648, 1);
}
static void time_limits(void)
{
    make("f", "");
    /* The last second that an inode of 256 bytes of ext4 holds: in 2446. */
    set("f", 15032385535, 0, 15032385535, 999999999);
}
static void time_now_and_omitted(void)
{
    make("f", "");
    set("f", 100, 0, 200, 0);
    struct timespec times[] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
    step(utimensat(AT_FDCWD, "f", times, 0));
    struct stat st = look("f");
    say("%ld %d", (long)st.st_atim.tv_sec, st.st_mtim.tv_sec > 1000000000);
    struct timespec none[] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}}, wrong[] = {{0, 1000000000}, {0, 0}};
    step(utimensat(AT_FDCWD, "f", none, 0));
    step(utimensat(AT_FDCWD, "f", wrong, 0));
    step(utimensat(AT_FDCWD, "f", NULL, 0));
    say("%d", look("f").st_atim.tv_sec > 1000000000);
    step(utimensat(AT_FDCWD, "missing", NULL, 0));
}
static void time_of_symlink(void)
{
    make("f", "");
    set("f", 100, 0, 200, 0);
    step(symlink("f", "l"));
    set("l", 300, 1, 400, 2);
    say("%ld", (long)look("f").st_mtim.tv_sec);
    struct timespec times[] = {{5, 0}, {6, 0}};
    step(utimensat(AT_FDCWD, "l", times, 0));
    say("%ld %ld", (long)look("f").st_mtim.tv_sec, (long)look("l").st_mtim.tv_sec);
}
static void time_of_descriptor(void)
{
    make("f", "");
    int fd = open("f", O_RDONLY);
    struct timespec times[] = {{5, 7}, {6, 8}};
    step(futimens(fd, times));
    struct stat st;
    step(fstat(fd, &st));
    say("%ld.%ld", (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}
static void time_of_write(void)
{
    make("f", "text");
    set("f", 100, 0, 200, 0);
    struct stat a = look("f");
    tick();
    int fd = open("f", O_RDWR);
    value(write(fd, "T", 1));
    step(close(fd));
    struct stat b = look("f");
    say("%d %d %d", same(a.st_mtim, b.st_mtim), same(a.st_ctim, b.st_ctim), same(a.st_atim, b.st_atim));
    tick();
    fd = open("f", O_RDWR);
    value(write(fd, "", 0));
    step(close(fd));
    say("%d", same(b.st_mtim, look("f").st_mtim));
}
static void time_of_read(void)
{
    char c;
    make("f", "text");
    set("f", 100, 0, 200, 0);
    int fd = open("f", O_RDONLY);
    value(read(fd, &c, 1));
    step(close(fd));
    say("%d %ld", look("f").st_atim.tv_sec > 1000000000, (long)look("f").st_mtim.tv_sec);
}
static void time_of_change(void)
{
    make("f", "");
    struct stat a = look("f"), b;
    tick();
    step(chmod("f", 0600));
    b = look("f");
    say("%d %d", same(a.st_ctim, b.st_ctim), same(a.st_mtim, b.st_mtim));
    tick();
    step(link("f", "g"));
    say("%d", same(b.st_ctim, look("f").st_ctim));
    b = look("f");
    tick();
    step(unlink("g"));
    say("%d", same(b.st_ctim, look("f").st_ctim));
    b = look("f");
    tick();
    step(chown("f", 1, 1));
    say("%d", same(b.st_ctim, look("f").st_ctim));
}
static void time_of_directory(void)
{
    step(mkdir("d", 0755));
    struct stat a = look("d"), b;
    tick();
    make("d/f", "");
    b = look("d");
    say("%d %d", same(a.st_mtim, b.st_mtim), same(a.st_ctim, b.st_ctim));
    tick();
    make("d/f", "changed");
    say("%d", same(b.st_mtim, look("d").st_mtim));
    tick();
    step(unlink("d/f"));
    say("%d", same(b.st_mtim, look("d").st_mtim));
    b = look("d");
    tick();
    step(mkdir("d/e", 0755));
    say("%d", same(b.st_mtim, look("d").st_mtim));
}
static void stat_values(void)
{
    make("f", "0123456789");
    struct stat st = look("f");
    say("%o %ld %u:%u %ld", st.st_mode, (long)st.st_nlink, st.st_uid, st.st_gid, (long)st.st_size);
    say("%d %d", st.st_blksize > 0, st.st_dev == look(".").st_dev);
    struct stat other;
    int fd = open("f", O_RDONLY);
    step(fstat(fd, &other));
    say("%d", other.st_ino == st.st_ino && other.st_dev == st.st_dev && other.st_mode == st.st_mode);
    say("%o", look(".").st_mode);
}
static void statx_values(void)
{
    struct statx x;
    make("f", "0123456789");
    step(statx(AT_FDCWD, "f", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &x));
    say("%d %o %llu", (x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS, x.stx_mode, (long long)x.stx_size);
    step(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC, STATX_SIZE, &x));
    say("%llu", (long long)x.stx_size);
    step(statx(AT_FDCWD, "f", AT_STATX_DONT_SYNC, STATX_SIZE, &x));
    step(statx(AT_FDCWD, "missing", 0, STATX_SIZE, &x));
    step(statx(AT_FDCWD, "f", 0, STATX__RESERVED, &x));
}
static void statx_birth(void)
{
    struct statx x;
    make("f", "");
    step(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS | STATX_BTIME, &x));
    say("%d", (x.stx_mask & STATX_BTIME) != 0);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    say("%d", x.stx_btime.tv_sec != 0 && llabs(x.stx_btime.tv_sec - now.tv_sec) < 100);
}
static void inode_kept(void)
{
    make("f", "");
    ino_t inode = look("f").st_ino;
    make("f", "again");
    step(chmod("f", 0600));
    step(rename("f", "g"));
    say("%d", look("g").st_ino == inode);
    make("f", "");
    say("%d", look("f").st_ino == inode);
}
static void access_as_root(void)
{
    make("f", "");
    step(chmod("f", 0));
    step(access("f", R_OK | W_OK));
    step(access("f", X_OK));
    step(chmod("f", 0100));
    step(access("f", X_OK));
    step(mkdir("d", 0));
    step(access("d", R_OK | W_OK | X_OK));
    step(access("missing", F_OK));
    step(access("f", 0100));
}

const struct check attribute_checks[] = {
    {"chmod.all", chmod_all, "OK 0 OK 777 OK 1777 OK 2755 OK 4755 OK 7777 OK 400 OK OK 7777 ENOENT"},
    {"chmod.symlink", chmod_of_symlink, "OK OK 600 EOPNOTSUPP 600"},
    {"chmod.while-open", chmod_while_open, "OK 1 0"},
    {"chmod.nodes", chmod_with_nodes, "OK OK OK OK 10666 20666"},
    {"umask.applies", umask_applies, "666 777 666 644 755 644 600 700 600 0 0 0"},
    {"create.special-bits", create_special_bits, "OK 7777 OK 1777"},
    {"chown.change", owner_change, "OK 1234:5678 OK OK 98:99 OK 4000000000:4000000001 OK OK 7:8 4000000000"},
    {"chown.clears-setuid", owner_change_clears, "OK OK 755 OK OK 2644 OK OK OK 7755"},
    {"setgid.directory", group_of_setgid_directory, "OK OK OK OK OK OK 4242 4242 4242 4242 42755 100644"},
    {"time.nanoseconds", time_nanoseconds,
     "OK 1.999999999 1000000000.123456789 OK 1700000000.000000001 1700000001.000000000"},
    {"time.2106", time_2106,
     "OK 4294967295.000000005 4294967396.000000006 OK 2147483648.000000000 2147483647.999999999"},
    {"time.before-1970", time_before_1970,
     "OK -1.000000000 -1000.500000000 OK -2147483648.000000000 -2147483648.000000000"},
    {"time.2446", time_limits, "OK 15032385535.000000000 15032385535.000000000"},
    {"time.now-omit", time_now_and_omitted, "OK 100.000000000 200.000000000 OK 100 1 OK EINVAL OK 1 ENOENT"},
    {"time.symlink", time_of_symlink,
     "OK 100.000000000 200.000000000 OK OK 300.000000001 400.000000002 200 OK 6 400"},
    {"time.descriptor", time_of_descriptor, "OK OK 6.8"},
    {"time.write", time_of_write, "OK 100.000000000 200.000000000 1 OK 0 0 1 0 OK 1"},
    {"time.read", time_of_read, "OK 100.000000000 200.000000000 1 OK 1 200"},
    {"time.change", time_of_change, "OK 0 1 OK 0 OK 0 OK 0"},
    {"time.directory", time_of_directory, "OK 0 0 1 OK 0 OK 0"},
    {"stat.values", stat_values, "100644 1 0:0 10 1 1 OK 1 40777"},
    {"statx.values", statx_values, "OK 1 100644 10 OK 10 OK ENOENT EINVAL"},
    {"statx.birth", statx_birth, "OK 1 1"},
    {"stat.inode-kept", inode_kept, "OK OK 1 0"},
    {"access.root", access_as_root, "OK OK EACCES OK OK OK OK ENOENT EINVAL"},
    {NULL, NULL, NULL},
};
