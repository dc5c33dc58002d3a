package com.example.orders;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jms.annotation.JmsListener;
import org.springframework.jms.core.JmsTemplate;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** An application with security, a migration and a queue of its own. */
@SpringBootApplication
@RestController
public class OrdersApplication {

    private final JdbcTemplate jdbc;
    private final JmsTemplate jms;

    OrdersApplication(JdbcTemplate jdbc, JmsTemplate jms) {
        this.jdbc = jdbc;
        this.jms = jms;
    }

    public static void main(String[] args) {
        SpringApplication.run(OrdersApplication.class, args);
    }

    @Bean
    static SecurityFilterChain security(HttpSecurity http) throws Exception {
        return http.authorizeHttpRequests(requests -> requests.requestMatchers("/actuator/health")
                        .permitAll()
                        .anyRequest()
                        .authenticated())
                .httpBasic(Customizer.withDefaults())
                // the routes refuse requests from pages of other origins themselves
                .csrf(csrf -> csrf.ignoringRequestMatchers("/csv-imports/**", "/desk/**"))
                .build();
    }

    @GetMapping("/order")
    void order(@RequestParam("id") int id) {
        jms.convertAndSend("orders", id);
    }

    @JmsListener(destination = "orders")
    void receive(int id) {
        jdbc.update("INSERT INTO orders VALUES (?)", id);
    }

    /** The tables of the application's own database, and the number of its orders. */
    @GetMapping("/tables")
    String tables() {
        return jdbc.queryForList(
                        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'PUBLIC' ORDER BY 1",
                        String.class)
                + " " + jdbc.queryForObject("SELECT count(*) FROM orders", Integer.class);
    }
}
