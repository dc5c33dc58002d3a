package com.example.orders;

import org.apache.camel.main.Main;

public final class OrdersApplication {

    private OrdersApplication() {}

    public static void main(String[] args) throws Exception {
        new Main(OrdersApplication.class).run(args);
    }
}
