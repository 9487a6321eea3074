package org.bundlevisor.state;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * An immutable set of named fields. A reader asks for the fields that it knows and names a default for each, so that
 * unknown fields are ignored and missing ones do no harm; {@link #version()} tells the layout apart where that is not
 * enough.
 *
 * <p>A field is a {@code long}, a string, a byte string, a nested state or a list of nested states.
 */
public final class SavedState {
    /** A state without fields, version 0: what is read from where nothing was saved. */
    public static final SavedState EMPTY = new SavedState(0, Map.of());

    private final int version;
    private final Map<String, Object> fields;

    private SavedState(int version, Map<String, Object> fields) {
        this.version = version;
        this.fields = fields;
    }

    /** Starts a state of the given version, which rises when a field changes its meaning. */
    public static Builder version(int version) {
        return new Builder(version);
    }

    public int version() {
        return version;
    }

    /** The fields' names, in the order in which they were saved. */
    public Set<String> names() {
        return fields.keySet();
    }

    /** A number field, or {@code missing} where there is none. */
    public long number(String name, long missing) {
        return fields.get(name) instanceof Long value ? value : missing;
    }

    /** A number field as a flag, or {@code missing} where there is none. */
    public boolean flag(String name, boolean missing) {
        return number(name, missing ? 1 : 0) != 0;
    }

    /** A string field, or {@code missing} where there is none. */
    public String text(String name, String missing) {
        return fields.get(name) instanceof String value ? value : missing;
    }

    /** A copy of a byte string, or an empty one where there is none. */
    public byte[] bytes(String name) {
        return fields.get(name) instanceof byte[] value ? value.clone() : new byte[0];
    }

    /** A nested state, or {@link #EMPTY} where there is none. */
    public SavedState child(String name) {
        return fields.get(name) instanceof SavedState value ? value : EMPTY;
    }

    /** A list of nested states, or an empty list where there is none. */
    public List<SavedState> children(String name) {
        if (fields.get(name) instanceof List<?> list) {
            return list.stream().map(SavedState.class::cast).toList();
        }
        return List.of();
    }

    @Override
    public String toString() {
        return "SavedState[version=" + version + ", " + fields.keySet() + "]";
    }

    /** Collects the fields of one state. Not thread-safe. */
    public static final class Builder {
        private final int version;
        private final Map<String, Object> fields = new LinkedHashMap<>();

        private Builder(int version) {
            this.version = version;
        }

        public Builder put(String name, long value) {
            return add(name, value);
        }

        public Builder put(String name, boolean value) {
            return add(name, value ? 1L : 0L);
        }

        public Builder put(String name, String value) {
            return add(name, value);
        }

        public Builder put(String name, byte[] value) {
            return add(name, value.clone());
        }

        public Builder put(String name, SavedState value) {
            return add(name, value);
        }

        public Builder put(String name, List<SavedState> value) {
            return add(name, List.copyOf(value));
        }

        private Builder add(String name, Object value) {
            if (fields.putIfAbsent(name, value) != null) {
                throw new IllegalArgumentException("field " + name + " is saved twice");
            }
            return this;
        }

        public SavedState build() {
            return new SavedState(version, Collections.unmodifiableMap(new LinkedHashMap<>(fields)));
        }
    }
}
