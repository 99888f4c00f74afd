import CoreMetrics
import Metrics
import NexusHTTP
import Testing

@Suite(.timeLimit(.minutes(1))) struct Metrics {
    @Test func `are Prometheus text`() {
        let registry = PrometheusRegistry()
        registry.describe("jobs_total", "All jobs,\nwith \\ and \"quotes\".")
        Counter(label: "jobs", dimensions: [("kind", "a\"b\\c\nd")], factory: registry).increment(by: 3)
        Meter(label: "queue.depth", factory: registry).set(2.5)
        let timer = Timer(label: "wait", factory: registry)
        timer.recordNanoseconds(2_000_000)
        timer.recordNanoseconds(700_000_000_000)
        let lines = registry.exposition().split(separator: "\n")
        #expect(lines.contains(#"# HELP jobs_total All jobs,\nwith \\ and "quotes"."#))
        #expect(lines.contains("# TYPE jobs_total counter"))
        #expect(lines.contains(#"jobs_total{kind="a\"b\\c\nd"} 3"#))
        #expect(lines.contains("# TYPE queue_depth gauge"))
        #expect(lines.contains("queue_depth 2.5"))
        #expect(lines.contains("# TYPE wait_seconds histogram"))
        #expect(lines.contains(#"wait_seconds_bucket{le="0.001"} 0"#))
        #expect(lines.contains(#"wait_seconds_bucket{le="0.0025"} 1"#))
        #expect(lines.contains(#"wait_seconds_bucket{le="120"} 1"#))
        #expect(lines.contains(#"wait_seconds_bucket{le="+Inf"} 2"#))
        #expect(lines.contains("wait_seconds_sum 700.002"))
        #expect(lines.contains("wait_seconds_count 2"))
    }

    @Test func `of one name and one set of labels are one series`() {
        let registry = PrometheusRegistry()
        Counter(label: "n", dimensions: [("a", "1"), ("b", "2")], factory: registry).increment()
        Counter(label: "n", dimensions: [("b", "2"), ("a", "1")], factory: registry).increment()
        #expect(registry.exposition().contains("n_total{a=\"1\",b=\"2\"} 2\n"))
    }

    @Test func `are bounded in number and kind`() {
        let registry = PrometheusRegistry()
        for value in 0..<1_000 {
            Counter(label: "n", dimensions: [("value", String(value))], factory: registry).increment()
        }
        Meter(label: "n_total", factory: registry).set(5)
        for name in 0..<1_000 { Counter(label: "name_\(name)", factory: registry).increment() }
        let lines = registry.exposition().split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("n_total") }.count == PrometheusRegistry.maximumSeries)
        #expect(lines.filter { $0.hasPrefix("# TYPE") }.count == PrometheusRegistry.maximumFamilies + 1)
        #expect(lines.last == "lattice_metrics_dropped_series_total \(744 + 1 + 489)")
    }

    @Test func `are forgotten when destroyed`() {
        let registry = PrometheusRegistry()
        let counter = Counter(label: "gone", factory: registry)
        counter.increment()
        counter.destroy()
        #expect(!registry.exposition().contains("gone"))
    }

    @Test func `count requests, tokens and chats`() async throws {
        let body = try await withServer { (port: Int) async throws in
            _ = try await chat(port)
            _ = try await chat(port, #""stream":true"#)
            _ = try await call(port, "GET", "/nothing/\(port)")
            let reply = try await call(port, "GET", "/metrics", key: nil)
            #expect(reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            return reply.body
        }
        let lines = body.split(separator: "\n")
        #expect(lines.contains(#"lattice_http_requests_total{code="200",route="chat"} 2"#))
        #expect(lines.contains(#"lattice_http_requests_total{code="404",route="unknown"} 1"#))
        #expect(lines.contains(#"lattice_chat_tokens_total{kind="completion"} 6"#))
        #expect(lines.contains(#"lattice_chat_tokens_total{kind="prompt"} 30"#))
        #expect(lines.contains("lattice_chat_time_to_first_token_seconds_count 2"))
        #expect(lines.contains("lattice_chat_in_flight 0"))
        #expect(lines.contains { $0.hasPrefix("lattice_process_start_time_seconds 1") })
    }

    @Test func `ask for a key where they are protected`() async throws {
        try await withServer(configure: { $0.protectsMetrics = true }) { (port: Int) async throws in
            #expect(try await call(port, "GET", "/metrics", key: nil).status == 401)
            #expect(try await call(port, "GET", "/metrics").status == 200)
        }
    }
}
