/* Extended attributes and access control lists. */
#include "posix.h"
#include <sys/xattr.h>

static void set_and_get(void)
{
    char c[16] = "";
    make("f", "");
    step(setxattr("f", "user.a", "value", 5, 0));
    value(getxattr("f", "user.a", c, sizeof c));
    say("%s", c);
    value(getxattr("f", "user.a", NULL, 0));
    value(getxattr("f", "user.a", c, 3));
    value(getxattr("f", "user.missing", c, sizeof c));
    step(setxattr("f", "user.a", "", 0, 0));
    value(getxattr("f", "user.a", c, sizeof c));
    int fd = open("f", O_RDONLY);
    step(fsetxattr(fd, "user.b", "\0\1", 2, 0));
    value(fgetxattr(fd, "user.b", c, sizeof c));
    say("%d %d", c[0], c[1]);
}
static void create_and_replace(void)
{
    make("f", "");
    step(setxattr("f", "user.a", "1", 1, XATTR_REPLACE));
    step(setxattr("f", "user.a", "1", 1, XATTR_CREATE));
    step(setxattr("f", "user.a", "2", 1, XATTR_CREATE));
    step(setxattr("f", "user.a", "3", 1, XATTR_REPLACE));
    char c = 0;
    value(getxattr("f", "user.a", &c, 1));
    say("%c", c);
    step(setxattr("f", "user.a", "1", 1, 8));
}
static void list(void)
{
    char names[64] = "";
    make("f", "");
    value(listxattr("f", names, sizeof names));
    step(setxattr("f", "user.one", "", 0, 0));
    step(setxattr("f", "user.two", "", 0, 0));
    value(listxattr("f", NULL, 0));
    ssize_t n = value(listxattr("f", names, sizeof names));
    int one = 0, two = 0;
    for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1) {
        one += strcmp(names + i, "user.one") == 0;
        two += strcmp(names + i, "user.two") == 0;
    }
    say("%d %d", one, two);
    value(listxattr("f", names, 5));
    step(removexattr("f", "user.one"));
    step(removexattr("f", "user.one"));
    value(listxattr("f", names, sizeof names));
}
static void limits(void)
{
    static char big[70000], name[300];
    make("f", "");
    memset(big, 'v', sizeof big);
    step(setxattr("f", "user.big", big, 65537, 0));
    step(setxattr("f", "user.2k", big, 2000, 0));
    value(getxattr("f", "user.2k", big, sizeof big));
    memset(name, 'n', 299);
    memcpy(name, "user.", 5);
    name[255] = 0;
    step(setxattr("f", name, "x", 1, 0));
    name[255] = 'n', name[256] = 0;
    step(setxattr("f", name, "x", 1, 0));
    step(setxattr("f", "user.", "x", 1, 0));
    step(setxattr("f", "", "x", 1, 0));
    step(setxattr("f", "nonsense.x", "x", 1, 0));
}
static void kinds(void)
{
    step(mkdir("d", 0755));
    step(setxattr("d", "user.a", "1", 1, 0));
    step(symlink("d", "l"));
    step(lsetxattr("l", "user.a", "1", 1, 0));
    step(lsetxattr("l", "trusted.a", "1", 1, 0));
    char c;
    value(lgetxattr("l", "trusted.a", &c, 1));
    step(mkfifo("p", 0600));
    step(setxattr("p", "user.a", "1", 1, 0));
    step(setxattr("p", "trusted.a", "1", 1, 0));
    step(setxattr("missing", "user.a", "1", 1, 0));
}
static void namespaces(void)
{
    char c[8] = "";
    make("f", "");
    step(setxattr("f", "trusted.a", "t", 1, 0));
    value(getxattr("f", "trusted.a", c, 8));
    step(setxattr("f", "security.a", "s", 1, 0));
    value(getxattr("f", "security.a", c, 8));
    step(removexattr("f", "trusted.a"));
    step(setxattr("f", "system.nonsense", "s", 1, 0));
}
static void with_link_and_rename(void)
{
    char c = 0;
    make("f", "");
    step(setxattr("f", "user.a", "1", 1, 0));
    step(link("f", "g"));
    step(rename("f", "h"));
    value(getxattr("g", "user.a", &c, 1));
    value(getxattr("h", "user.a", &c, 1));
    make("g", "changed");
    value(getxattr("h", "user.a", &c, 1));
}
/* struct vfs_cap_data, revision 2: cap_net_raw, permitted and effective. */
static const unsigned char capability[20] = {1, 0, 0, 2, 0, 0x20};

static void capability_cleared(void)
{
    char c[32];
    make("f", "text");
    step(setxattr("f", "security.capability", capability, 20, 0));
    value(getxattr("f", "security.capability", c, 32));
    int fd = open("f", O_WRONLY);
    value(write(fd, "T", 1));
    value(getxattr("f", "security.capability", c, 32));
    step(setxattr("f", "security.capability", capability, 20, 0));
    step(chown("f", 1, 1));
    value(getxattr("f", "security.capability", c, 32));
    step(setxattr("f", "security.capability", capability, 20, 0));
    step(truncate("f", 1));
    value(getxattr("f", "security.capability", c, 32));
}

/* Entries of an ACL: version 2, then tag, permissions, id; linux/posix_acl_xattr.h, little-endian. */
struct entry {
    uint16_t tag, permissions;
    uint32_t id;
};
struct acl {
    uint32_t version;
    struct entry entries[5];
};
enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, MASK = 16, OTHER = 32 };
static const char *const DEFAULT = "system.posix_acl_default", *const ACCESS = "system.posix_acl_access";

static struct acl with_user(uint32_t id, int permissions)
{
    struct acl acl = {2, {{USER_OBJ, 7, -1}, {USER, permissions, id}, {GROUP_OBJ, 5, -1}, {MASK, 7, -1}, {OTHER, 0, -1}}};
    return acl;
}
static void show_acl(const char *name, const char *which)
{
    struct acl acl;
    ssize_t n = getxattr(name, which, &acl, sizeof acl);
    if (n < 0) {
        step(-1);
        return;
    }
    for (int i = 0; i < (n - 4) / 8; i++) {
        say("%d:%d", acl.entries[i].tag, acl.entries[i].permissions);
    }
}
static void acl_access(void)
{
    struct acl acl = with_user(1000, 6);
    make("f", "");
    show_acl("f", ACCESS);
    step(setxattr("f", ACCESS, &acl, sizeof acl, 0));
    say("%o", look("f").st_mode);
    show_acl("f", ACCESS);
    step(chmod("f", 0640));
    show_acl("f", ACCESS);
    step(removexattr("f", ACCESS));
    show_acl("f", ACCESS);
    say("%o", look("f").st_mode);
}
static void acl_default(void)
{
    struct acl acl = with_user(1000, 7);
    umask(077);
    step(mkdir("d", 0755));
    step(setxattr("d", DEFAULT, &acl, sizeof acl, 0));
    make("d/f", "");
    show_acl("d/f", ACCESS);
    say("%o", look("d/f").st_mode);
    step(mkdir("d/e", 0770));
    show_acl("d/e", ACCESS);
    show_acl("d/e", DEFAULT);
    say("%o", look("d/e").st_mode);
    step(mkfifo("d/p", 0666));
    say("%o", look("d/p").st_mode);
    step(symlink("x", "d/l"));
    int fd = (int)step(open("d", O_TMPFILE | O_RDWR, 0666));
    struct stat st = {0};
    fstat(fd, &st);
    say("%o", st.st_mode);
    step(removexattr("d", DEFAULT));
    make("d/g", "");
    show_acl("d/g", ACCESS);
}
static void acl_errors(void)
{
    struct acl acl = with_user(1000, 7);
    make("f", "");
    step(setxattr("f", DEFAULT, &acl, sizeof acl, 0));
    acl.version = 3;
    step(setxattr("f", ACCESS, &acl, sizeof acl, 0));
    acl = with_user(1000, 7);
    acl.entries[3].tag = 3;
    step(setxattr("f", ACCESS, &acl, sizeof acl, 0));
    step(setxattr("f", ACCESS, &acl, 10, 0));
}
static void use_acl(void)
{
    step(open("f", O_RDONLY));
    step(open("f", O_RDWR));
    step(access("f", R_OK));
    step(access("f", W_OK));
}
static void acl_enforced(void)
{
    struct acl acl = with_user(1000, 4);
    make("f", "");
    step(setxattr("f", ACCESS, &acl, sizeof acl, 0));
    as_user(1000, 1000, -1, use_acl);
    as_user(1001, 1001, -1, use_acl);
}

const struct check xattr_checks[] = {
    {"xattr.set-get", set_and_get, "OK 5 value 5 ERANGE ENODATA OK 0 OK 2 0 1"},
    {"xattr.create-replace", create_and_replace, "ENODATA OK EEXIST OK 1 3 EINVAL"},
    {"xattr.list", list, "0 OK OK 18 18 1 1 ERANGE OK ENODATA 9"},
    {"xattr.limits", limits, "E2BIG OK 2000 OK ERANGE EINVAL ERANGE EOPNOTSUPP"},
    {"xattr.kinds", kinds, "OK OK OK EPERM OK 1 OK EPERM OK ENOENT"},
    {"xattr.namespaces", namespaces, "OK 1 OK 1 OK EOPNOTSUPP"},
    {"xattr.link-rename", with_link_and_rename, "OK OK OK 1 1 1"},
    {"xattr.capability-cleared", capability_cleared, "OK 20 1 ENODATA OK OK ENODATA OK OK ENODATA"},
    {"acl.access", acl_access, "ENODATA OK 100770 1:7 2:6 4:5 16:7 32:0 OK 1:6 2:6 4:5 16:4 32:0 OK ENODATA 100640"},
    {"acl.default", acl_default,
     "OK OK 1:6 2:7 4:5 16:4 32:0 100640 OK 1:7 2:7 4:5 16:7 32:0 1:7 2:7 4:5 16:7 32:0 40770 OK 10660 OK "
     "OK 100660 OK ENODATA"},
    {"acl.errors", acl_errors, "EACCES EOPNOTSUPP EINVAL EINVAL"},
    {"acl.enforced", acl_enforced, "OK OK EACCES OK EACCES EACCES EACCES EACCES EACCES"},
    {NULL, NULL, NULL},
};
