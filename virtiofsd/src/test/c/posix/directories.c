/* Directory streams. */
#include "posix.h"
#include <dirent.h>
#include <sys/syscall.h>

static int hidden(const struct dirent *e)
{
    return strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
}
static int names(DIR *d)
{
    int n = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        n += !hidden(e);
    }
    return n;
}
static int count(const char *path)
{
    DIR *d = opendir(path);
    int n = d == NULL ? -1 : names(d);
    if (d != NULL) {
        closedir(d);
    }
    return n;
}
/* So many nodes in a directory, n0, n1, ... */
static void populate(const char *directory, int from, int to)
{
    for (int i = from; i < to; i++) {
        char path[64];
        sprintf(path, "%s/n%d", directory, i);
        if (mknod(path, S_IFREG | 0644, 0) != 0) {
            step(-1);
            return;
        }
    }
}

static void dots(void)
{
    step(mkdir("d", 0755));
    DIR *d = opendir("d");
    int self = 0, parent = 0, others = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0) {
            self += e->d_ino == look("d").st_ino;
        } else if (strcmp(e->d_name, "..") == 0) {
            parent += e->d_ino == look(".").st_ino;
        } else {
            others++;
        }
    }
    closedir(d);
    say("%d %d %d", self, parent, others);
}
static void types(void)
{
    make("f", "");
    step(mkdir("d", 0755));
    step(symlink("x", "l"));
    step(mkfifo("p", 0600));
    step(mknod("c", S_IFCHR | 0600, 0x103));
    step(mknod("b", S_IFBLK | 0600, 0x700));
    DIR *d = opendir(".");
    int right = 0, inodes = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (!hidden(e)) {
            struct stat st = look(e->d_name);
            right += IFTODT(st.st_mode) == e->d_type;
            inodes += st.st_ino == e->d_ino;
        }
    }
    closedir(d);
    say("%d %d", right, inodes);
}
static void of_40000(void)
{
    static unsigned char seen[40000];
    int twice = 0, strange = 0, all = 0;
    step(mkdir("d", 0755));
    populate("d", 0, 40000);
    DIR *d = opendir("d");
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (!hidden(e)) {
            int i = atoi(e->d_name + 1);
            strange += e->d_name[0] != 'n' || i < 0 || i >= 40000;
            twice += seen[i % 40000]++ != 0;
            all++;
        }
    }
    say("%d %d %d", all, twice, strange);
    rewinddir(d);
    say("%d", names(d));
    closedir(d);
    step(access("d/n39999", F_OK));
    step(access("d/n40000", F_OK));
}
static void tell_and_seek(void)
{
    step(mkdir("d", 0755));
    populate("d", 0, 300);
    DIR *d = opendir("d");
    long places[310];
    char found[310][16];
    int n = 0;
    for (;;) {
        places[n] = telldir(d);
        struct dirent *e = readdir(d);
        if (e == NULL) {
            break;
        }
        strcpy(found[n++], e->d_name);
    }
    say("%d", n);
    int right = 0;
    for (int i = n - 1; i >= 0; i -= 7) {
        seekdir(d, places[i]);
        struct dirent *e = readdir(d);
        right += e != NULL && strcmp(e->d_name, found[i]) == 0;
    }
    say("%d", right);
    seekdir(d, places[n]);
    say("%d", readdir(d) == NULL);
    closedir(d);
}
static void rewind_shows_news(void)
{
    step(mkdir("d", 0755));
    DIR *d = opendir("d");
    say("%d", names(d));
    populate("d", 0, 5);
    rewinddir(d);
    say("%d", names(d));
    step(unlink("d/n0"));
    rewinddir(d);
    say("%d", names(d));
    closedir(d);
}
static void delete_while_reading(void)
{
    step(mkdir("d", 0755));
    populate("d", 0, 2000);
    DIR *d = opendir("d");
    int n = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (!hidden(e)) {
            n += unlinkat(dirfd(d), e->d_name, 0) == 0;
        }
    }
    closedir(d);
    say("%d %d", n, count("d"));
    step(rmdir("d"));
}
static void create_while_reading(void)
{
    static unsigned char seen[1000];
    step(mkdir("d", 0755));
    populate("d", 0, 1000);
    DIR *d = opendir("d");
    int n = 0, twice = 0, old = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (hidden(e)) {
            continue;
        }
        int i = atoi(e->d_name + 1);
        if (i < 1000) {
            old++;
            twice += seen[i]++ != 0;
        }
        if (n++ % 100 == 0 && n < 1000) {
            populate("d", 1000 + n, 1010 + n);
        }
    }
    closedir(d);
    say("%d %d %d", old, twice, count("d"));
}
static void rename_while_reading(void)
{
    static unsigned char seen[500];
    step(mkdir("d", 0755));
    populate("d", 0, 500);
    DIR *d = opendir("d");
    int twice = 0, kept = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (hidden(e) || e->d_name[0] != 'n') {
            continue;
        }
        int i = atoi(e->d_name + 1);
        twice += seen[i]++ != 0;
        /* Every other one goes to another name, out of the way of those that stay. */
        if (i % 2 == 1) {
            char from[32], to[32];
            sprintf(from, "d/n%d", i);
            sprintf(to, "d/r%d", i);
            rename(from, to);
        } else {
            kept++;
        }
    }
    closedir(d);
    say("%d %d %d", kept, twice, count("d"));
}
static void removed_while_open(void)
{
    step(mkdir("d", 0755));
    DIR *d = opendir("d");
    step(rmdir("d"));
    say("%d", names(d));
    step(openat(dirfd(d), "f", O_CREAT | O_RDWR, 0644));
    step(mkdirat(dirfd(d), "e", 0755));
    struct stat st;
    step(fstat(dirfd(d), &st));
    say("%ld", (long)st.st_nlink);
    closedir(d);
}
static void two_streams(void)
{
    step(mkdir("d", 0755));
    populate("d", 0, 100);
    DIR *a = opendir("d"), *b = opendir("d");
    int n = 0;
    for (int i = 0; i < 50; i++) {
        n += !hidden(readdir(a));
    }
    say("%d %d", names(b), names(a) + n);
    closedir(a);
    closedir(b);
}
static void small_buffer(void)
{
    char c[1024];
    step(mkdir("d", 0755));
    populate("d", 0, 3);
    int fd = open("d", O_RDONLY | O_DIRECTORY);
    value(syscall(SYS_getdents64, fd, c, 10) > 0 ? 1 : -1);
    int n = 0;
    for (long got; (got = syscall(SYS_getdents64, fd, c, 64)) > 0; n++) {
    }
    say("%d", n > 1);
}
static void of_file(void)
{
    make("f", "");
    step(opendir("f") == NULL ? -1 : 0);
    step(opendir("missing") == NULL ? -1 : 0);
}
static void deep(void)
{
    /* Deeper than PATH_MAX, a step at a time. */
    char name[101];
    memset(name, 'd', 100);
    name[100] = 0;
    int at = open(".", O_RDONLY | O_DIRECTORY), made = 0;
    for (int i = 0; i < 60; i++) {
        if (mkdirat(at, name, 0755) != 0) {
            step(-1);
            break;
        }
        int next = openat(at, name, O_RDONLY | O_DIRECTORY);
        close(at);
        at = next;
        made++;
    }
    say("%d", made);
    int fd = openat(at, "f", O_CREAT | O_RDWR, 0644);
    value(write(fd, "deep", 4));
    for (int i = 0; i < 60; i++) {
        unlinkat(at, "f", 0);
        int up = openat(at, "..", O_RDONLY | O_DIRECTORY);
        close(at);
        at = up;
        made -= unlinkat(at, name, AT_REMOVEDIR) == 0;
    }
    say("%d", made);
    close(at);
}
static void two_hundred_levels(void)
{
    char path[2000] = ".";
    for (int i = 0; i < 200; i++) {
        strcat(path, "/d");
        if (mkdir(path, 0755) != 0) {
            step(-1);
        }
    }
    strcat(path, "/f");
    make(path, "found");
    show(path);
    step(rename("d/d", "e"));
    show(path);
    path[2] = 'e';
    memmove(path + 4, path + 6, strlen(path + 6) + 1);
    show(path);
}
static void removed_working_directory(void)
{
    char c[256];
    step(mkdir("d", 0755));
    step(chdir("d"));
    step(rmdir("../d"));
    step(getcwd(c, sizeof c) == NULL ? -1 : 0);
    step(open("f", O_CREAT | O_RDWR, 0644));
}
static void change_after_list(void)
{
    /* What a listing may have left in a cache must not hide what came after it. */
    step(mkdir("d", 0755));
    populate("d", 0, 10);
    say("%d", count("d"));
    step(unlink("d/n3"));
    say("%d", count("d"));
    step(access("d/n3", F_OK));
    step(rename("d/n4", "d/m4"));
    step(access("d/n4", F_OK));
    step(access("d/m4", F_OK));
    step(chmod("d/n5", 0600));
    say("%o", look("d/n5").st_mode);
    make("d/n3", "back");
    show("d/n3");
    say("%d", count("d"));
}

const struct check directory_checks[] = {
    {"dir.dots", dots, "OK 1 1 0"},
    {"dir.types", types, "OK OK OK OK OK 6 6"},
    {"dir.40000-entries", of_40000, "OK 40000 0 0 40000 OK ENOENT"},
    {"dir.tell-seek", tell_and_seek, "OK 302 44 1"},
    {"dir.rewind-shows-news", rewind_shows_news, "OK 0 5 OK 4"},
    {"dir.delete-while-reading", delete_while_reading, "OK 2000 0 OK"},
    {"dir.create-while-reading", create_while_reading, "OK 1000 0 1100"},
    {"dir.rename-while-reading", rename_while_reading, "OK 250 0 500"},
    {"dir.removed-while-open", removed_while_open, "OK OK 0 ENOENT ENOENT OK 0"},
    {"dir.two-streams", two_streams, "OK 100 100"},
    {"dir.small-buffer", small_buffer, "OK EINVAL 1"},
    {"dir.of-file", of_file, "ENOTDIR ENOENT"},
    {"dir.deeper-than-path-max", deep, "60 4 0"},
    {"dir.200-levels", two_hundred_levels, "'found' OK ENOENT 'found'"},
    {"dir.removed-working-directory", removed_working_directory, "OK OK OK ENOENT ENOENT"},
    {"dir.change-after-list", change_after_list, "OK 10 OK 9 ENOENT OK ENOENT OK OK 100600 'back' 10"},
    {NULL, NULL, NULL},
};
