/*
 * bare: the lower bound that dev/bench compares daemons with. NOT a file server to use.
 *
 * It speaks just enough vhost-user, split virtqueues and FUSE to answer the load driver's requests
 * with the system calls they cannot do without. It trusts its peer completely: no address, length,
 * name or number is checked, nothing is confined, no reference is counted, credentials are not
 * switched. One thread a queue, used.idx published in batches of eight and before sleeping.
 *
 *   bare SOCKET DIRECTORY
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define QUEUES 9
#define MAX_IOV 1024
#define PUBLISH_EVERY 8

static struct region { uint64_t guest, size, user; char *host; } regions[8];
static int nregions;

struct queue {
    unsigned size;
    struct vring_desc *desc;
    struct vring_avail *avail;
    struct vring_used *used;
    uint16_t last_avail, used_idx, published;
    int kick, call, running;
    volatile int stop;
    pthread_t thread;
    /* The chain in service. */
    struct iovec in[MAX_IOV], out[MAX_IOV], cut[MAX_IOV];
    int nin, nout;
    char arg[4096];
    char reply[1 << 20];
    char dents[1 << 18];
} queues[QUEUES];

/* A file by its parent and name. Never freed: FORGET costs nothing here. */
struct node {
    struct node *parent, *next;
    int fd;
    uint64_t ino;
    char name[256];
};

/* Where getdents64 of a descriptor goes on. */
static off_t positions[1 << 16];

static struct node root = { .fd = -1 };
static struct node *table[1 << 16];
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

static void *guest(uint64_t a) {
    for (int i = 0; i < nregions; i++)
        if (a - regions[i].guest < regions[i].size) return regions[i].host + (a - regions[i].guest);
    abort();
}

static void *user(uint64_t a) {
    for (int i = 0; i < nregions; i++)
        if (a - regions[i].user < regions[i].size) return regions[i].host + (a - regions[i].user);
    abort();
}

static struct node *node(uint64_t id) { return id == FUSE_ROOT_ID ? &root : (struct node *)id; }

static struct node *child(struct node *parent, const char *name) {
    uint64_t h = (uintptr_t)parent;
    for (const char *p = name; *p; p++) h = (h ^ (unsigned char)*p) * 0x100000001b3;
    struct node **slot = &table[(h ^ h >> 32) & 0xffff];
    for (struct node *n = *slot; n; n = n->next)
        if (n->parent == parent && !strcmp(n->name, name)) return n;
    struct node *n = calloc(1, sizeof *n);
    n->parent = parent;
    n->fd = -1;
    strcpy(n->name, name);
    pthread_mutex_lock(&table_lock);
    n->next = *slot;
    __atomic_store_n(slot, n, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&table_lock);
    return n;
}

/* The node's O_PATH descriptor, opened when first needed. */
static int path_fd(struct node *n) {
    if (n->fd < 0) n->fd = openat(path_fd(n->parent), n->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return n->fd;
}

static void renewed(struct node *n) {
    if (n->fd >= 0) close(n->fd);
    n->fd = -1;
}

static int reopen(struct node *n, int flags) {
    return openat(path_fd(n->parent), n->name, (flags & ~(O_CREAT | O_EXCL | O_NOCTTY)) | O_CLOEXEC);
}

static void attr(struct fuse_attr *a, const struct statx *s) {
    *a = (struct fuse_attr){
        .ino = s->stx_ino, .size = s->stx_size, .blocks = s->stx_blocks,
        .atime = s->stx_atime.tv_sec, .mtime = s->stx_mtime.tv_sec, .ctime = s->stx_ctime.tv_sec,
        .atimensec = s->stx_atime.tv_nsec, .mtimensec = s->stx_mtime.tv_nsec,
        .ctimensec = s->stx_ctime.tv_nsec, .mode = s->stx_mode, .nlink = s->stx_nlink,
        .uid = s->stx_uid, .gid = s->stx_gid,
        .rdev = makedev(s->stx_rdev_major, s->stx_rdev_minor), .blksize = s->stx_blksize };
}

static int entry(struct node *parent, const char *name, struct fuse_entry_out *e) {
    struct statx s;
    if (statx(path_fd(parent), name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &s) < 0) return -errno;
    *e = (struct fuse_entry_out){ .nodeid = (uintptr_t)child(parent, name), .entry_valid = 1, .attr_valid = 1 };
    attr(&e->attr, &s);
    return sizeof *e;
}

static int cut(struct iovec *from, int n, size_t skip, size_t bytes, struct iovec *to) {
    int k = 0;
    for (int i = 0; i < n && bytes; i++) {
        if (skip >= from[i].iov_len) { skip -= from[i].iov_len; continue; }
        size_t take = from[i].iov_len - skip;
        if (take > bytes) take = bytes;
        to[k++] = (struct iovec){ (char *)from[i].iov_base + skip, take };
        bytes -= take;
        skip = 0;
    }
    return k;
}

static long directory(struct queue *q, struct node *dir, int fd, off_t offset, size_t room, int plus) {
    if (positions[fd] != offset) positions[fd] = lseek(fd, offset, SEEK_SET);
    if (room > sizeof q->reply - 16) room = sizeof q->reply - 16;
    size_t used = 0, ask = plus ? room / 5 : room;
    if (ask > sizeof q->dents) ask = sizeof q->dents;
    for (;;) {
        long n = syscall(SYS_getdents64, fd, q->dents, ask);
        if (n < 0) return -errno;
        if (n == 0) return used;
        for (long at = 0; at < n;) {
            struct dirent64 *d = (void *)(q->dents + at);
            size_t len = strlen(d->d_name), head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
            size_t need = (head + len + 7) & ~7ul;
            if (used + need > room) {
                lseek(fd, positions[fd], SEEK_SET);
                return used;
            }
            char *to = q->reply + 16 + used;
            if (plus) {
                struct fuse_direntplus *p = (void *)to;
                memset(p, 0, sizeof *p);
                if (strcmp(d->d_name, ".") && strcmp(d->d_name, "..")) entry(dir, d->d_name, &p->entry_out);
                to += offsetof(struct fuse_direntplus, dirent);
            }
            struct fuse_dirent *f = (void *)to;
            *f = (struct fuse_dirent){ .ino = d->d_ino, .off = d->d_off, .namelen = len, .type = d->d_type };
            memcpy(f->name, d->d_name, len);
            positions[fd] = d->d_off;
            used += need;
            at += d->d_reclen;
        }
        if (used) return used;
    }
}

/* Bytes behind the header, laid at reply + 16 unless *placed says they are in the guest; or -errno. */
static long serve(struct queue *q, struct fuse_in_header *h, char *arg, int *placed) {
    char *reply = q->reply + 16;
    struct node *n = node(h->nodeid);
    switch (h->opcode) {
    case FUSE_INIT: {
        struct fuse_init_in *i = (void *)arg;
        uint32_t want = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_DO_READDIRPLUS | FUSE_PARALLEL_DIROPS;
        *(struct fuse_init_out *)reply = (struct fuse_init_out){
            .major = 7, .minor = 31, .max_readahead = i->max_readahead, .flags = i->flags & want,
            .max_background = 64, .congestion_threshold = 48, .max_write = 1 << 20, .time_gran = 1, .max_pages = 256 };
        return sizeof(struct fuse_init_out);
    }
    case FUSE_DESTROY: return 0;
    case FUSE_LOOKUP: return entry(n, arg, (void *)reply);
    case FUSE_GETATTR: {
        struct stat s;
        if (fstat(path_fd(n), &s) < 0) return -errno;
        struct fuse_attr_out *a = (void *)reply;
        *a = (struct fuse_attr_out){ .attr_valid = 1, .attr = {
            .ino = s.st_ino, .size = s.st_size, .blocks = s.st_blocks,
            .atime = s.st_atim.tv_sec, .mtime = s.st_mtim.tv_sec, .ctime = s.st_ctim.tv_sec,
            .atimensec = s.st_atim.tv_nsec, .mtimensec = s.st_mtim.tv_nsec,
            .ctimensec = s.st_ctim.tv_nsec, .mode = s.st_mode, .nlink = s.st_nlink,
            .uid = s.st_uid, .gid = s.st_gid, .rdev = s.st_rdev, .blksize = s.st_blksize } };
        return sizeof *a;
    }
    case FUSE_OPEN: case FUSE_OPENDIR: {
        int fd = n == &root ? openat(root.fd, ".", O_RDONLY | O_DIRECTORY) : reopen(n, ((struct fuse_open_in *)arg)->flags);
        if (fd < 0) return -errno;
        positions[fd] = 0;
        struct fuse_open_out *o = (void *)reply;
        *o = (struct fuse_open_out){ .fh = fd };
        return sizeof *o;
    }
    case FUSE_RELEASE: case FUSE_RELEASEDIR: close(((struct fuse_release_in *)arg)->fh); return 0;
    case FUSE_FLUSH: return -ENOSYS;
    case FUSE_READ: {
        struct fuse_read_in *r = (void *)arg;
        int k = cut(q->out, q->nout, sizeof(struct fuse_out_header), r->size, q->cut);
        *placed = 1;
        long got = preadv(r->fh, q->cut, k, r->offset);
        return got < 0 ? -errno : got;
    }
    case FUSE_WRITE: {
        struct fuse_write_in *w = (void *)arg;
        int k = cut(q->in, q->nin, sizeof *h + sizeof *w, w->size, q->cut);
        long put = pwritev(w->fh, q->cut, k, w->offset);
        if (put < 0) return -errno;
        *(struct fuse_write_out *)reply = (struct fuse_write_out){ .size = put };
        return sizeof(struct fuse_write_out);
    }
    case FUSE_READDIR: case FUSE_READDIRPLUS: {
        struct fuse_read_in *r = (void *)arg;
        return directory(q, n, r->fh, r->offset, r->size, h->opcode == FUSE_READDIRPLUS);
    }
    case FUSE_CREATE: {
        struct fuse_create_in *c = (void *)arg;
        char *name = (char *)(c + 1);
        int fd = openat(path_fd(n), name, (c->flags & ~O_NOCTTY) | O_CREAT | O_EXCL | O_CLOEXEC, c->mode);
        if (fd < 0) return -errno;
        struct statx s;
        statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &s);
        struct node *made = child(n, name);
        renewed(made);
        struct fuse_entry_out *e = (void *)reply;
        *e = (struct fuse_entry_out){ .nodeid = (uintptr_t)made, .entry_valid = 1, .attr_valid = 1 };
        attr(&e->attr, &s);
        *(struct fuse_open_out *)(e + 1) = (struct fuse_open_out){ .fh = fd };
        return sizeof *e + sizeof(struct fuse_open_out);
    }
    case FUSE_MKDIR: {
        struct fuse_mkdir_in *m = (void *)arg;
        char *name = (char *)(m + 1);
        if (mkdirat(path_fd(n), name, m->mode) < 0) return -errno;
        renewed(child(n, name));
        return entry(n, name, (void *)reply);
    }
    case FUSE_UNLINK: case FUSE_RMDIR:
        if (unlinkat(path_fd(n), arg, h->opcode == FUSE_RMDIR ? AT_REMOVEDIR : 0) < 0) return -errno;
        renewed(child(n, arg));
        return 0;
    case FUSE_RENAME: case FUSE_RENAME2: {
        uint64_t to = *(uint64_t *)arg;
        char *from_name = arg + (h->opcode == FUSE_RENAME ? sizeof(struct fuse_rename_in) : sizeof(struct fuse_rename2_in));
        char *to_name = from_name + strlen(from_name) + 1;
        if (renameat2(path_fd(n), from_name, path_fd(node(to)), to_name, 0) < 0) return -errno;
        renewed(child(n, from_name));
        renewed(child(node(to), to_name));
        return 0;
    }
    case FUSE_READLINK: {
        long len = readlinkat(path_fd(n->parent), n->name, reply, 4096);
        return len < 0 ? -errno : len;
    }
    default: return -ENOSYS;
    }
}

static void publish(struct queue *q) {
    uint16_t before = q->published;
    if (before == q->used_idx) return;
    __atomic_store_n(&q->used->idx, q->used_idx, __ATOMIC_RELEASE);
    q->published = q->used_idx;
    /* used.idx before used_event is read: the driver writes and reads them the other way round. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    uint16_t event = __atomic_load_n(&q->avail->ring[q->size], __ATOMIC_RELAXED);
    if (q->call >= 0 && (uint16_t)(q->used_idx - event - 1) < (uint16_t)(q->used_idx - before)) eventfd_write(q->call, 1);
}

static uint32_t request(struct queue *q, unsigned head) {
    struct vring_desc *t = q->desc, *d = &t[head];
    if (d->flags & VRING_DESC_F_INDIRECT) { t = guest(d->addr); d = t; }
    q->nin = q->nout = 0;
    for (;; d = &t[d->next]) {
        struct iovec v = { guest(d->addr), d->len };
        if (d->flags & VRING_DESC_F_WRITE) q->out[q->nout++] = v; else q->in[q->nin++] = v;
        if (!(d->flags & VRING_DESC_F_NEXT)) break;
    }
    size_t have = 0;
    for (int i = 0; i < q->nin && have < sizeof q->arg - 1; i++) {
        size_t take = q->in[i].iov_len;
        /* Arguments only: a WRITE's payload stays where it is. */
        if (take > sizeof q->arg - 1 - have || (have >= 80 && take >= 1024)) break;
        memcpy(q->arg + have, q->in[i].iov_base, take);
        have += take;
    }
    q->arg[have] = 0;
    struct fuse_in_header *h = (void *)q->arg;
    if (h->opcode == FUSE_FORGET || h->opcode == FUSE_BATCH_FORGET || h->opcode == FUSE_INTERRUPT) return 0;
    int placed = 0;
    long n = serve(q, h, q->arg + sizeof *h, &placed);
    struct fuse_out_header o = { .len = sizeof o + (n > 0 ? n : 0), .error = n < 0 ? n : 0, .unique = h->unique };
    if (q->out[0].iov_len >= o.len || placed) {
        memcpy(q->out[0].iov_base, &o, sizeof o);
        if (o.len > sizeof o && !placed) memcpy((char *)q->out[0].iov_base + sizeof o, q->reply + 16, n);
    } else {
        memcpy(q->reply, &o, sizeof o);
        size_t done = 0;
        for (int i = 0; done < o.len; i++) {
            size_t take = q->out[i].iov_len;
            if (take > o.len - done) take = o.len - done;
            memcpy(q->out[i].iov_base, q->reply + done, take);
            done += take;
        }
    }
    return o.len;
}

static void *run(void *p) {
    struct queue *q = p;
    while (!q->stop) {
        while (q->last_avail != __atomic_load_n(&q->avail->idx, __ATOMIC_ACQUIRE)) {
            unsigned head = q->avail->ring[q->last_avail++ & (q->size - 1)];
            q->used->ring[q->used_idx++ & (q->size - 1)] = (struct vring_used_elem){ head, request(q, head) };
            if ((uint16_t)(q->used_idx - q->published) >= PUBLISH_EVERY) publish(q);
        }
        publish(q);
        __atomic_store_n((uint16_t *)(void *)(q->used->ring + q->size), q->last_avail, __ATOMIC_RELAXED);
        /* avail_event before avail.idx is read again. */
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (q->last_avail != __atomic_load_n(&q->avail->idx, __ATOMIC_ACQUIRE)) continue;
        eventfd_t ignore;
        eventfd_read(q->kick, &ignore);
    }
    return NULL;
}

static void stop(struct queue *q) {
    if (!q->running) return;
    q->stop = 1;
    eventfd_write(q->kick, 1);
    pthread_join(q->thread, NULL);
    q->running = q->stop = 0;
}

struct message {
    uint32_t request, flags, size;
    union {
        uint64_t u64;
        struct { uint32_t index, num; } state;
        struct { uint32_t index, flags; uint64_t desc, used, avail, log; } addr;
        struct { uint32_t n, pad; struct { uint64_t guest, size, user, offset; } r[8]; } memory;
        char bytes[1024];
    };
} __attribute__((packed));

static void control(int s) {
    uint64_t protocol = 1 << 0 | 1 << 3; /* MQ, REPLY_ACK */
    for (;;) {
        struct message m;
        char space[CMSG_SPACE(8 * sizeof(int))];
        int fds[8], nfds = 0;
        struct iovec v = { &m, 12 };
        struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space };
        if (recvmsg(s, &h, MSG_CMSG_CLOEXEC) != 12) return;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c)) {
            nfds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(fds, CMSG_DATA(c), nfds * sizeof(int));
        }
        if (m.size && recv(s, m.bytes, m.size, MSG_WAITALL) != m.size) return;
        struct queue *q = &queues[m.state.index & 0xff];
        int answer = 1;
        uint64_t result = 0;
        switch (m.request) {
        case 1: result = 1ull << 32 | 1 << 30 | 1 << 29 | 1 << 28; break; /* GET_FEATURES */
        case 5: /* SET_MEM_TABLE */
            answer = 0;
            nregions = m.memory.n;
            for (int i = 0; i < nregions; i++) {
                regions[i] = (struct region){ m.memory.r[i].guest, m.memory.r[i].size, m.memory.r[i].user, NULL };
                char *map = mmap(NULL, m.memory.r[i].size + m.memory.r[i].offset, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0);
                if (map == MAP_FAILED) { perror("bare: mmap"); exit(1); }
                regions[i].host = map + m.memory.r[i].offset;
                close(fds[i]);
            }
            break;
        case 8: answer = 0; q->size = m.state.num; break; /* SET_VRING_NUM */
        case 9: /* SET_VRING_ADDR */
            answer = 0;
            q = &queues[m.addr.index];
            q->desc = user(m.addr.desc);
            q->used = user(m.addr.used);
            q->avail = user(m.addr.avail);
            q->used_idx = q->published = q->used->idx;
            break;
        case 10: answer = 0; q->last_avail = m.state.num; break; /* SET_VRING_BASE */
        case 11: /* GET_VRING_BASE */
            stop(q);
            m.state.num = q->last_avail;
            m.flags = 1 | 4;
            m.size = 8;
            if (send(s, &m, 20, MSG_NOSIGNAL) != 20) return;
            continue;
        case 12: case 13: case 14: /* SET_VRING_KICK, CALL, ERR */
            answer = 0;
            if (m.request == 12) {
                q->kick = fds[0];
                fcntl(q->kick, F_SETFL, fcntl(q->kick, F_GETFL) & ~O_NONBLOCK);
            } else if (m.request == 13) {
                q->call = nfds ? fds[0] : -1;
            } else if (nfds) {
                close(fds[0]);
            }
            break;
        case 15: result = protocol; break; /* GET_PROTOCOL_FEATURES */
        case 17: result = QUEUES; break; /* GET_QUEUE_NUM */
        case 18: /* SET_VRING_ENABLE */
            answer = 0;
            if (m.state.num && !q->running) {
                q->running = 1;
                pthread_create(&q->thread, NULL, run, q);
            }
            break;
        default: answer = 0;
        }
        if (answer || m.flags & 8) {
            m.flags = 1 | 4;
            m.size = 8;
            m.u64 = result;
            if (send(s, &m, 20, MSG_NOSIGNAL) != 20) return;
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 3) { fprintf(stderr, "usage: bare SOCKET DIRECTORY\n"); return 2; }
    umask(0);
    root.fd = open(argv[2], O_PATH | O_DIRECTORY);
    if (root.fd < 0) { perror(argv[2]); return 1; }
    root.parent = &root;
    strcpy(root.name, ".");
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    strncpy(a.sun_path, argv[1], sizeof a.sun_path - 1);
    int l = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(l, (void *)&a, sizeof a) < 0 || listen(l, 1) < 0) { perror(argv[1]); return 1; }
    int s = accept4(l, NULL, NULL, SOCK_CLOEXEC);
    control(s);
    unlink(argv[1]);
    _exit(0);
}
