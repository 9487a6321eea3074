package org.bundlevisor.devices.legacy;

/**
 * Arithmetic between seconds since 1970-01-01T00:00 and the fields of the proleptic Gregorian calendar, without
 * allocation. The fields come packed in one long, in the way of the method {@link #pack}.
 */
final class CalendarTime {
    static final long SECONDS_PER_DAY = 86_400;

    private CalendarTime() {}

    /**
     * Days from 1970-01-01 to a date. A month or day outside its range counts on from the next or previous one, as a
     * clock that was set to nonsense must show something.
     *
     * @param month 1 for January
     */
    static long days(long year, long month, long day) {
        long months = year * 12 + month - 1;
        // years that begin in March end with the leap day
        long shifted = months - 2;
        long marchYear = Math.floorDiv(shifted, 12L);
        long marchMonth = Math.floorMod(shifted, 12L);
        long dayOfYear = (153 * marchMonth + 2) / 5;
        return marchYear * 365
                + Math.floorDiv(marchYear, 4L)
                - Math.floorDiv(marchYear, 100L)
                + Math.floorDiv(marchYear, 400L)
                + dayOfYear
                + day
                - 1
                - 719_468;
    }

    /** The date so many days after 1970-01-01, packed. */
    static long date(long days) {
        long shifted = days + 719_468;
        long era = Math.floorDiv(shifted, 146_097L);
        long dayOfEra = shifted - era * 146_097;
        long yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        long dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        long marchMonth = (5 * dayOfYear + 2) / 153;
        long day = dayOfYear - (153 * marchMonth + 2) / 5 + 1;
        long month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
        long year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
        return pack(year, month, day);
    }

    private static long pack(long year, long month, long day) {
        return year << 16 | month << 8 | day;
    }

    static int day(long date) {
        return (int) date & 0xFF;
    }

    static int month(long date) {
        return (int) (date >> 8) & 0xFF;
    }

    static int year(long date) {
        return (int) (date >> 16);
    }

    /** Day of the week: 0 for Sunday. */
    static int weekday(long days) {
        return (int) Math.floorMod(days + 4, 7L);
    }
}
