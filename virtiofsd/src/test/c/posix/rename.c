/* rename(2) and its flags. */
#include "posix.h"
#include <sys/wait.h>
#include <sys/sysmacros.h>

static int rename2(const char *from, const char *to, unsigned flags)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void basic(void)
{
    make("f", "moved");
    ino_t inode = look("f").st_ino;
    step(rename("f", "g"));
    step(access("f", F_OK));
    show("g");
    say("%d", look("g").st_ino == inode);
}
static void over_file(void)
{
    make("f", "new");
    make("g", "old");
    int old = open("g", O_RDONLY);
    struct stat st;
    char c[4] = "";
    step(rename("f", "g"));
    show("g");
    value(read(old, c, 3));
    say("%s", c);
    step(fstat(old, &st));
    say("%ld", (long)st.st_nlink);
}
static void same_file(void)
{
    make("f", "both");
    step(link("f", "g"));
    step(rename("f", "g"));
    show("f");
    show("g");
    step(rename("f", "f"));
}
static void kinds(void)
{
    make("f", "");
    step(mkdir("d", 0755));
    step(rename("f", "d"));
    step(rename("d", "f"));
    step(rename("missing", "x"));
    step(rename("f", "missing/x"));
    step(rename("f", "d/.."));
    step(rename("d/.", "x"));
    step(symlink("d", "l"));
    step(rename("f", "l"));
    say("%d", S_ISREG(look("l").st_mode));
}
static void over_directory(void)
{
    step(mkdir("a", 0755));
    step(mkdir("b", 0755));
    make("a/f", "in a");
    step(rename("a", "b"));
    show("b/f");
    step(mkdir("c", 0755));
    step(rename("c", "b"));
    step(rename("b", "c"));
    show("c/f");
}
static void into_itself(void)
{
    step(mkdir("d", 0755));
    step(mkdir("d/e", 0755));
    step(rename("d", "d/e/f"));
    step(rename("d", "d/x"));
    step(rename("d/e", "d"));
}
static void moves_parent(void)
{
    step(mkdir("a", 0755));
    step(mkdir("b", 0755));
    step(mkdir("a/d", 0755));
    step(rename("a/d", "b/d"));
    say("%d", look("b/d/..").st_ino == look("b").st_ino);
    say("%ld %ld", (long)look("a").st_nlink, (long)look("b").st_nlink);
}
static void while_open(void)
{
    char c[8] = "";
    make("f", "text");
    int fd = open("f", O_RDWR);
    step(rename("f", "g"));
    value(pwrite(fd, "TE", 2, 0));
    show("g");
    make("f", "another");
    value(pread(fd, c, 4, 0));
    say("%s", c);
}
static void directory_while_open(void)
{
    step(mkdir("d", 0755));
    make("d/f", "inside");
    int fd = open("d", O_RDONLY | O_DIRECTORY);
    step(rename("d", "e"));
    step(faccessat(fd, "f", F_OK, 0));
    step(mkdirat(fd, "new", 0755));
    step(access("e/new", F_OK));
}
static void noreplace(void)
{
    make("f", "one");
    make("g", "two");
    step(rename2("f", "g", RENAME_NOREPLACE));
    show("g");
    step(rename2("f", "h", RENAME_NOREPLACE));
    show("h");
    step(rename2("g", "g", RENAME_NOREPLACE));
}
static void exchange(void)
{
    make("f", "one");
    make("g", "two");
    ino_t inode = look("f").st_ino;
    step(rename2("f", "g", RENAME_EXCHANGE));
    show("f");
    show("g");
    say("%d", look("g").st_ino == inode);
    step(rename2("f", "missing", RENAME_EXCHANGE));
    step(rename2("missing", "f", RENAME_EXCHANGE));
}
static void exchange_of_kinds(void)
{
    make("f", "one");
    step(mkdir("d", 0755));
    make("d/inside", "two");
    step(mkdir("e", 0755));
    step(rename2("f", "d", RENAME_EXCHANGE));
    show("d");
    show("f/inside");
    step(rename2("f", "e", RENAME_EXCHANGE));
    show("e/inside");
    step(symlink("x", "l"));
    step(rename2("l", "d", RENAME_EXCHANGE));
    show("l");
    step(rename2("e", "e/inside", RENAME_EXCHANGE));
}
static void exchange_between_directories(void)
{
    step(mkdir("a", 0755));
    step(mkdir("b", 0755));
    step(mkdir("a/d", 0755));
    make("b/f", "file");
    step(rename2("a/d", "b/f", RENAME_EXCHANGE));
    show("a/f");
    show("a/d");
    say("%d", S_ISDIR(look("b/f").st_mode));
    say("%ld %ld", (long)look("a").st_nlink, (long)look("b").st_nlink);
    say("%d", look("b/f/..").st_ino == look("b").st_ino);
}
static void whiteout(void)
{
    make("f", "moved");
    step(rename2("f", "g", RENAME_WHITEOUT));
    struct stat st = look("f");
    say("%o %u:%u", st.st_mode & S_IFMT, major(st.st_rdev), minor(st.st_rdev));
    show("g");
    make("h", "old");
    make("i", "new");
    step(rename2("i", "h", RENAME_WHITEOUT));
    show("h");
}
static void wrong_flags(void)
{
    make("f", "");
    make("g", "");
    step(rename2("f", "g", RENAME_NOREPLACE | RENAME_EXCHANGE));
    step(rename2("f", "g", RENAME_WHITEOUT | RENAME_EXCHANGE));
    step(rename2("f", "g", 1u << 10));
}
static void other_file_system(void)
{
    make("f", "");
    step(rename("f", "/dev/porthole-posix"));
    step(link("f", "/dev/porthole-posix"));
    step(rename("/dev/null", "g"));
}
static void times(void)
{
    make("f", "");
    step(mkdir("d", 0755));
    struct stat a = look("d"), f = look("f");
    tick();
    step(rename("f", "d/f"));
    struct stat b = look("d"), g = look("d/f");
    say("%d", b.st_mtim.tv_sec > a.st_mtim.tv_sec || b.st_mtim.tv_nsec != a.st_mtim.tv_nsec);
    say("%d", g.st_ctim.tv_sec > f.st_ctim.tv_sec || g.st_ctim.tv_nsec != f.st_ctim.tv_nsec);
    say("%d", g.st_mtim.tv_sec == f.st_mtim.tv_sec && g.st_mtim.tv_nsec == f.st_mtim.tv_nsec);
}

static void replaces_repeatedly(void)
{
    for (int i = 0; i < 300; i++) {
        make("new", "whole");
        if (rename("new", "f") != 0) {
            _exit(1);
        }
    }
    _exit(0);
}
static void race(void)
{
    char content[8];
    int status, looks = 0, whole = 0;
    make("f", "whole");
    pid_t child = fork();
    if (child == 0) {
        replaces_repeatedly();
    }
    while (waitpid(child, &status, WNOHANG) == 0) {
        int fd = open("f", O_RDONLY);
        looks++;
        whole += fd >= 0 && read(fd, content, sizeof content) == 5 && memcmp(content, "whole", 5) == 0;
        close(fd);
    }
    say("%d %d %d", WEXITSTATUS(status), looks > 0, looks - whole);
}

const struct check rename_checks[] = {
    {"rename.basic", basic, "OK ENOENT 'moved' 1"},
    {"rename.over-file", over_file, "OK 'new' 3 old OK 0"},
    {"rename.same-file", same_file, "OK OK 'both' 'both' OK"},
    {"rename.kinds", kinds, "OK EISDIR ENOTDIR ENOENT ENOENT EBUSY EBUSY OK OK 1"},
    {"rename.over-directory", over_directory, "OK OK OK 'in a' OK ENOTEMPTY OK 'in a'"},
    {"rename.into-itself", into_itself, "OK OK EINVAL EINVAL ENOTEMPTY"},
    {"rename.moves-parent", moves_parent, "OK OK OK OK 1 2 3"},
    {"rename.while-open", while_open, "OK 2 'TExt' 4 TExt"},
    {"rename.directory-while-open", directory_while_open, "OK OK OK OK OK"},
    {"rename.noreplace", noreplace, "EEXIST 'two' OK 'one' EEXIST"},
    {"rename.exchange", exchange, "OK 'two' 'one' 1 ENOENT ENOENT"},
    {"rename.exchange-of-kinds", exchange_of_kinds, "OK OK OK 'one' 'two' OK 'two' OK OK 'one' EINVAL"},
    {"rename.exchange-between-directories", exchange_between_directories, "OK OK OK OK ENOENT 'file' 1 2 3 1"},
    {"rename.whiteout", whiteout, "OK 20000 0:0 'moved' OK 'new'"},
    {"rename.wrong-flags", wrong_flags, "EINVAL EINVAL EINVAL"},
    {"rename.other-file-system", other_file_system, "EXDEV EXDEV EXDEV"},
    {"rename.race", race, "0 1 0"},
    {"rename.times", times, "OK OK 1 1 1"},
    {NULL, NULL, NULL},
};
