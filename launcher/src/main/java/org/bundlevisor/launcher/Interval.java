package org.bundlevisor.launcher;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A time between two events on the command line, such as {@code 500ms} or {@code 2s}: a millisecond at least. */
record Interval(Duration duration) {
    private static final Pattern FORM = Pattern.compile("([0-9]{1,9})(ms|s)");

    static final class Converter implements ITypeConverter<Interval> {
        @Override
        public Interval convert(String text) {
            Matcher form = FORM.matcher(text);
            if (!form.matches() || Long.parseLong(form.group(1)) == 0) {
                throw new TypeConversionException("%s: expected a time above 0 such as 500ms or 2s".formatted(text));
            }
            long number = Long.parseLong(form.group(1));
            return new Interval(form.group(2).equals("s") ? Duration.ofSeconds(number) : Duration.ofMillis(number));
        }
    }
}
