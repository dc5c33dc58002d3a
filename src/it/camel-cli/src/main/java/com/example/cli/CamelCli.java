package com.example.cli;

import org.apache.camel.dsl.jbang.core.commands.CamelJBangMain;

/** The program {@code camel}, as JBang starts it. */
public final class CamelCli {

    private CamelCli() {}

    public static void main(String[] args) {
        CamelJBangMain.run(args);
    }
}
