/* Names, paths, links. */
#include "posix.h"
#include <sys/wait.h>
#include <dirent.h>

static void create_exclusive(void)
{
    step(open("f", O_CREAT | O_EXCL | O_RDWR, 0600));
    step(open("f", O_CREAT | O_EXCL | O_RDWR, 0600));
    step(symlink("nowhere", "l"));
    step(open("l", O_CREAT | O_EXCL | O_RDWR, 0600));
    step(access("nowhere", F_OK));
}
static void create_through_link(void)
{
    step(symlink("target", "l"));
    step(open("l", O_CREAT | O_RDWR, 0600));
    say("%o", look("target").st_mode);
}
static void create_mode(void)
{
    step(open("f", O_CREAT | O_RDWR, 0));
    say("%o", look("f").st_mode);
    /* The mode limits later opens, not the one that creates. */
    int fd = open("g", O_CREAT | O_RDWR, 0400);
    value(write(fd, "x", 1));
}
static void create_existing(void)
{
    make("f", "kept");
    step(chmod("f", 0640));
    step(open("f", O_CREAT | O_RDWR, 0777));
    say("%o", look("f").st_mode);
    show("f");
}
static void open_missing(void)
{
    step(open("f", O_RDONLY));
    step(open("d/f", O_CREAT | O_RDWR, 0600));
}
static void open_empty_path(void)
{
    step(open("", O_RDONLY));
}
static void open_nofollow(void)
{
    make("f", "");
    step(symlink("f", "l"));
    step(open("l", O_RDONLY | O_NOFOLLOW));
    step(open("f", O_RDONLY | O_NOFOLLOW));
    int fd = (int)step(open("l", O_PATH | O_NOFOLLOW));
    struct stat st;
    step(fstat(fd, &st));
    say("%o", st.st_mode & S_IFMT);
}
static void open_directory(void)
{
    make("f", "");
    step(mkdir("d", 0755));
    step(open("f", O_RDONLY | O_DIRECTORY));
    step(open("d", O_RDONLY | O_DIRECTORY));
    step(open("d", O_RDWR));
    step(open("d", O_CREAT | O_RDONLY, 0644));
}
static void open_trailing_slash(void)
{
    make("f", "");
    step(open("f/", O_RDONLY));
    step(open("g/", O_RDWR | O_CREAT, 0600));
    step(mkdir("d/", 0755));
    step(rmdir("d/"));
}
static void open_truncates(void)
{
    make("f", "content");
    step(open("f", O_WRONLY | O_TRUNC));
    say("%ld", (long)look("f").st_size);
}
static void open_path_only(void)
{
    make("f", "content");
    char c;
    int fd = (int)step(open("f", O_PATH));
    value(read(fd, &c, 1));
    step(fchmod(fd, 0600));
    struct stat st;
    step(fstat(fd, &st));
    say("%ld", (long)st.st_size);
}
static void path_through_file(void)
{
    make("f", "");
    struct stat st;
    step(stat("f/x", &st));
    step(mkdir("f/x", 0755));
    step(unlink("f/x"));
}
static void path_dots(void)
{
    step(mkdir("d", 0755));
    make("f", "here");
    show("d/../f");
    show("./d/.././f");
    show("d//..//f");
}
static void path_of_4095_bytes(void)
{
    char path[4200] = "";
    struct stat st;
    make("f", "found");
    while (strlen(path) < 4094) {
        strcat(path, "./");
    }
    strcat(path, "f");
    show(path);
    memmove(path + 1, path, 4096);
    step(stat(path, &st));
}
static void long_name(char *name, int length)
{
    memset(name, 'n', length);
    name[length] = 0;
}
static void name_of_255_bytes(void)
{
    char name[300];
    long_name(name, 255);
    make(name, "found");
    show(name);
    DIR *d = opendir(".");
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == 'n') {
            say("%zu", strlen(e->d_name));
        }
    }
    closedir(d);
    char other[300];
    long_name(other, 255);
    other[0] = 'm';
    step(rename(name, other));
    step(unlink(other));
}
static void name_of_256_bytes(void)
{
    char name[300];
    long_name(name, 256);
    struct stat st;
    step(open(name, O_CREAT | O_RDWR, 0600));
    step(mkdir(name, 0700));
    step(symlink("x", name));
    step(stat(name, &st));
    step(unlink(name));
    make("f", "");
    step(link("f", name));
    step(rename("f", name));
}
static void name_of_85_characters(void)
{
    /* 85 characters of 3 bytes are 255 bytes; one more byte is too long. */
    char name[300] = "";
    for (int i = 0; i < 85; i++) {
        strcat(name, "\xe2\x82\xac");
    }
    make(name, "found");
    show(name);
    strcat(name, "x");
    step(open(name, O_CREAT | O_RDWR, 0600));
}
static void name_not_utf8(void)
{
    static const char *const names[] = {"\xff\xfe", "latin\xe9", "cut\xe2\x82", "\x80", "\xc0\xaf"};
    for (int i = 0; i < 5; i++) {
        make(names[i], "x");
    }
    int found = 0;
    DIR *d = opendir(".");
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        for (int i = 0; i < 5; i++) {
            found += strcmp(e->d_name, names[i]) == 0;
        }
    }
    closedir(d);
    say("%d", found);
    step(rename("latin\xe9", "\xe9"));
    step(link("\xff\xfe", "\xfe\xff"));
    step(symlink("\xff", "l\xff"));
    char to[8] = "";
    value(readlink("l\xff", to, sizeof to));
    say("%02x", (unsigned char)to[0]);
}
static void name_odd(void)
{
    static const char *const names[] = {"new\nline", " ", "back\\slash", "%s%n", "\"", "*", "-rf", "\x01\x7f", "..."};
    for (int i = 0; i < 9; i++) {
        make(names[i], names[i]);
        struct stat st = look(names[i]);
        if (st.st_size != (off_t)strlen(names[i])) {
            say("%d", i);
        }
        step(unlink(names[i]));
    }
}
static void name_case(void)
{
    make("f", "small");
    make("F", "big");
    show("f");
    show("F");
    make("\xc3\xa9", "composed");
    step(access("e\xcc\x81", F_OK));
}
static void link_counts(void)
{
    make("f", "shared");
    step(link("f", "g"));
    say("%ld %d", (long)look("g").st_nlink, look("f").st_ino == look("g").st_ino);
    step(unlink("f"));
    say("%ld", (long)look("g").st_nlink);
    show("g");
}
static void link_errors(void)
{
    make("f", "");
    make("g", "");
    step(mkdir("d", 0755));
    step(link("f", "g"));
    step(link("d", "e"));
    step(link("missing", "h"));
    step(link("f", "missing/h"));
    step(link("f", "g/h"));
}
static void link_of_symlink(void)
{
    make("f", "");
    step(symlink("f", "l"));
    step(link("l", "m"));
    say("%d", S_ISLNK(look("m").st_mode));
    step(linkat(AT_FDCWD, "l", AT_FDCWD, "n", AT_SYMLINK_FOLLOW));
    say("%d", look("n").st_ino == look("f").st_ino);
}
static void link_between_directories(void)
{
    step(mkdir("a", 0755));
    step(mkdir("b", 0755));
    make("a/f", "one");
    step(link("a/f", "b/f"));
    make("b/f", "two");
    show("a/f");
}
static void link_of_descriptor(void)
{
    make("f", "content");
    int fd = open("f", O_RDONLY);
    step(linkat(fd, "", AT_FDCWD, "g", AT_EMPTY_PATH));
    show("g");
}
static void symlink_reads(void)
{
    char to[16] = "zzzzzzzzzzzzzzz";
    step(symlink("some/where", "l"));
    value(readlink("l", to, sizeof to));
    say("%.10s%c", to, to[10]);
    say("%ld %o", (long)look("l").st_size, look("l").st_mode);
    value(readlink("l", to, 4));
    make("f", "");
    value(readlink("f", to, sizeof to));
    value(readlink("missing", to, sizeof to));
}
static void symlink_lengths(void)
{
    char to[4200], back[4200];
    memset(to, 'x', sizeof to);
    static const int lengths[] = {59, 60, 255, 4095};
    for (int i = 0; i < 4; i++) {
        char name[8];
        sprintf(name, "l%d", i);
        to[lengths[i]] = 0;
        step(symlink(to, name));
        value(readlink(name, back, sizeof back));
        say("%d", memcmp(to, back, lengths[i]));
        to[lengths[i]] = 'x';
    }
    to[4096] = 0;
    step(symlink(to, "m"));
    step(symlink("", "e"));
}
static void symlink_existing(void)
{
    make("f", "");
    step(symlink("x", "f"));
    step(symlink("x", "l"));
    step(symlink("y", "l"));
}
static void symlink_loop(void)
{
    struct stat st;
    step(symlink("b", "a"));
    step(symlink("a", "b"));
    step(stat("a", &st));
    step(lstat("a", &st));
    step(symlink("self", "self"));
    step(open("self/x", O_RDONLY));
}
static void symlink_chain(void)
{
    char from[8], to[8];
    struct stat st;
    make("l0", "end");
    for (int i = 1; i <= 41; i++) {
        sprintf(to, "l%d", i - 1);
        sprintf(from, "l%d", i);
        if (symlink(to, from) != 0) {
            step(-1);
        }
    }
    step(stat("l40", &st));
    step(stat("l41", &st));
}
static void symlink_to_parent(void)
{
    step(mkdir("d", 0755));
    make("f", "above");
    step(symlink("../f", "d/l"));
    show("d/l");
    step(symlink("d", "e"));
    show("e/l");
    show("e/../f");
}
static void symlink_changed(void)
{
    char to[8] = "";
    step(symlink("one", "l"));
    value(readlink("l", to, sizeof to));
    step(unlink("l"));
    step(symlink("other", "l"));
    value(readlink("l", to, sizeof to));
    say("%.5s", to);
}
static void symlink_unlinked(void)
{
    make("f", "kept");
    step(symlink("f", "l"));
    step(unlink("l"));
    show("f");
    step(mkdir("d", 0755));
    step(symlink("d", "m"));
    step(rmdir("m"));
    step(unlink("m"));
}
static void unlink_errors(void)
{
    step(unlink("missing"));
    step(mkdir("d", 0755));
    step(unlink("d"));
    make("f", "");
    step(rmdir("f"));
    step(rmdir("missing"));
}
static void rmdir_errors(void)
{
    step(mkdir("d", 0755));
    step(mkdir("d/e", 0755));
    step(rmdir("d"));
    step(rmdir("d/e/."));
    step(rmdir("d/e/.."));
    step(rmdir("d/e"));
    step(rmdir("d"));
}
static void mkdir_errors(void)
{
    step(mkdir("d", 0755));
    step(mkdir("d", 0755));
    make("f", "");
    step(mkdir("f", 0755));
    step(mkdir("missing/d", 0755));
    step(symlink("nowhere", "l"));
    step(mkdir("l", 0755));
    step(mkdir(".", 0755));
}
static void mkdir_links(void)
{
    step(mkdir("d", 0755));
    say("%ld", (long)look("d").st_nlink);
    step(mkdir("d/a", 0755));
    step(mkdir("d/b", 0755));
    say("%ld", (long)look("d").st_nlink);
    step(rmdir("d/a"));
    say("%ld", (long)look("d").st_nlink);
}
static void unlink_while_open(void)
{
    char c[8] = "";
    struct stat st;
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    value(write(fd, "before", 6));
    step(unlink("f"));
    step(access("f", F_OK));
    value(pread(fd, c, 6, 0));
    say("%s", c);
    value(pwrite(fd, "after", 5, 6));
    step(ftruncate(fd, 9));
    step(fchmod(fd, 0640));
    step(fstat(fd, &st));
    say("%ld %ld %o", (long)st.st_nlink, (long)st.st_size, st.st_mode);
    make("f", "another");
    value(pread(fd, c, 6, 0));
    say("%s", c);
    step(close(fd));
    show("f");
}
static void unlink_one_of_two_while_open(void)
{
    struct stat st;
    make("f", "text");
    int fd = open("f", O_RDWR);
    step(link("f", "g"));
    step(unlink("f"));
    value(write(fd, "TE", 2));
    step(fstat(fd, &st));
    say("%ld", (long)st.st_nlink);
    show("g");
}
static void unlink_reopened(void)
{
    char path[64], c[8] = "";
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    value(write(fd, "text", 4));
    step(unlink("f"));
    sprintf(path, "/proc/self/fd/%d", fd);
    int again = (int)step(open(path, O_RDONLY));
    value(read(again, c, 4));
    say("%s", c);
}

static void link_many(void)
{
    char name[16];
    int made = 0;
    make("f", "");
    for (int i = 0; i < 500; i++) {
        sprintf(name, "l%d", i);
        made += link("f", name) == 0;
    }
    say("%d %d", made, (int)look("l499").st_nlink);
}
static void create_race(void)
{
    int winners = 0, status;
    for (int i = 0; i < 8; i++) {
        if (fork() == 0) {
            _exit(open("f", O_CREAT | O_EXCL | O_WRONLY, 0644) >= 0);
        }
    }
    while (wait(&status) > 0) {
        winners += WEXITSTATUS(status);
    }
    say("%d", winners);
}
const struct check names_checks[] = {
    {"create.exclusive", create_exclusive, "OK EEXIST OK EEXIST ENOENT"},
    {"create.race", create_race, "1"},
    {"create.through-link", create_through_link, "OK OK 100600"},
    {"create.mode", create_mode, "OK 100000 1"},
    {"create.existing", create_existing, "OK OK 100640 'kept'"},
    {"open.missing", open_missing, "ENOENT ENOENT"},
    {"open.empty-path", open_empty_path, "ENOENT"},
    {"open.nofollow", open_nofollow, "OK ELOOP OK OK OK 120000"},
    {"open.directory", open_directory, "OK ENOTDIR OK EISDIR EISDIR"},
    {"open.trailing-slash", open_trailing_slash, "ENOTDIR EISDIR OK OK"},
    {"open.truncates", open_truncates, "OK 0"},
    {"open.path-only", open_path_only, "OK EBADF EBADF OK 7"},
    {"path.through-file", path_through_file, "ENOTDIR ENOTDIR ENOTDIR"},
    {"path.dots", path_dots, "OK 'here' 'here' 'here'"},
    {"path.4095-bytes", path_of_4095_bytes, "'found' ENAMETOOLONG"},
    {"name.255-bytes", name_of_255_bytes, "'found' 255 OK OK"},
    {"name.256-bytes", name_of_256_bytes,
     "ENAMETOOLONG ENAMETOOLONG ENAMETOOLONG ENAMETOOLONG ENAMETOOLONG ENAMETOOLONG ENAMETOOLONG"},
    {"name.85-characters", name_of_85_characters, "'found' ENAMETOOLONG"},
    {"name.not-utf8", name_not_utf8, "5 OK OK OK 1 ff"},
    {"name.odd", name_odd, "OK OK OK OK OK OK OK OK OK"},
    {"name.case", name_case, "'small' 'big' ENOENT"},
    {"link.counts", link_counts, "OK 2 1 OK 1 'shared'"},
    {"link.500", link_many, "500 501"},
    {"link.errors", link_errors, "OK EEXIST EPERM ENOENT ENOENT ENOTDIR"},
    {"link.of-symlink", link_of_symlink, "OK OK 1 OK 1"},
    {"link.between-directories", link_between_directories, "OK OK OK 'two'"},
    {"link.of-descriptor", link_of_descriptor, "OK 'content'"},
    {"symlink.reads", symlink_reads, "OK 10 some/wherez 10 120777 4 EINVAL ENOENT"},
    {"symlink.lengths", symlink_lengths, "OK 59 0 OK 60 0 OK 255 0 OK 4095 0 ENAMETOOLONG ENOENT"},
    {"symlink.existing", symlink_existing, "EEXIST OK EEXIST"},
    {"symlink.loop", symlink_loop, "OK OK ELOOP OK OK ELOOP"},
    {"symlink.chain", symlink_chain, "OK ELOOP"},
    {"symlink.to-parent", symlink_to_parent, "OK OK 'above' OK 'above' 'above'"},
    {"symlink.changed", symlink_changed, "OK 3 OK OK 5 other"},
    {"symlink.unlinked", symlink_unlinked, "OK OK 'kept' OK OK ENOTDIR OK"},
    {"unlink.errors", unlink_errors, "ENOENT OK EISDIR ENOTDIR ENOENT"},
    {"unlink.while-open", unlink_while_open, "6 OK ENOENT 6 before 5 OK OK OK 0 9 100640 6 before OK 'another'"},
    {"unlink.one-of-two-while-open", unlink_one_of_two_while_open, "OK OK 2 OK 1 'TExt'"},
    {"unlink.reopened", unlink_reopened, "4 OK OK 4 text"},
    {"rmdir.errors", rmdir_errors, "OK OK ENOTEMPTY EINVAL ENOTEMPTY OK OK"},
    {"mkdir.errors", mkdir_errors, "OK EEXIST EEXIST ENOENT OK EEXIST EEXIST"},
    {"mkdir.links", mkdir_links, "OK 2 OK OK 4 OK 3"},
    {NULL, NULL, NULL},
};
