package org.bundlevisor.launcher;

import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** What is traced, and where to: {@code exits} or {@code exits=FILE}. @param file without it, standard error */
record TraceOption(Optional<Path> file) {
    static final class Converter implements ITypeConverter<TraceOption> {
        @Override
        public TraceOption convert(String text) {
            int equals = text.indexOf('=');
            String what = equals < 0 ? text : text.substring(0, equals);
            String file = equals < 0 ? "" : text.substring(equals + 1);
            if (!what.equals("exits") || equals >= 0 && file.isEmpty()) {
                throw new TypeConversionException(
                        "\"%s\" cannot be traced (expected exits or exits=FILE)".formatted(text));
            }
            return new TraceOption(equals < 0 ? Optional.empty() : Optional.of(Path.of(file)));
        }
    }
}
