package io.porthole.virtiofsd.log;

import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;

/** A named logger; all share one threshold and one sink. */
final class DaemonLogger extends LegacyAbstractLogger {
    private static final long serialVersionUID = 1L;

    DaemonLogger(String name) {
        this.name = name;
    }

    @Override
    public boolean isTraceEnabled() {
        return DaemonLog.isEnabled(Level.TRACE);
    }

    @Override
    public boolean isDebugEnabled() {
        return DaemonLog.isEnabled(Level.DEBUG);
    }

    @Override
    public boolean isInfoEnabled() {
        return DaemonLog.isEnabled(Level.INFO);
    }

    @Override
    public boolean isWarnEnabled() {
        return DaemonLog.isEnabled(Level.WARN);
    }

    @Override
    public boolean isErrorEnabled() {
        return DaemonLog.isEnabled(Level.ERROR);
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
        return null;
    }

    @Override
    protected void handleNormalizedLoggingCall(
            Level level,
            @Nullable Marker marker,
            String pattern,
            Object @Nullable [] arguments,
            @Nullable Throwable error) {
        String message =
                arguments == null ? pattern : MessageFormatter.basicArrayFormat(pattern, arguments);
        DaemonLog.write(level, String.valueOf(message), error);
    }
}
