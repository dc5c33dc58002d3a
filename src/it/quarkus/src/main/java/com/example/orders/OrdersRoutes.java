package com.example.orders;

import org.apache.camel.builder.RouteBuilder;

public class OrdersRoutes extends RouteBuilder {

    @Override
    public void configure() {
        from("scheduler:orders?repeatCount=1")
                .routeId("orders")
                .setBody(constant("ready"))
                .to("file:.?fileName=orders.txt");
    }
}
