/* What an ordinary user may and may not: uid 1000, gid 1000, at times also in group 3000. */
#include "posix.h"
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static void owned(const char *name, mode_t mode, uid_t uid, gid_t gid)
{
    make(name, "text");
    step(chown(name, uid, gid));
    step(chmod(name, mode));
}
static void folder(const char *name, mode_t mode, uid_t uid, gid_t gid)
{
    step(mkdir(name, 0755));
    step(chown(name, uid, gid));
    step(chmod(name, mode));
}
static void show_owner(const char *name)
{
    struct stat st = look(name);
    say("%o %u:%u", st.st_mode & 07777, st.st_uid, st.st_gid);
}

static void creates(void)
{
    make("f", "");
    step(mkdir("e", 0777));
    step(symlink("x", "l"));
    step(mkfifo("p", 0666));
}
static void owner_of_new(void)
{
    as_user(1000, 1001, -1, creates);
    show_owner("f");
    show_owner("e");
    show_owner("p");
    struct stat st = look("l");
    say("%u:%u", st.st_uid, st.st_gid);
}
static void creates_below(void)
{
    umask(0);
    close(open("d/f", O_CREAT | O_RDWR, 02775));
    step(mkdir("d/e", 0755));
}
static void group_inherited(void)
{
    folder("d", 02777, 0, 4242);
    as_user(1000, 1000, -1, creates_below);
    /* The setgid bit of an executable goes, for the group is not the user's. */
    show_owner("d/f");
    show_owner("d/e");
}
static void group_inherited_by_member(void)
{
    folder("d", 02777, 0, 3000);
    as_user(1000, 1000, 3000, creates_below);
    show_owner("d/f");
}
static void opens(void)
{
    step(open("f", O_RDONLY));
    step(open("f", O_WRONLY));
    step(access("f", R_OK));
    step(access("f", W_OK));
    step(access("f", X_OK));
}
static void classes(void)
{
    owned("f", 0640, 0, 0);
    as_user(1000, 1000, -1, opens);
    step(chown("f", 1000, 0));
    as_user(1000, 1000, -1, opens);
    step(chown("f", 0, 1000));
    as_user(1000, 1000, -1, opens);
    /* The owner's class counts even where the others' gives more. */
    step(chown("f", 1000, 1000));
    step(chmod("f", 0077));
    as_user(1000, 1000, -1, opens);
}
static void supplementary_group(void)
{
    owned("f", 0060, 0, 3000);
    as_user(1000, 1000, 3000, opens);
    as_user(1000, 1000, -1, opens);
}
static void creates_in_d(void)
{
    step(open("d/f", O_CREAT | O_RDWR, 0644));
    step(mkdir("d/e", 0755));
}
static void creation_by_group(void)
{
    folder("d", 0770, 0, 3000);
    as_user(1000, 1000, -1, creates_in_d);
    as_user(1000, 1000, 3000, creates_in_d);
    show_owner("d/f");
}
static void goes_through(void)
{
    struct stat st;
    step(stat("d/f", &st));
    step(open("d", O_RDONLY | O_DIRECTORY));
    step(unlink("d/f"));
}
static void search(void)
{
    folder("d", 0700, 0, 0);
    make("d/f", "");
    as_user(1000, 1000, -1, goes_through);
    step(chmod("d", 0711));
    as_user(1000, 1000, -1, goes_through);
    step(chmod("d", 0744));
    as_user(1000, 1000, -1, goes_through);
}
static void unlinks(void)
{
    step(unlink("d/others"));
    step(rename("d/others", "d/x"));
    step(rename("d/mine", "d/others"));
    step(unlink("d/mine"));
    step(rmdir("d/folder"));
}
static void sticky(void)
{
    folder("d", 01777, 0, 0);
    owned("d/others", 0666, 0, 0);
    owned("d/mine", 0666, 1000, 1000);
    folder("d/folder", 0777, 0, 0);
    as_user(1000, 1000, -1, unlinks);
    step(chown("d", 1000, 0));
    make("d/mine", "");
    as_user(1000, 1000, -1, unlinks);
}
static void changes_others(void)
{
    struct timespec times[] = {{1, 0}, {2, 0}};
    step(chmod("f", 0666));
    step(chown("f", 1000, -1));
    step(utimensat(AT_FDCWD, "f", times, 0));
    step(utimensat(AT_FDCWD, "f", NULL, 0));
    step(truncate("f", 0));
    step(setxattr("f", "user.a", "1", 1, 0));
}
static void attributes_of_others(void)
{
    owned("f", 0644, 0, 0);
    as_user(1000, 1000, -1, changes_others);
    step(chmod("f", 0666));
    /* Whoever may write may set the times to now. */
    as_user(1000, 1000, -1, changes_others);
}
static void changes_own(void)
{
    step(chmod("f", 0755));
    step(chown("f", 1001, -1));
    step(chown("f", 1000, 3000));
    step(chown("f", -1, 4000));
    step(chown("f", -1, 1000));
}
static void attributes_of_own(void)
{
    owned("f", 0644, 1000, 1000);
    as_user(1000, 1000, 3000, changes_own);
    show_owner("f");
    as_user(1000, 1000, -1, changes_own);
}
static void sets_setgid(void)
{
    step(chmod("f", 02755));
    show_owner("f");
}
static void setgid_of_foreign_group(void)
{
    owned("f", 0755, 1000, 4242);
    as_user(1000, 1000, -1, sets_setgid);
    step(chown("f", 1000, 3000));
    as_user(1000, 1000, 3000, sets_setgid);
}
static void writes(void)
{
    int fd = open("f", O_WRONLY);
    value(write(fd, "x", 1));
    step(close(fd));
}
static void truncates(void)
{
    step(truncate("f", 1));
}
static void opens_truncating(void)
{
    step(open("f", O_WRONLY | O_TRUNC));
}
static void allocates(void)
{
    int fd = open("f", O_WRONLY);
    step(fallocate(fd, 0, 0, 10000));
}
static void copies(void)
{
    int from = open("g", O_RDONLY), to = open("f", O_WRONLY);
    value(copy_file_range(from, NULL, to, NULL, 4, 0));
}
static void set_bits_cleared(void)
{
    void (*const ways[])(void) = {writes, truncates, opens_truncating, allocates, copies};
    make("g", "text");
    owned("f", 06777, 0, 0);
    for (int i = 0; i < 5; i++) {
        step(chmod("f", 06777));
        as_user(1000, 1000, -1, ways[i]);
        show_owner("f");
    }
}
static void setgid_without_execution(void)
{
    /* Not executable by the group, the bit stays only for members of the group. */
    owned("f", 02766, 0, 0);
    as_user(1000, 1000, -1, writes);
    show_owner("f");
}
static void as_root(void (*way)(void))
{
    make("g", "text");
    owned("f", 06777, 1000, 1000);
    way();
    show_owner("f");
}
static void root_writes(void)
{
    as_root(writes);
    as_root(truncates);
    as_root(copies);
}
static void root_opens_truncating(void)
{
    as_root(opens_truncating);
}
static void root_allocates(void)
{
    as_root(allocates);
}
static void owner_writes(void)
{
    owned("f", 06755, 1000, 1000);
    as_user(1000, 1000, -1, writes);
    show_owner("f");
}
static void makes_nodes(void)
{
    step(mknod("c", S_IFCHR | 0666, makedev(1, 3)));
    step(mknod("b", S_IFBLK | 0666, makedev(7, 0)));
    step(mkfifo("p", 0666));
    step(renameat2(AT_FDCWD, "p", AT_FDCWD, "q", RENAME_NOREPLACE));
}
static void nodes(void)
{
    as_user(1000, 1000, -1, makes_nodes);
}
static void sets_trusted(void)
{
    char c;
    step(setxattr("f", "user.a", "1", 1, 0));
    step(setxattr("f", "trusted.a", "1", 1, 0));
    value(getxattr("f", "trusted.b", &c, 1));
    step(setxattr("f", "security.capability", "1", 1, 0));
}
static void trusted(void)
{
    owned("f", 0644, 1000, 1000);
    step(setxattr("f", "trusted.b", "1", 1, 0));
    as_user(1000, 1000, -1, sets_trusted);
}
static void moves(void)
{
    step(rename("a/mine", "b/mine"));
    step(link("b/mine", "a/back"));
    step(unlink("b/mine"));
    step(mkdir("b/new", 0755));
}
static void read_only_directory(void)
{
    folder("a", 0777, 0, 0);
    folder("b", 0755, 0, 0);
    owned("a/mine", 0644, 1000, 1000);
    as_user(1000, 1000, -1, moves);
}
static void writes_after(void)
{
    int fd = open("f", O_RDWR);
    step(fchmod(fd, 0));
    value(write(fd, "T", 1));
    step(open("f", O_RDONLY));
}
static void open_file_keeps_rights(void)
{
    owned("f", 0600, 1000, 1000);
    as_user(1000, 1000, -1, writes_after);
}
static void creates_read_only(void)
{
    int fd = open("f", O_CREAT | O_RDWR, 0400);
    value(write(fd, "x", 1));
    step(open("f", O_RDWR));
}
static void created_read_only(void)
{
    as_user(1000, 1000, -1, creates_read_only);
}
static void root_overrides(void)
{
    owned("f", 0, 1000, 1000);
    step(open("f", O_RDWR));
    folder("d", 0, 1000, 1000);
    make("d/f", "inside");
    show("d/f");
    show_owner("d/f");
    step(chmod("f", 0600));
    step(chown("f", 0, 0));
}
static void makes_unnamed(void)
{
    int fd = (int)step(open("d", O_TMPFILE | O_RDWR, 0640));
    char path[64];
    sprintf(path, "/proc/self/fd/%d", fd);
    step(linkat(AT_FDCWD, path, AT_FDCWD, "d/f", AT_SYMLINK_FOLLOW));
}
static void unnamed(void)
{
    folder("d", 0777, 0, 0);
    as_user(1000, 1001, -1, makes_unnamed);
    show_owner("d/f");
}

const struct check user_checks[] = {
    {"user.owner-of-new", owner_of_new, "OK OK OK 644 1000:1001 755 1000:1001 644 1000:1001 1000:1001"},
    {"user.group-inherited", group_inherited, "OK OK OK OK 775 1000:4242 2755 1000:4242"},
    {"user.group-inherited-by-member", group_inherited_by_member, "OK OK OK OK 2775 1000:3000"},
    {"user.classes", classes,
     "OK OK EACCES EACCES EACCES EACCES EACCES OK OK OK OK OK EACCES OK OK EACCES OK EACCES EACCES OK OK "
     "EACCES EACCES EACCES EACCES EACCES"},
    {"user.supplementary-group", supplementary_group, "OK OK OK OK OK OK EACCES EACCES EACCES EACCES EACCES EACCES"},
    {"user.creation-by-group", creation_by_group, "OK OK OK EACCES EACCES OK OK 644 1000:1000"},
    {"user.search", search, "OK OK OK EACCES EACCES EACCES OK OK EACCES EACCES OK EACCES OK EACCES"},
    {"user.sticky", sticky, "OK OK OK OK OK OK OK OK OK OK EPERM EPERM EPERM OK EPERM OK OK ENOENT OK ENOENT OK"},
    {"user.attributes-of-others", attributes_of_others,
     "OK OK EPERM EPERM EPERM EACCES EACCES EACCES OK EPERM EPERM EPERM OK OK OK"},
    {"user.attributes-of-own", attributes_of_own, "OK OK OK EPERM OK EPERM OK 755 1000:1000 OK EPERM EPERM EPERM OK"},
    {"user.setgid-of-foreign-group", setgid_of_foreign_group, "OK OK OK 755 1000:4242 OK OK 2755 1000:3000"},
    {"user.set-bits-cleared", set_bits_cleared,
     "OK OK OK 1 OK 777 0:0 OK OK 777 0:0 OK OK 777 0:0 OK OK 777 0:0 OK 4 777 0:0"},
    {"user.setgid-without-execution", setgid_without_execution, "OK OK 1 OK 766 0:0"},
    {"user.set-bits-root-writes", root_writes,
     "OK OK 1 OK 6777 1000:1000 OK OK OK 6777 1000:1000 OK OK 4 6777 1000:1000"},
    {"user.set-bits-root-empties", root_opens_truncating, "OK OK OK 6777 1000:1000"},
    {"user.set-bits-root-allocates", root_allocates, "OK OK OK 6777 1000:1000"},
    {"user.set-bits-owner-writes", owner_writes, "OK OK 1 OK 755 1000:1000"},
    {"user.nodes", nodes, "EPERM EPERM OK OK"},
    {"user.trusted-xattr", trusted, "OK OK OK OK EPERM ENODATA EINVAL"},
    {"user.read-only-directory", read_only_directory, "OK OK OK OK OK OK OK OK EACCES ENOENT ENOENT EACCES"},
    {"user.open-file-keeps-rights", open_file_keeps_rights, "OK OK OK 1 EACCES"},
    {"user.created-read-only", created_read_only, "1 EACCES"},
    {"user.root-overrides", root_overrides, "OK OK OK OK OK OK 'inside' 644 0:0 OK OK"},
    {"user.tmpfile", unnamed, "OK OK OK OK OK 640 1000:1001"},
    {NULL, NULL, NULL},
};
