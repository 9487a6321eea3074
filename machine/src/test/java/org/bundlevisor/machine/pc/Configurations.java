package org.bundlevisor.machine.pc;

import java.lang.annotation.Annotation;
import java.util.Map;
import org.bundlevisor.machine.MachineConfiguration;

/** Machine configurations as Declarative Services would make them out of properties. */
final class Configurations {
    private Configurations() {}

    static MachineConfiguration of(Map<String, Object> properties) {
        return new MachineConfiguration() {
            private <T> T value(String name, T standard) {
                @SuppressWarnings("unchecked") T value = (T) properties.getOrDefault(name, standard);
                return value;
            }

            @Override
            public String name() {
                return value("name", "test");
            }

            @Override
            public long memory() {
                return value("memory", 64L << 20);
            }

            @Override
            public int cpus() {
                return value("cpus", 1);
            }

            @Override
            public String[] cpu() {
                return value("cpu", new String[] {"vtx"});
            }

            @Override
            public String cpu_model() {
                return value("cpu_model", "x86-64-v2");
            }

            @Override
            public String clock() {
                return value("clock", "real");
            }

            @Override
            public String kernel() {
                return value("kernel", "");
            }

            @Override
            public String initrd() {
                return value("initrd", "");
            }

            @Override
            public String append() {
                return value("append", "");
            }

            @Override
            public String console() {
                return value("console", "");
            }

            @Override
            public boolean trace_exits() {
                return value("trace_exits", false);
            }

            @Override
            public boolean autostart() {
                return value("autostart", false);
            }

            @Override
            public Class<? extends Annotation> annotationType() {
                return MachineConfiguration.class;
            }
        };
    }
}
