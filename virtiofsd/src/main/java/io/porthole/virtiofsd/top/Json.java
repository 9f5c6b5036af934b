package io.porthole.virtiofsd.top;

/** An activity for scripts: one object on one line; null where nothing was timed. */
final class Json {
    private final StringBuilder text = new StringBuilder();
    private boolean comma;

    private Json() {}

    static String of(Activity now) {
        Json json = new Json();
        json.open("{");
        json.number("seconds", now.seconds());
        json.string("version", now.process().version());
        json.number("uptime_seconds", now.process().uptime());
        json.number("heap_used_bytes", now.process().heapUsed());
        json.number("heap_max_bytes", now.process().heapMax());
        json.number("gc_share", now.process().gcShare());
        json.key("shares");
        json.open("[");
        for (Activity.Share s : now.shares()) {
            json.open("{");
            json.string("share", s.tag());
            json.key("connected");
            json.text.append(s.connected());
            json.comma = true;
            json.number("requests_per_second", s.requests());
            json.number("read_bytes_per_second", s.readBytes());
            json.number("written_bytes_per_second", s.writtenBytes());
            json.number("errors_per_second", s.errors());
            json.number("p50_seconds", s.median());
            json.number("p99_seconds", s.slowest());
            json.number("inodes", (double) s.inodes());
            json.number("inodes_pinned", (double) s.pinned());
            json.number("open_handles", (double) s.open());
            json.key("operations");
            json.open("[");
            for (Activity.Operation o : now.operations()) {
                if (o.share().equals(s.tag())) {
                    json.open("{");
                    json.string("operation", o.name());
                    json.number("requests_per_second", o.requests());
                    json.number("bytes_per_second", o.bytes());
                    json.number("errors_per_second", o.errors());
                    json.number("p50_seconds", o.median());
                    json.number("p99_seconds", o.slowest());
                    json.close("}");
                }
            }
            json.close("]");
            json.close("}");
        }
        json.close("]");
        json.close("}");
        return json.text.toString();
    }

    private void open(String bracket) {
        text.append(comma ? "," : "").append(bracket);
        comma = false;
    }

    private void close(String bracket) {
        text.append(bracket);
        comma = true;
    }

    private void key(String name) {
        text.append(comma ? "," : "");
        quote(name);
        text.append(':');
        comma = false;
    }

    private void number(String name, double value) {
        key(name);
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            text.append("null");
        } else if (value == Math.rint(value) && Math.abs(value) < 1e15) {
            text.append((long) value);
        } else {
            text.append(value);
        }
        comma = true;
    }

    private void string(String name, String value) {
        key(name);
        quote(value);
        comma = true;
    }

    private void quote(String value) {
        text.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                text.append('\\').append(c);
            } else if (c < ' ') {
                text.append("\\u00")
                        .append(Character.forDigit(c >> 4, 16))
                        .append(Character.forDigit(c & 15, 16));
            } else {
                text.append(c);
            }
        }
        text.append('"');
    }
}
