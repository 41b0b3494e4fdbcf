//! The program as its users and their scripts see it: bad input, exit codes, what goes where, and how it ends early.

use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};

use callcheck::diagnose::table;
use callcheck::lab::fault::Fault;
use callcheck::lab::host::LabConfig;
use callcheck::model::endpoint::Transport;
use callcheck::model::fact::{Fact, NameAnswer, NameFact, Observation};
use callcheck::model::finding::Level;
use callcheck::model::report::{CutShort, Report, Verdict};
use callcheck::render::json;
use nix::sys::signal::{Signal, kill};

use child::{Run, callcheck};
use turn_server::{TurnServer, scratch, scratch_file};

#[path = "program/child.rs"]
mod child;
#[path = "program/turn_server.rs"]
mod turn_server;

const ALL: &[Transport] = &[Transport::Udp, Transport::Tcp, Transport::Tls];

// Bad input

/// A server that must not be asked anything.
struct Untouched {
    udp: UdpSocket,
    tcp: TcpListener,
}

impl Untouched {
    fn new() -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let udp = UdpSocket::bind("127.0.0.1:0").expect("loopback has free ports");
        tcp.set_nonblocking(true).expect("a socket can be made so");
        udp.set_nonblocking(true).expect("a socket can be made so");
        Self { udp, tcp }
    }

    fn uris(&self) -> [String; 2] {
        let udp = self.udp.local_addr().expect("a bound socket has an address");
        let tcp = self.tcp.local_addr().expect("a bound socket has an address");
        [format!("turn:{udp}?transport=udp"), format!("turn:{tcp}?transport=tcp")]
    }

    fn was_asked(&self) -> bool {
        let waits = |kind| kind == ErrorKind::WouldBlock;
        !self.udp.recv(&mut [0; 1]).is_err_and(|error| waits(error.kind()))
            || !self.tcp.accept().is_err_and(|error| waits(error.kind()))
    }
}

/// Asserts that the run ended as a usage error that names all of `named` in its first line.
fn assert_usage_error(what: &str, run: &Run, named: &[&str]) {
    assert_eq!(run.code, Some(2), "{what}: {run:?}");
    assert_eq!(run.stdout, "", "{what}");
    let first = run.stderr.lines().next().unwrap_or_default();
    for name in named {
        assert!(first.contains(name), "{what}: {first:?} doesn't name {name}");
    }
}

#[test]
fn a_target_that_names_no_server_is_refused_by_its_value() {
    let targets = [
        "turn.example.org:0",
        "turn.example.org:65536",
        "turn.example.org:port",
        "turn://turn.example.org",
        "turn:user@turn.example.org",
        "turn:turn.example.org?transport=sctp",
        "stun:turn.example.org?transport=udp",
        "https://turn.example.org",
        "turn:",
        "turn:[::1",
        "[::1]:0",
        "turn example org",
        "-.example.org/",
        "",
    ];
    for target in targets {
        for command in ["turn", "external-ip", "stun"] {
            let run = callcheck(&[command, "--", target]).run();
            assert_usage_error(&format!("{command} {target}"), &run, &["TARGET", target]);
        }
    }
}

#[test]
fn an_option_with_a_bad_value_is_refused_by_both_and_nothing_is_sent() {
    let server = Untouched::new();
    let not_pem = scratch_file("root.pem", "this is no certificate");
    let not_pem = not_pem.to_str().expect("the path is text");
    let empty = scratch_file("empty", "\n");
    let empty = empty.to_str().expect("the path is text");
    let gone = scratch("gone");
    let gone = gone.to_str().expect("the path is text");
    let no_folder = format!("{gone}/report.json");
    let cases: &[(&[&str], &[&str])] = &[
        (&["--password-file", gone, "--user", "alice"], &["--password-file", gone]),
        (&["--password-file", empty, "--user", "alice"], &["--password-file", empty]),
        (&["--secret-file", gone], &["--secret-file", gone]),
        (&["--ca", gone], &["--ca", gone]),
        (&["--ca", not_pem], &["--ca", not_pem]),
        (&["--password", "north", "--secret", "north"], &["--password", "--secret"]),
        (&["--password", "north", "--password-file", empty], &["--password", "--password-file"]),
        (&["--password", "north"], &["--user"]),
        (&["--user", "alice"], &["--user", "alice", "--password-file", "CALLCHECK_TURN_PASSWORD"]),
        (&["--deny", "no-such-cause"], &["--deny", "no-such-cause"]),
        (&["--allow", "no-such-cause"], &["--allow", "no-such-cause"]),
        (&["--timeout", "soon"], &["--timeout", "soon"]),
        (&["--timeout", "0s"], &["--timeout", "0s"]),
        (&["--timeout", "10"], &["--timeout", "10"]),
        (&["--stream", "long"], &["--stream", "long"]),
        (&["--bind", "nowhere0"], &["--bind", "nowhere0"]),
        (&["--bind", "203.0.113.77"], &["--bind", "203.0.113.77"]),
        (&["--control", "turn:stun.example.org"], &["--control", "turn:stun.example.org"]),
        (&["--control", "stun.example.org:0"], &["--control", "stun.example.org:0"]),
        (&["--format", "yaml"], &["--format", "yaml"]),
        (&["--color", "pink"], &["--color", "pink"]),
        (&["--report", "report.pdf"], &["--report", "report.pdf"]),
        (&["--report", "report"], &["--report", "report"]),
        (&["--report", &no_folder], &["--report", &no_folder]),
        (&["-4", "-6"], &["--ipv4", "--ipv6"]),
        (&["--json", "--format", "text"], &["--json", "--format"]),
        (&["--no-controls", "--control", "stun.example.org"], &["--no-controls", "--control"]),
        (&["--quiet", "--verbose"], &["--quiet", "--verbose"]),
        (&["--no-such-option"], &["--no-such-option"]),
    ];
    for (options, named) in cases {
        for uri in server.uris() {
            let run = callcheck(&[&["turn", &uri], *options].concat()).run();
            assert_usage_error(&format!("{options:?}"), &run, named);
        }
    }
    assert!(!server.was_asked());
}

#[test]
fn a_range_of_ports_that_is_none_is_refused_with_its_text() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["--range", "65535-49152"], &["--range", "65535-49152"]),
        (&["--range", ""], &["--range"]),
        (&["--range", "0-100"], &["--range", "\"0\""]),
        (&["--range", "1-65536"], &["--range", "\"65536\""]),
        (&["--range", "all"], &["--range", "all"]),
        (&["--samples", "0"], &["--samples", "0"]),
        (&["--samples", "100000"], &["--samples", "100000"]),
        (&["--rate", "0"], &["--rate", "0"]),
        (&["--all", "--samples", "3"], &["--all", "--samples"]),
    ];
    let server = Untouched::new();
    for (options, named) in cases {
        for uri in server.uris() {
            let run = callcheck(&[&["ports", &uri], *options].concat()).run();
            assert_usage_error(&format!("{options:?}"), &run, named);
        }
    }
    assert!(!server.was_asked());
}

#[test]
fn an_idle_time_is_refused_where_no_relay_could_outlast_it_or_it_is_none() {
    let server = Untouched::new();
    for value in ["5m", "0s", "soon", "45"] {
        for uri in server.uris() {
            let target = uri.trim_start_matches("turn:").split('?').next().unwrap_or_default();
            let run = callcheck(&["stun", target, &format!("--lifetime={value}")]).run();
            assert_usage_error(value, &run, &["--lifetime", value]);
        }
    }
    assert!(!server.was_asked());
}

/// The one that works is the first of the list: a single look at the other's relay meets an open port as often as not.
#[test]
fn a_second_server_with_half_of_its_range_closed_is_never_ok() {
    let well = TurnServer::start(LabConfig::default());
    let half = LabConfig { addresses: vec![[127, 0, 0, 2].into()], ..LabConfig::broken(&[Fault::RelayRangeMismatch]) };
    let half = TurnServer::start(half);
    let entries = [&well, &half].map(|server| {
        let list: serde_json::Value = serde_json::from_str(&server.ice_servers(&[Transport::Udp])).expect("a list is JSON");
        list[0].clone()
    });
    for _ in 0..5 {
        let list = serde_json::Value::from(entries.to_vec()).to_string();
        let report = callcheck(&["turn", "--ice-servers", "-", "--no-controls", "--json"]).input(&list).run().report();
        let found: Vec<String> = report.findings.iter().map(|finding| format!("{} {}", finding.id, finding.place)).collect();
        assert_eq!(report.verdict, Verdict::Degraded, "{found:?}");
        assert!(found.iter().all(|found| found.ends_with("127.0.0.2")), "{found:?}");
        let is_named = |id: &str| id == "relay-range-mismatch" || id == "relay-ports-partly-closed";
        assert!(is_named(&report.findings[0].id), "{found:?}");
    }
}

#[test]
fn a_list_of_ice_servers_that_is_none_is_refused_by_its_source() {
    for text in ["", "{", "[]", "null", r#"{"v": [{"urls": "https://a.example"}]}"#, r#"{"uris": ["turn://a.example"]}"#, "\u{0}"]
    {
        let file = scratch_file("ice.json", text);
        let file = file.to_str().expect("the path is text");
        assert_usage_error(text, &callcheck(&["turn", "--ice-servers", file]).run(), &["--ice-servers", file]);
        assert_usage_error(text, &callcheck(&["turn", "--ice-servers", "-"]).input(text).run(), &["--ice-servers", "\"-\""]);
    }
    let gone = scratch("gone.json");
    let gone = gone.to_str().expect("the path is text");
    assert_usage_error("no file", &callcheck(&["turn", "--ice-servers", gone]).run(), &["--ice-servers", gone]);
}

/// One entry on which `RTCPeerConnection` throws leaves a page without any peer connection.
#[test]
fn a_list_that_browsers_refuse_is_a_finding_in_their_words() {
    for (text, words) in [
        ("[{}]", "Malformed RTCIceServer"),
        (r#"[{"urls": "https://a.example"}]"#, "'https://a.example' is not a valid stun or turn URL."),
        (r#"{"iceServers": [{"urls": ["turn://a.example"], "username": "u", "credential": "p"}]}"#, "Invalid hostname format"),
    ] {
        let run = callcheck(&["turn", "--no-controls", "--ice-servers", "-"]).input(text).run();
        assert_eq!(run.code, Some(1), "{text}: {run:?}");
        assert!(run.stdout.contains(words) && run.stdout.contains("list-refused-by-browsers"), "{}", run.stdout);
    }
}

#[test]
fn a_command_without_its_argument_says_which_is_missing() {
    for (arguments, named) in [
        (&["turn"][..], "TARGET"),
        (&["external-ip"], "TARGET"),
        (&["stun"], "TARGET"),
        (&["replay"], "FILE"),
        (&["explain"], "ID"),
        (&["completions"], "SHELL"),
    ] {
        let run = callcheck(arguments).run();
        // The argument's name stands in the line after clap's sentence.
        let text = run.stderr.clone();
        assert_usage_error(&format!("{arguments:?}"), &run, &[]);
        assert!(text.lines().take(2).any(|line| line.contains(named)), "{text}");
    }
}

#[test]
fn a_responder_that_cannot_be_is_refused_by_the_option_and_its_value() {
    let held = UdpSocket::bind("127.0.0.1:0").expect("loopback has free ports");
    let held = held.local_addr().expect("a bound socket has an address").to_string();
    let (right, short) = (scratch_file("token", "the-token-of-these-tests\n"), scratch_file("token", "fifteen-letters\n"));
    let gone = scratch("gone");
    let text = |path: &std::path::Path| path.to_str().expect("the path is text").to_owned();
    let (right, short, gone) = (text(&right), text(&short), text(&gone));
    let range = "40000-40009";
    for (listen, range, token, named) in [
        ("127.0.0.1:0", range, &right, &["--listen", "127.0.0.1:0"][..]),
        ("127.0.0.1", range, &right, &["--listen", "127.0.0.1"]),
        ("localhost:9999", range, &right, &["--listen", "localhost:9999"]),
        ("203.0.113.77:9999", range, &right, &["--listen", "203.0.113.77:9999"]),
        (&held, range, &right, &["--listen", &held]),
        ("127.0.0.1:9999", "40009-40000", &right, &["--range", "40009-40000"]),
        ("127.0.0.1:9999", "0-10", &right, &["--range", "0-10"]),
        ("127.0.0.1:9999", "40000-65536", &right, &["--range", "40000-65536"]),
        ("127.0.0.1:9999", "", &right, &["--range"]),
        ("127.0.0.1:9999", range, &short, &["--token-file", &short, "16"]),
        ("127.0.0.1:9999", range, &gone, &["--token-file", &gone]),
    ] {
        let run = callcheck(&["responder", "--listen", listen, "--range", range, "--token-file", token]).run();
        assert_usage_error(&format!("{listen} {range} {token}"), &run, named);
        assert!(!run.stderr.contains("fifteen-letters"), "a token is shown");
    }
    for lifetime in ["0s", "soon", "25h"] {
        let arguments = ["responder", "--listen", "127.0.0.1:9999", "--token-file", &right, "--for", lifetime];
        assert_usage_error(lifetime, &callcheck(&arguments).run(), &["--for", lifetime]);
    }
}

#[test]
fn a_sweep_that_cannot_be_is_refused_by_the_option_and_its_value() {
    let right = scratch_file("token", "the-token-of-these-tests\n");
    let short = scratch_file("token", "short\n");
    let (right, short) = (right.to_str().expect("the path is text"), short.to_str().expect("the path is text"));
    let cases: &[(&[&str], &[&str])] = &[
        (&["--responder", "127.0.0.1:9999"], &["--token-file"]),
        (&["--token-file", right], &["--responder"]),
        (&["--tcp"], &["--responder"]),
        (&["--responder", "127.0.0.1", "--token-file", right], &["--responder", "127.0.0.1"]),
        (&["--responder", "127.0.0.1:0", "--token-file", right], &["--responder", "127.0.0.1:0"]),
        (&["--responder", "turn:127.0.0.1:9999", "--token-file", right], &["--responder", "turn:127.0.0.1:9999"]),
        (&["--responder", "127.0.0.1:9999", "--token-file", short], &["--token-file", short]),
        (&["--responder", "127.0.0.1:9999", "--token-file", right, "--range", "9-1"], &["--range", "9-1"]),
        (&["--responder", "127.0.0.1:9999", "--token-file", right, "--rate", "0"], &["--rate", "0"]),
    ];
    for (options, named) in cases {
        let run = callcheck(&[&["ports", "127.0.0.1"], *options].concat()).run();
        if *options == ["--responder", "127.0.0.1:9999"] || options.len() < 3 {
            // The parser names what is missing in a line of its own.
            assert_eq!(run.code, Some(2), "{options:?}: {run:?}");
            assert!(named.iter().all(|name| run.stderr.contains(name)), "{options:?}: {run:?}");
        } else {
            assert_usage_error(&format!("{options:?}"), &run, named);
        }
    }
}

#[test]
fn what_is_no_report_is_not_replayed() {
    let real = callcheck(&["demo", "--json"]).run().stdout;
    let of_the_future = real.replace("callcheck/1", "callcheck/99");
    for text in ["", "{}", "[]", "not json", &real[..real.len() / 2], &of_the_future] {
        let file = scratch_file("report.json", text);
        let file = file.to_str().expect("the path is text");
        assert_usage_error(&text[..text.len().min(40)], &callcheck(&["replay", file]).run(), &["FILE", file]);
        assert_usage_error("standard input", &callcheck(&["replay", "-"]).input(text).run(), &["FILE", "\"-\""]);
    }
}

#[test]
fn commands_that_ask_no_server_check_their_options_too() {
    let report = callcheck(&["demo", "--json"]).run().stdout;
    for command in [&["demo"][..], &["replay", "-"]] {
        for (options, named) in [
            (["--deny", "no-such-cause"], ["--deny", "no-such-cause"]),
            (["--allow", "no-such-cause"], ["--allow", "no-such-cause"]),
            (["--report", "report.pdf"], ["--report", "report.pdf"]),
        ] {
            let run = callcheck(&[command, &options[..]].concat()).input(&report).run();
            assert_usage_error(&format!("{command:?} {options:?}"), &run, &named);
        }
    }
}

#[test]
fn a_fault_or_a_cause_that_nobody_knows_is_refused_by_its_name() {
    let run = callcheck(&["demo", "--fault", "no-such-fault"]).run();
    assert_usage_error("demo", &run, &["--fault", "no-such-fault"]);
    let run = callcheck(&["explain", "no-such-cause"]).run();
    assert_usage_error("explain", &run, &["ID", "no-such-cause"]);
    let run = callcheck(&["completions", "no-such-shell"]).run();
    assert_usage_error("completions", &run, &["SHELL", "no-such-shell"]);
}

// Verdicts and exit codes

#[test]
fn a_server_that_works_ends_in_ok_and_0() {
    let server = TurnServer::start(LabConfig::default());
    let run = callcheck(&["turn", "--ice-servers", "-", "--ca", server.ca(), "--json"]).input(&server.ice_servers(ALL)).run();
    assert_eq!((run.code, run.report().verdict), (Some(0), Verdict::Ok));
    server.await_allocations(|count| count == 0);
}

#[test]
fn each_transport_alone_ends_in_ok_and_0() {
    let server = TurnServer::start(LabConfig::default());
    for transport in ALL {
        let uri = server.uri(*transport);
        let run = callcheck(&["turn", &uri, "--user", "alice", "--password", "north", "--ca", server.ca(), "--json"]).run();
        assert_eq!((run.code, run.report().verdict), (Some(0), Verdict::Ok), "{uri}");
    }
}

#[test]
fn a_server_that_refuses_the_password_ends_in_failed_and_1() {
    let server = TurnServer::start(LabConfig::default());
    let uri = server.uri(Transport::Udp);
    let run = callcheck(&["turn", &uri, "--user", "alice", "--password", "south", "--json"]).run();
    let report = run.report();
    assert_eq!((run.code, report.verdict), (Some(1), Verdict::Failed));
    assert_eq!(ids(&report), ["credentials-rejected"]);
}

#[test]
fn a_root_that_nobody_gave_is_not_trusted() {
    let server = TurnServer::start(LabConfig::default());
    let uri = server.uri(Transport::Tls);
    let run = callcheck(&["turn", &uri, "--user", "alice", "--password", "north", "--json"]).run();
    let report = run.report();
    assert_eq!((run.code, report.verdict), (Some(1), Verdict::Failed));
    assert_eq!(ids(&report), ["tls-untrusted-issuer"]);
}

#[test]
fn a_run_without_credentials_ends_in_inconclusive_and_3() {
    let server = TurnServer::start(LabConfig::default());
    let run = callcheck(&["turn", &server.uri(Transport::Udp), "--json"]).run();
    let report = run.report();
    assert_eq!((run.code, report.verdict), (Some(3), Verdict::Inconclusive));
    let commands: Vec<&str> = report.not_tested.iter().flat_map(|it| &it.next).filter_map(|it| it.command.as_deref()).collect();
    assert_eq!(commands.first(), Some(&"callcheck turn 127.0.0.1 --user NAME --password-file FILE"));
    assert!(commands.iter().any(|command| command.contains("/etc/turnserver.conf")), "{commands:?}");
}

#[test]
fn a_server_in_the_commands_place_is_asked_as_by_turn_and_a_mistyped_command_is_not() {
    let server = TurnServer::start(LabConfig::default());
    let uri = server.uri(Transport::Udp);
    let run = callcheck(&["--json", &uri, "--user", "alice", "--password", "north"]).run();
    let report = run.report();
    assert_eq!((run.code, report.command.as_str(), report.verdict), (Some(0), "turn", Verdict::Ok));
    for mistyped in ["tunr", "explian"] {
        assert_usage_error(mistyped, &callcheck(&[mistyped]).run(), &[mistyped]);
    }
}

#[test]
fn a_stun_server_that_answers_ends_in_ok_and_0() {
    let server = TurnServer::start(LabConfig::default());
    let uri = server.uri(Transport::Udp).replace("turn:", "stun:").replace("?transport=udp", "");
    let run = callcheck(&["stun", &uri, "--json"]).run();
    assert_eq!((run.code, run.report().verdict), (Some(0), Verdict::Ok));
}

#[test]
fn what_works_for_some_ends_in_0_and_with_strict_in_1() {
    let server = TurnServer::start(LabConfig::broken(&[Fault::TurnTcpClosed]));
    let list = server.ice_servers(ALL);
    for (options, code, verdict) in [
        (&[][..], 0, Verdict::Degraded),
        (&["--strict"], 1, Verdict::Degraded),
        (&["--deny", "turn-tcp-closed"], 1, Verdict::Failed),
        (&["--allow", "turn-tcp-closed", "--strict"], 0, Verdict::Ok),
        (&["--deny", "turn-udp-closed"], 0, Verdict::Degraded),
        (&["--allow", "turn-udp-closed", "--strict"], 1, Verdict::Degraded),
    ] {
        let arguments = [&["turn", "--ice-servers", "-", "--ca", server.ca(), "--json"], options].concat();
        let run = callcheck(&arguments).input(&list).run();
        let report = run.report();
        assert_eq!((run.code, report.verdict), (Some(code), verdict), "{options:?}");
        assert_eq!(ids(&report), ["turn-tcp-closed"], "{options:?}");
    }
}

#[test]
fn a_warning_can_be_denied() {
    let run =
        callcheck(&["demo", "--fault", "tls-certificate-expires-soon", "--deny", "tls-certificate-expires-soon", "--json"]).run();
    let report = run.report();
    assert_eq!((run.code, report.verdict, report.findings[0].level), (Some(1), Verdict::Failed, Level::Fail));
}

#[test]
fn a_cause_that_is_allowed_proves_nothing_in_its_place() {
    let run = callcheck(&["demo", "--fault", "credentials-rejected", "--allow", "credentials-rejected", "--json"]).run();
    let report = run.report();
    assert_eq!(report.findings[0].level, Level::Warn);
    assert_eq!((run.code, report.verdict), (Some(3), Verdict::Inconclusive), "nothing went through the relay");
}

// Ending early

#[test]
fn an_interrupted_run_reports_what_it_saw_and_leaves_nothing_behind() {
    let server = TurnServer::start(LabConfig::default());
    let list = server.ice_servers(ALL);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let arguments = ["turn", "--ice-servers", "-", "--ca", server.ca(), "--stream", "40s", "--timeout", "50s", "--json"];
        let run = callcheck(&arguments).input(&list).run_while(|id| {
            server.await_allocations(|count| count > 0);
            kill(id, signal).expect("the program runs");
        });
        let report = run.report();
        assert_eq!((run.code, report.cut_short), (Some(130), Some(CutShort::Interrupted)), "{signal}");
        assert!(!report.observations.is_empty());
        server.await_allocations(|count| count == 0);
    }
}

#[test]
fn a_run_that_reaches_its_bound_reports_what_it_saw_and_leaves_nothing_behind() {
    let server = TurnServer::start(LabConfig::default());
    let arguments = ["turn", "--ice-servers", "-", "--ca", server.ca(), "--stream", "40s", "--timeout", "2s", "--json"];
    let run = callcheck(&arguments).input(&server.ice_servers(ALL)).run();
    let report = run.report();
    assert_eq!(report.cut_short, Some(CutShort::Deadline));
    assert_eq!((run.code, report.verdict), (Some(3), Verdict::Inconclusive));
    assert!(report.duration_ms <= 2000, "the bound holds for the release too: {} ms", report.duration_ms);
    assert!(report.observations.iter().any(|seen| seen.probe == "allocate"), "allocations were made before the bound");
    server.await_allocations(|count| count == 0);
}

// Reports

#[test]
fn a_saved_report_is_diagnosed_to_the_same() {
    for fault in [None, Some("turn-tcp-closed"), Some("relay-ports-exhausted"), Some("tls-name-mismatch")] {
        let file = scratch("report.json");
        let file = file.to_str().expect("the path is text");
        let fault: Vec<&str> = fault.into_iter().flat_map(|id| ["--fault", id]).collect();
        let run = callcheck(&[&["demo", "--report", file, "--json"], &fault[..]].concat()).run();
        let replay = callcheck(&["replay", file, "--json"]).run();
        assert_eq!((replay.code, replay.report()), (run.code, run.report()), "{fault:?}");
        let saved = std::fs::read_to_string(file).expect("the report was written");
        assert_eq!(saved, run.stdout, "{fault:?}");
        let replay = callcheck(&["replay", "-", "--json"]).input(&saved).run();
        assert_eq!(replay.stdout, run.stdout, "{fault:?}");
    }
}

#[test]
fn a_report_has_the_form_of_its_files_suffix() {
    let (json, text) = (scratch("report.json"), scratch("report.txt"));
    for file in [&json, &text] {
        let run = callcheck(&["demo", "--quiet", "--report", file.to_str().expect("the path is text")]).run();
        assert_eq!(run.code, Some(0));
    }
    let json = std::fs::read_to_string(json).expect("the report was written");
    let report: Report = serde_json::from_str(&json).expect("it is JSON");
    let text = std::fs::read_to_string(text).expect("the report was written");
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_err(), "it is text");
    let listed = |text: &str| report.observations.iter().filter(|seen| text.contains(&seen.id)).count();
    assert_eq!(listed(&text), report.observations.len(), "a file has every observation");
}

#[test]
fn a_masked_report_has_no_original_address_or_name() {
    let known = ["203.0.113.10", "2001:db8:77::10", "192.0.2.55", "turn.quokka.test", "other.quokka.test"];
    for fault in ["redirected", "tls-name-mismatch", "turn-tcp-closed", "relay-ports-closed"] {
        let report = as_if_public(&callcheck(&["demo", "--fault", fault, "--json"]).run().report());
        let (original, codes): (String, _) = (json::render(&report), [0, 1, 3]);
        assert!(original.contains(known[0]) && original.contains(known[3]), "the report has what is searched for");
        let file = scratch("masked.txt");
        let file = file.to_str().expect("the path is text");
        for form in [&["--json"][..], &["--verbose"], &["--report", file]] {
            let run = callcheck(&[&["replay", "-", "--mask-addresses"], form].concat()).input(&original).run();
            assert!(run.code.is_some_and(|code| codes.contains(&code)), "{fault} {form:?}: {run:?}");
            let written = std::fs::read_to_string(file).unwrap_or_default();
            for original in known {
                let leaks = |text: &str| text.lines().find(|line| line.contains(original)).map(str::to_owned);
                assert_eq!(leaks(&run.stdout), None, "{fault} {form:?}");
                assert_eq!(leaks(&written), None, "{fault} {form:?}");
            }
        }
    }
}

#[test]
fn a_masked_report_can_be_replayed_with_the_same_findings() {
    let report = as_if_public(&callcheck(&["demo", "--fault", "turn-tcp-closed", "--json"]).run().report());
    let masked = callcheck(&["replay", "-", "--mask-addresses", "--json"]).input(&json::render(&report)).run();
    let again = callcheck(&["replay", "-", "--json"]).input(&masked.stdout).run();
    assert_eq!((again.code, ids(&again.report())), (masked.code, ids(&masked.report())));
    assert!(!ids(&again.report()).is_empty());
}

/// A host's name may be a word that reports use for other things.
#[test]
fn masking_a_host_that_is_called_like_a_word_of_the_report_keeps_the_report() {
    for name in ["turn", "udp", "failed", "host"] {
        let mut report = callcheck(&["demo", "--json"]).run().report();
        report.asked.services[0].host = callcheck::model::target::Host::Name(name.to_owned());
        let run = callcheck(&["replay", "-", "--mask-addresses", "--json"]).input(&json::render(&report)).run();
        let masked = run.report();
        assert_eq!((masked.command.as_str(), masked.asked.purpose), ("demo", report.asked.purpose), "{name}");
        assert_ne!(masked.asked.services[0].host, report.asked.services[0].host);
    }
}

/// The report as one about a server with public addresses and a name; loopback addresses are not masked.
fn as_if_public(report: &Report) -> Report {
    let mut text = json::render(report).replace("127.0.0.1", "203.0.113.10").replace("127.0.0.2", "192.0.2.55");
    text = text.replace("other.example", "other.quokka.test");
    let mut report: Report = serde_json::from_str(&text).expect("an address was replaced by an address");
    let named = callcheck::model::target::Host::Name("turn.quokka.test".to_owned());
    report.asked.services[1].host = named;
    let addresses = vec!["203.0.113.10".parse().expect("an address")];
    let fact = Fact::Name(NameFact { answer: NameAnswer::Found, addresses, services: Vec::new() });
    let target = "turn.quokka.test".to_owned();
    report.observations.push(Observation { id: "o999".to_owned(), probe: "name".to_owned(), target, at_ms: 0, fact });
    report.contacted.push("[2001:db8:77::10]:3478/udp".to_owned());
    report
}

#[test]
fn the_report_goes_to_stdout_and_nothing_else_does() {
    let run = callcheck(&["demo"]).run();
    assert!(run.stdout.lines().next().is_some_and(|line| line.to_lowercase().contains("ok")), "{}", run.stdout);
    assert_eq!(run.stderr, "", "stderr is no terminal, so there is no progress");
    let run = callcheck(&["demo", "--format", "json"]).run();
    assert_eq!((run.report().verdict, run.stderr.as_str()), (Verdict::Ok, ""));
}

#[test]
fn a_quiet_run_says_the_verdict_alone() {
    let run = callcheck(&["demo", "--quiet"]).run();
    assert_eq!((run.code, run.stdout.lines().count(), run.stderr.as_str()), (Some(0), 1, ""));
}

#[test]
fn colours_are_for_terminals_or_for_whoever_asks() {
    let is_colored = |run: &Run| run.stdout.contains('\u{1b}');
    assert!(!is_colored(&callcheck(&["demo"]).run()));
    assert!(!is_colored(&callcheck(&["demo"]).variable("CLICOLOR_FORCE", "1").variable("NO_COLOR", "1").run()));
    assert!(!is_colored(&callcheck(&["demo", "--color", "never"]).run()));
    // An option counts more than the environment.
    assert!(is_colored(&callcheck(&["demo", "--color", "always"]).variable("NO_COLOR", "1").run()));
    let file = scratch("report.txt");
    callcheck(&["demo", "--color", "always", "--report", file.to_str().expect("the path is text")]).run();
    assert!(!std::fs::read_to_string(file).expect("the report was written").contains('\u{1b}'));
}

// What needs no network

#[test]
fn every_cause_can_be_explained() {
    for cause in table::named() {
        let run = callcheck(&["explain", cause.id]).run();
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        assert!(run.stdout.starts_with(cause.id));
    }
}

#[test]
fn the_list_of_causes_is_json_where_asked() {
    let run = callcheck(&["explain", "--list", "--json"]).run();
    let causes: Vec<serde_json::Value> = serde_json::from_str(&run.stdout).expect("it is JSON");
    let listed: Vec<&str> = causes.iter().filter_map(|cause| cause["id"].as_str()).collect();
    assert_eq!(listed, table::named().map(|cause| cause.id).collect::<Vec<_>>());
    assert_eq!(run.code, Some(0));
}

#[test]
fn help_and_version_go_to_stdout_and_end_in_0() {
    for arguments in [&["--help"][..], &["--version"], &["turn", "--help"], &["help", "turn"]] {
        let run = callcheck(arguments).run();
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(!run.stdout.is_empty());
    }
    assert_eq!(callcheck::<&str>(&[]).run().code, Some(2));
}

fn ids(report: &Report) -> Vec<&str> {
    report.findings.iter().map(|finding| finding.id.as_str()).collect()
}

/// A configuration with that text, away from what the user of this machine may have.
fn configured(text: &str) -> std::path::PathBuf {
    scratch_file("callcheck.toml", text)
}

#[test]
fn a_call_that_is_not_configured_is_refused_by_what_is_missing() {
    let nothing = configured("");
    let nothing = nothing.to_str().expect("the path is text");
    assert_usage_error("no gateway", &callcheck(&["call", "--config", nothing]).run(), &["--signaling", "signaling.url"]);
    let no_chat = ["call", "--config", nothing, "--signaling", "http://127.0.0.1:1"];
    assert_usage_error("no chat", &callcheck(&no_chat).run(), &["--chat-id", "signaling.chat_id"]);
    for url in [
        "chat.example.org",
        "ftp://127.0.0.1:1",
        "http://me:secret@127.0.0.1:1",
        "ftp://me:secret@127.0.0.1:1",
        "http://me:secret@[127",
    ] {
        let run = callcheck(&["call", "--config", nothing, "--chat-id", "42", "--signaling", url]).run();
        assert_usage_error(url, &run, &["--signaling"]);
        assert!(!run.stderr.contains("secret"), "{}", run.stderr);
    }
    assert_usage_error(
        "a file that isn't there",
        &callcheck(&["call", "--config", "/nowhere/callcheck.toml"]).run(),
        &["--config"],
    );
}

/// Keys of a configuration that is right otherwise, each with what has to be named.
const WRONG_KEYS: &[(&str, &[&str])] = &[
    ("polici = 'all'", &["polici"]),
    ("policy = 'often'", &["policy", "often"]),
    ("policy = 7", &["policy", "7"]),
    ("duration = 'soon'", &["duration", "soon"]),
    ("duration = 3", &["duration", "3"]),
    ("ice_servers = 'turn:turn.example.org'", &["ice_servers"]),
    ("ice_servers = [ { urls = 7 } ]", &["ice_servers"]),
    ("ice_servers = [ { urls = 'https://turn.example.org' } ]", &["ice_servers", "https://turn.example.org"]),
    ("ice_servers = [ { urls = 'turn:a.example:0' } ]", &["ice_servers", "a.example:0"]),
    (
        "ice_servers = [ { urls = 'turn:a.example', credential_env = 'CALLCHECK_NOT_SET' } ]",
        &["credential_env", "CALLCHECK_NOT_SET"],
    ),
    (
        "ice_servers = [ { urls = 'turn:a.example', credential_file = '/nowhere/password' } ]",
        &["credential_file", "/nowhere/password"],
    ),
    ("signaling.uri = 'http://127.0.0.1:1'", &["signaling.uri"]),
    ("signaling.url = 7", &["signaling.url"]),
    ("signaling.url = 'chat.example.org'", &["signaling.url", "chat.example.org"]),
    ("signaling.url = 'ftp://chat.example.org'", &["signaling.url", "ftp://chat.example.org"]),
    ("signaling.chat_id = true", &["signaling.chat_id", "true"]),
    ("signaling.chat_id = ''", &["signaling.chat_id", "\"\""]),
    ("signaling.chat_id = [42]", &["signaling.chat_id", "[42]"]),
    ("signaling.path = 7", &["signaling.path", "7"]),
    ("signaling.namespace = []", &["signaling.namespace"]),
    ("signaling.transports = 'smoke'", &["signaling.transports", "smoke"]),
    ("signaling.origin = 'app'", &["signaling.origin", "app"]),
    ("signaling.headers = 'X'", &["signaling.headers"]),
    ("signaling.headers = { 'a b' = 'x' }", &["signaling.headers", "a b"]),
    ("signaling.headers = { X = [] }", &["signaling.headers.X"]),
    ("signaling.query = { X = {} }", &["signaling.query.X"]),
    ("signaling.query = { X_env = 'CALLCHECK_NOT_SET' }", &["signaling.query.X_env", "CALLCHECK_NOT_SET"]),
    ("signaling.caller.auth = 'north'", &["signaling.caller.auth"]),
    ("signaling.caller.auht = {}", &["signaling.caller.auht"]),
    ("signaling.caller.auth = { token_env = 7 }", &["signaling.caller.auth.token_env", "7"]),
    ("signaling.caller.auth = { token_env = 'CALLCHECK_NOT_SET' }", &["signaling.caller.auth.token_env", "CALLCHECK_NOT_SET"]),
    ("signaling.callee.auth = { token_file = '/nowhere/token' }", &["signaling.callee.auth.token_file", "/nowhere/token"]),
    ("signaling.events.ringing = 'x'", &["signaling.events.ringing", "x"]),
    ("signaling.events.end = ''", &["signaling.events.end", "\"\""]),
    ("signaling.events.end = 7", &["signaling.events.end", "7"]),
    ("signaling.keys.room = 'x'", &["signaling.keys.room", "x"]),
    ("signaling.keys.offer = ''", &["signaling.keys.offer", "\"\""]),
    ("policy = 'all", &["--config", "line 1"]),
];

#[test]
fn a_configuration_that_is_wrong_is_refused_by_key_and_value_and_nothing_is_sent() {
    let (gateway, turn) = (Untouched::new(), Untouched::new());
    let url = format!("http://{}", gateway.tcp.local_addr().expect("a bound socket has an address"));
    for (wrong, named) in WRONG_KEYS {
        let key = wrong.split(' ').next().unwrap_or_default();
        let right = [
            ("ice_servers", format!("ice_servers = [ {{ urls = {:?} }} ]", turn.uris())),
            ("signaling.url", format!("signaling.url = '{url}'")),
            ("signaling.chat_id", "signaling.chat_id = 42".to_owned()),
        ];
        let right: Vec<String> = right.into_iter().filter(|(known, _)| *known != key).map(|(_, line)| line).collect();
        let file = configured(&format!("{wrong}\n{}\n", right.join("\n")));
        let run = callcheck(&["call", "--config", file.to_str().expect("the path is text")]).run();
        assert_usage_error(wrong, &run, named);
        assert!(!run.stderr.contains("north"), "{wrong}: {}", run.stderr);
    }
    assert!(!gateway.was_asked() && !turn.was_asked(), "nothing is sent before the configuration is right");
}
