package org.bundlevisor.devices;

import org.bundlevisor.device.DeviceContext;

/** Reads a device's configuration, and refuses what cannot be meant in one sentence. */
public final class DeviceProperties {
    private DeviceProperties() {}

    /**
     * A whole number: a number, or a string that {@link Long#decode} understands.
     *
     * @param missing the value when the property is not set
     * @throws IllegalArgumentException when it is no whole number from {@code least} to {@code most}
     */
    public static long number(DeviceContext context, String name, long missing, long least, long most) {
        Object value = context.properties().get(name);
        if (value == null) {
            return missing;
        }
        try {
            long number = value instanceof Number given
                    ? given.longValue()
                    : Long.decode(value.toString().trim());
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(refusal(context, name, value, least, most), e);
        }
        throw new IllegalArgumentException(refusal(context, name, value, least, most));
    }

    /**
     * A flag: a boolean, or one of the strings {@code true} and {@code false}.
     *
     * @param missing the value when the property is not set
     * @throws IllegalArgumentException when it is something else
     */
    public static boolean flag(DeviceContext context, String name, boolean missing) {
        Object value = context.properties().get(name);
        if (value == null) {
            return missing;
        }
        return switch (value.toString().trim()) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException(context.name() + ": the property " + name + " is " + value
                    + " (expected true or false); change it or leave it out");
        };
    }

    private static String refusal(DeviceContext context, String name, Object value, long least, long most) {
        return context.name() + ": the property " + name + " is " + value + " (expected a whole number from " + least
                + " to " + most + "); change it or leave it out";
    }
}
