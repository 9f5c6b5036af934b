package io.porthole.virtiofsd.log;

/** ISO 8601 time stamps in UTC without java.time, whose formatter costs more than a start-up. */
final class UtcStamp {
    private static final long DAY_MILLIS = 86_400_000L;

    private UtcStamp() {}

    /** Appends {@code 2026-01-31T23:59:59.123Z}. */
    static void append(StringBuilder out, long epochMillis) {
        long days = Math.floorDiv(epochMillis, DAY_MILLIS);
        long millis = Math.floorMod(epochMillis, DAY_MILLIS);
        // Days since 0000-03-01, so that the leap day ends the year; 400 years are one era.
        long shifted = days + 719_468;
        long era = Math.floorDiv(shifted, 146_097);
        long dayOfEra = shifted - era * 146_097;
        long yearOfEra =
                (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        long dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        long monthFromMarch = (5 * dayOfYear + 2) / 153;
        long day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1;
        long month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
        long year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
        digits(out, year, 4).append('-');
        digits(out, month, 2).append('-');
        digits(out, day, 2).append('T');
        digits(out, millis / 3_600_000, 2).append(':');
        digits(out, millis / 60_000 % 60, 2).append(':');
        digits(out, millis / 1000 % 60, 2).append('.');
        digits(out, millis % 1000, 3).append('Z');
    }

    private static StringBuilder digits(StringBuilder out, long value, int width) {
        long scale = 1;
        for (int i = 1; i < width; i++) {
            scale *= 10;
        }
        for (; scale > 0; scale /= 10) {
            out.append((char) ('0' + value / scale % 10));
        }
        return out;
    }
}
