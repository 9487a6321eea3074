package org.bundlevisor.launcher;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A size of memory as the user writes it: {@code 512M}, {@code 2G}; without a letter it is in MiB. */
record MemorySize(long bytes) {
    private static final Pattern FORMAT = Pattern.compile("(\\d{1,9})([KMGT]?)i?B?", Pattern.CASE_INSENSITIVE);

    /** Below it no kernel has room: they are loaded at 1 MiB. */
    private static final long SMALLEST = 2L << 20;

    static final class Converter implements ITypeConverter<MemorySize> {
        @Override
        public MemorySize convert(String text) {
            Matcher matcher = FORMAT.matcher(text);
            if (!matcher.matches()) {
                throw new TypeConversionException(
                        "\"%s\" is no size of memory (expected for example 512M or 2G)".formatted(text));
            }
            int shift = switch (matcher.group(2).toUpperCase(java.util.Locale.ROOT)) {
                case "K" -> 10;
                case "G" -> 30;
                case "T" -> 40;
                default -> 20;
            };
            long count = Long.parseLong(matcher.group(1));
            long bytes = count << shift;
            if (bytes >> shift != count || bytes < SMALLEST) {
                throw new TypeConversionException(
                        "\"%s\" is not enough memory for a guest (at least 2M)".formatted(text));
            }
            return new MemorySize(bytes);
        }
    }
}
