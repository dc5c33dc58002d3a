package com.example.orders;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@SpringBootApplication
@RestController
public class OrdersApplication {

    private final JdbcTemplate jdbc;

    OrdersApplication(JdbcTemplate jdbc) {
        this.jdbc = jdbc;
    }

    public static void main(String[] args) {
        SpringApplication.run(OrdersApplication.class, args);
    }

    /** The tables of the application's own database, and the number of its orders. */
    @GetMapping("/tables")
    String tables() {
        return jdbc.queryForList(
                        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'PUBLIC'", String.class)
                + " " + jdbc.queryForObject("SELECT count(*) FROM orders", Integer.class);
    }
}
