package io.porthole.linux;

/**
 * Error numbers of Linux as positive ints ({@code asm-generic/errno.h}; the same on x86-64 and
 * arm64). {@link Syscalls} returns them negated.
 */
public final class Errno {
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int ESRCH = 3;
    public static final int EINTR = 4;
    public static final int EIO = 5;
    public static final int ENXIO = 6;
    public static final int E2BIG = 7;
    public static final int ENOEXEC = 8;
    public static final int EBADF = 9;
    public static final int ECHILD = 10;
    public static final int EAGAIN = 11;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int EFAULT = 14;
    public static final int ENOTBLK = 15;
    public static final int EBUSY = 16;
    public static final int EEXIST = 17;
    public static final int EXDEV = 18;
    public static final int ENODEV = 19;
    public static final int ENOTDIR = 20;
    public static final int EISDIR = 21;
    public static final int EINVAL = 22;
    public static final int ENFILE = 23;
    public static final int EMFILE = 24;
    public static final int ENOTTY = 25;
    public static final int ETXTBSY = 26;
    public static final int EFBIG = 27;
    public static final int ENOSPC = 28;
    public static final int ESPIPE = 29;
    public static final int EROFS = 30;
    public static final int EMLINK = 31;
    public static final int EPIPE = 32;
    public static final int EDOM = 33;
    public static final int ERANGE = 34;
    public static final int EDEADLK = 35;
    public static final int ENAMETOOLONG = 36;
    public static final int ENOLCK = 37;
    public static final int ENOSYS = 38;
    public static final int ENOTEMPTY = 39;
    public static final int ELOOP = 40;
    public static final int ENOMSG = 42;
    public static final int EIDRM = 43;
    public static final int ECHRNG = 44;
    public static final int EL2NSYNC = 45;
    public static final int EL3HLT = 46;
    public static final int EL3RST = 47;
    public static final int ELNRNG = 48;
    public static final int EUNATCH = 49;
    public static final int ENOCSI = 50;
    public static final int EL2HLT = 51;
    public static final int EBADE = 52;
    public static final int EBADR = 53;
    public static final int EXFULL = 54;
    public static final int ENOANO = 55;
    public static final int EBADRQC = 56;
    public static final int EBADSLT = 57;
    public static final int EBFONT = 59;
    public static final int ENOSTR = 60;
    public static final int ENODATA = 61;
    public static final int ETIME = 62;
    public static final int ENOSR = 63;
    public static final int ENONET = 64;
    public static final int ENOPKG = 65;
    public static final int EREMOTE = 66;
    public static final int ENOLINK = 67;
    public static final int EADV = 68;
    public static final int ESRMNT = 69;
    public static final int ECOMM = 70;
    public static final int EPROTO = 71;
    public static final int EMULTIHOP = 72;
    public static final int EDOTDOT = 73;
    public static final int EBADMSG = 74;
    public static final int EOVERFLOW = 75;
    public static final int ENOTUNIQ = 76;
    public static final int EBADFD = 77;
    public static final int EREMCHG = 78;
    public static final int ELIBACC = 79;
    public static final int ELIBBAD = 80;
    public static final int ELIBSCN = 81;
    public static final int ELIBMAX = 82;
    public static final int ELIBEXEC = 83;
    public static final int EILSEQ = 84;
    public static final int ERESTART = 85;
    public static final int ESTRPIPE = 86;
    public static final int EUSERS = 87;
    public static final int ENOTSOCK = 88;
    public static final int EDESTADDRREQ = 89;
    public static final int EMSGSIZE = 90;
    public static final int EPROTOTYPE = 91;
    public static final int ENOPROTOOPT = 92;
    public static final int EPROTONOSUPPORT = 93;
    public static final int ESOCKTNOSUPPORT = 94;
    public static final int EOPNOTSUPP = 95;
    public static final int EPFNOSUPPORT = 96;
    public static final int EAFNOSUPPORT = 97;
    public static final int EADDRINUSE = 98;
    public static final int EADDRNOTAVAIL = 99;
    public static final int ENETDOWN = 100;
    public static final int ENETUNREACH = 101;
    public static final int ENETRESET = 102;
    public static final int ECONNABORTED = 103;
    public static final int ECONNRESET = 104;
    public static final int ENOBUFS = 105;
    public static final int EISCONN = 106;
    public static final int ENOTCONN = 107;
    public static final int ESHUTDOWN = 108;
    public static final int ETOOMANYREFS = 109;
    public static final int ETIMEDOUT = 110;
    public static final int ECONNREFUSED = 111;
    public static final int EHOSTDOWN = 112;
    public static final int EHOSTUNREACH = 113;
    public static final int EALREADY = 114;
    public static final int EINPROGRESS = 115;
    public static final int ESTALE = 116;
    public static final int EUCLEAN = 117;
    public static final int ENOTNAM = 118;
    public static final int ENAVAIL = 119;
    public static final int EISNAM = 120;
    public static final int EREMOTEIO = 121;
    public static final int EDQUOT = 122;
    public static final int ENOMEDIUM = 123;
    public static final int EMEDIUMTYPE = 124;
    public static final int ECANCELED = 125;
    public static final int ENOKEY = 126;
    public static final int EKEYEXPIRED = 127;
    public static final int EKEYREVOKED = 128;
    public static final int EKEYREJECTED = 129;
    public static final int EOWNERDEAD = 130;
    public static final int ENOTRECOVERABLE = 131;
    public static final int ERFKILL = 132;
    public static final int EHWPOISON = 133;

    /** The same number on Linux. */
    public static final int EWOULDBLOCK = EAGAIN;

    /** What the xattr calls mean by a missing attribute; the same number on Linux. */
    public static final int ENOATTR = ENODATA;

    /** The same number on Linux. */
    public static final int ENOTSUP = EOPNOTSUPP;

    private static final int LARGEST = EHWPOISON;

    private Errno() {}

    /** Whether {@code result} of a system call is a negated error number. */
    public static boolean isError(long result) {
        return result < 0;
    }

    /** "ENOENT" for 2; "errno 4711" for a number that Linux does not define. Sign is ignored. */
    public static String name(long errno) {
        String entry = entry(errno);
        return entry.isEmpty()
                ? "errno " + Math.abs(errno)
                : entry.substring(0, entry.indexOf(' '));
    }

    /** "ENOENT (No such file or directory)" for 2 or -2: for messages to people. */
    public static String describe(long errno) {
        String entry = entry(errno);
        if (entry.isEmpty()) {
            return name(errno);
        }
        int space = entry.indexOf(' ');
        return entry.substring(0, space) + " (" + entry.substring(space + 1) + ")";
    }

    /** Name, blank, sentence; empty when unknown. */
    private static String entry(long errno) {
        // A switch and not a table: nothing is built until the first message is needed.
        return switch (Math.clamp(Math.abs(errno), 0, LARGEST + 1)) {
            case EPERM -> "EPERM Operation not permitted";
            case ENOENT -> "ENOENT No such file or directory";
            case ESRCH -> "ESRCH No such process";
            case EINTR -> "EINTR Interrupted system call";
            case EIO -> "EIO Input/output error";
            case ENXIO -> "ENXIO No such device or address";
            case E2BIG -> "E2BIG Argument list too long";
            case ENOEXEC -> "ENOEXEC Exec format error";
            case EBADF -> "EBADF Bad file descriptor";
            case ECHILD -> "ECHILD No child processes";
            case EAGAIN -> "EAGAIN Resource temporarily unavailable";
            case ENOMEM -> "ENOMEM Cannot allocate memory";
            case EACCES -> "EACCES Permission denied";
            case EFAULT -> "EFAULT Bad address";
            case ENOTBLK -> "ENOTBLK Block device required";
            case EBUSY -> "EBUSY Device or resource busy";
            case EEXIST -> "EEXIST File exists";
            case EXDEV -> "EXDEV Invalid cross-device link";
            case ENODEV -> "ENODEV No such device";
            case ENOTDIR -> "ENOTDIR Not a directory";
            case EISDIR -> "EISDIR Is a directory";
            case EINVAL -> "EINVAL Invalid argument";
            case ENFILE -> "ENFILE Too many open files in system";
            case EMFILE -> "EMFILE Too many open files";
            case ENOTTY -> "ENOTTY Inappropriate ioctl for device";
            case ETXTBSY -> "ETXTBSY Text file busy";
            case EFBIG -> "EFBIG File too large";
            case ENOSPC -> "ENOSPC No space left on device";
            case ESPIPE -> "ESPIPE Illegal seek";
            case EROFS -> "EROFS Read-only file system";
            case EMLINK -> "EMLINK Too many links";
            case EPIPE -> "EPIPE Broken pipe";
            case EDOM -> "EDOM Numerical argument out of domain";
            case ERANGE -> "ERANGE Numerical result out of range";
            case EDEADLK -> "EDEADLK Resource deadlock avoided";
            case ENAMETOOLONG -> "ENAMETOOLONG File name too long";
            case ENOLCK -> "ENOLCK No locks available";
            case ENOSYS -> "ENOSYS Function not implemented";
            case ENOTEMPTY -> "ENOTEMPTY Directory not empty";
            case ELOOP -> "ELOOP Too many levels of symbolic links";
            case ENOMSG -> "ENOMSG No message of desired type";
            case EIDRM -> "EIDRM Identifier removed";
            case ECHRNG -> "ECHRNG Channel number out of range";
            case EL2NSYNC -> "EL2NSYNC Level 2 not synchronized";
            case EL3HLT -> "EL3HLT Level 3 halted";
            case EL3RST -> "EL3RST Level 3 reset";
            case ELNRNG -> "ELNRNG Link number out of range";
            case EUNATCH -> "EUNATCH Protocol driver not attached";
            case ENOCSI -> "ENOCSI No CSI structure available";
            case EL2HLT -> "EL2HLT Level 2 halted";
            case EBADE -> "EBADE Invalid exchange";
            case EBADR -> "EBADR Invalid request descriptor";
            case EXFULL -> "EXFULL Exchange full";
            case ENOANO -> "ENOANO No anode";
            case EBADRQC -> "EBADRQC Invalid request code";
            case EBADSLT -> "EBADSLT Invalid slot";
            case EBFONT -> "EBFONT Bad font file format";
            case ENOSTR -> "ENOSTR Device not a stream";
            case ENODATA -> "ENODATA No data available";
            case ETIME -> "ETIME Timer expired";
            case ENOSR -> "ENOSR Out of streams resources";
            case ENONET -> "ENONET Machine is not on the network";
            case ENOPKG -> "ENOPKG Package not installed";
            case EREMOTE -> "EREMOTE Object is remote";
            case ENOLINK -> "ENOLINK Link has been severed";
            case EADV -> "EADV Advertise error";
            case ESRMNT -> "ESRMNT Srmount error";
            case ECOMM -> "ECOMM Communication error on send";
            case EPROTO -> "EPROTO Protocol error";
            case EMULTIHOP -> "EMULTIHOP Multihop attempted";
            case EDOTDOT -> "EDOTDOT RFS specific error";
            case EBADMSG -> "EBADMSG Bad message";
            case EOVERFLOW -> "EOVERFLOW Value too large for defined data type";
            case ENOTUNIQ -> "ENOTUNIQ Name not unique on network";
            case EBADFD -> "EBADFD File descriptor in bad state";
            case EREMCHG -> "EREMCHG Remote address changed";
            case ELIBACC -> "ELIBACC Can not access a needed shared library";
            case ELIBBAD -> "ELIBBAD Accessing a corrupted shared library";
            case ELIBSCN -> "ELIBSCN .lib section in a.out corrupted";
            case ELIBMAX -> "ELIBMAX Attempting to link in too many shared libraries";
            case ELIBEXEC -> "ELIBEXEC Cannot exec a shared library directly";
            case EILSEQ -> "EILSEQ Invalid or incomplete multibyte or wide character";
            case ERESTART -> "ERESTART Interrupted system call should be restarted";
            case ESTRPIPE -> "ESTRPIPE Streams pipe error";
            case EUSERS -> "EUSERS Too many users";
            case ENOTSOCK -> "ENOTSOCK Socket operation on non-socket";
            case EDESTADDRREQ -> "EDESTADDRREQ Destination address required";
            case EMSGSIZE -> "EMSGSIZE Message too long";
            case EPROTOTYPE -> "EPROTOTYPE Protocol wrong type for socket";
            case ENOPROTOOPT -> "ENOPROTOOPT Protocol not available";
            case EPROTONOSUPPORT -> "EPROTONOSUPPORT Protocol not supported";
            case ESOCKTNOSUPPORT -> "ESOCKTNOSUPPORT Socket type not supported";
            case EOPNOTSUPP -> "EOPNOTSUPP Operation not supported";
            case EPFNOSUPPORT -> "EPFNOSUPPORT Protocol family not supported";
            case EAFNOSUPPORT -> "EAFNOSUPPORT Address family not supported by protocol";
            case EADDRINUSE -> "EADDRINUSE Address already in use";
            case EADDRNOTAVAIL -> "EADDRNOTAVAIL Cannot assign requested address";
            case ENETDOWN -> "ENETDOWN Network is down";
            case ENETUNREACH -> "ENETUNREACH Network is unreachable";
            case ENETRESET -> "ENETRESET Network dropped connection on reset";
            case ECONNABORTED -> "ECONNABORTED Software caused connection abort";
            case ECONNRESET -> "ECONNRESET Connection reset by peer";
            case ENOBUFS -> "ENOBUFS No buffer space available";
            case EISCONN -> "EISCONN Transport endpoint is already connected";
            case ENOTCONN -> "ENOTCONN Transport endpoint is not connected";
            case ESHUTDOWN -> "ESHUTDOWN Cannot send after transport endpoint shutdown";
            case ETOOMANYREFS -> "ETOOMANYREFS Too many references: cannot splice";
            case ETIMEDOUT -> "ETIMEDOUT Connection timed out";
            case ECONNREFUSED -> "ECONNREFUSED Connection refused";
            case EHOSTDOWN -> "EHOSTDOWN Host is down";
            case EHOSTUNREACH -> "EHOSTUNREACH No route to host";
            case EALREADY -> "EALREADY Operation already in progress";
            case EINPROGRESS -> "EINPROGRESS Operation now in progress";
            case ESTALE -> "ESTALE Stale file handle";
            case EUCLEAN -> "EUCLEAN Structure needs cleaning";
            case ENOTNAM -> "ENOTNAM Not a XENIX named type file";
            case ENAVAIL -> "ENAVAIL No XENIX semaphores available";
            case EISNAM -> "EISNAM Is a named type file";
            case EREMOTEIO -> "EREMOTEIO Remote I/O error";
            case EDQUOT -> "EDQUOT Disk quota exceeded";
            case ENOMEDIUM -> "ENOMEDIUM No medium found";
            case EMEDIUMTYPE -> "EMEDIUMTYPE Wrong medium type";
            case ECANCELED -> "ECANCELED Operation canceled";
            case ENOKEY -> "ENOKEY Required key not available";
            case EKEYEXPIRED -> "EKEYEXPIRED Key has expired";
            case EKEYREVOKED -> "EKEYREVOKED Key has been revoked";
            case EKEYREJECTED -> "EKEYREJECTED Key was rejected by service";
            case EOWNERDEAD -> "EOWNERDEAD Owner died";
            case ENOTRECOVERABLE -> "ENOTRECOVERABLE State not recoverable";
            case ERFKILL -> "ERFKILL Operation not possible due to RF-kill";
            case EHWPOISON -> "EHWPOISON Memory page has hardware error";
            default -> "";
        };
    }
}
