//! A list of ICE servers that a web server gives out: where it comes from, what it may not cost, and how its absence is told.

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use callcheck::lab::fault::Fault;
use callcheck::lab::host::LabConfig;
use callcheck::model::endpoint::Transport;
use callcheck::model::report::Verdict;

use child::{Program, Run, callcheck};
use turn_server::TurnServer;
use web_server::{WebServer, json, redirection};

#[path = "program/child.rs"]
mod child;
#[path = "program/turn_server.rs"]
mod turn_server;
#[path = "program/web_server.rs"]
mod web_server;

/// What must never be shown.
const SECRET: &str = "quokka";

/// A list of a server that must not be asked anything.
const UNASKED: &str = r#"[{"urls": "turn:127.0.0.1:9?transport=udp", "username": "alice", "credential": "quokka"}]"#;

fn turn(url: &str) -> Program {
    callcheck(&["turn", "--ice-servers", url, "--json"])
}

/// Asserts that the run ended as a usage error that names the option, this shown URL and what happened in its first line.
fn assert_refused(run: &Run, shown: &str, why: &str) {
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
    let first = run.stderr.lines().next().unwrap_or_default();
    for part in ["--ice-servers", &format!("{shown:?}"), why] {
        assert!(first.contains(part), "{first:?} doesn't say {part}");
    }
    assert!(!run.stderr.contains(SECRET), "{}", run.stderr);
}

#[test]
fn a_list_is_fetched_and_its_servers_are_tested() {
    let server = TurnServer::start(LabConfig::default());
    let web = WebServer::saying(json(&server.ice_servers(&[Transport::Udp])));
    let run = turn(&web.url("/ice?ttl=60")).run();
    let report = run.report();
    assert_eq!((run.code, report.verdict), (Some(0), Verdict::Ok));
    assert!(report.contacted.contains(&format!("{}/tcp", web.address())), "{:?}", report.contacted);
    let heads = web.heads();
    assert_eq!(heads.len(), 1);
    assert!(heads[0].starts_with("GET /ice?ttl=60 HTTP/1.1\r\n") && !heads[0].contains("authorization"), "{heads:?}");
    server.await_allocations(|count| count == 0);
}

#[test]
fn a_list_is_fetched_over_tls_from_whom_a_given_root_vouches_for() {
    let server = TurnServer::start(LabConfig::default());
    let list = json(&server.ice_servers(&[Transport::Udp]));
    let web = WebServer::secure(&[], move |_, client| client.write_all(list.as_bytes()));
    let run = callcheck(&["external-ip", "--ice-servers", &web.url("/"), "--ca", web.ca(), "--json"]).run();
    assert_eq!((run.code, run.report().verdict), (Some(0), Verdict::Ok));
}

#[test]
fn a_web_server_that_is_not_to_be_trusted_is_asked_for_nothing() {
    for (faults, given, why) in [
        (&[][..], false, "the certificate of 127.0.0.1 is from an untrusted issuer"),
        (&[Fault::TlsCertificateExpired], true, "the certificate of 127.0.0.1 is expired"),
        (&[Fault::TlsNameMismatch], true, "the certificate of 127.0.0.1 is for another name"),
        (&[Fault::TlsUntrustedIssuer], true, "the certificate of 127.0.0.1 is from an untrusted issuer"),
    ] {
        let web = WebServer::secure(faults, |_, client| client.write_all(json(UNASKED).as_bytes()));
        let trust = if given { vec!["--ca", web.ca()] } else { Vec::new() };
        let run = callcheck(&[&["turn", "--ice-servers", &web.url("/")], &trust[..]].concat())
            .variable("CALLCHECK_ICE_SERVERS_TOKEN", SECRET)
            .run();
        assert_refused(&run, &web.url("/"), why);
        assert!(web.heads().is_empty(), "{faults:?}");
    }
}

#[test]
fn a_token_of_the_environment_is_sent_and_never_shown() {
    let web = WebServer::start(|head, client| {
        let known = head.contains("\r\nauthorization: Bearer quokka\r\n");
        client.write_all(if known { json(UNASKED) } else { "HTTP/1.1 401 Unauthorized\r\n\r\n".to_owned() }.as_bytes())
    });
    let url = web.url("/");
    let quick = ["turn", "--ice-servers", &url, "--timeout", "1s"];
    let run = callcheck(&quick).run();
    assert_refused(&run, &url, "status 401");
    assert!(run.stderr.lines().nth(1).is_some_and(|hint| hint.contains("CALLCHECK_ICE_SERVERS_TOKEN")), "{}", run.stderr);
    let run = callcheck(&[&quick[..], &["--json"]].concat()).variable("CALLCHECK_ICE_SERVERS_TOKEN", SECRET).run();
    assert!(run.report().contacted.contains(&"127.0.0.1:9/udp".to_owned()), "the list was read");
    assert!(!run.stdout.contains(SECRET) && !run.stderr.contains(SECRET));
    let run = callcheck(&quick).variable("CALLCHECK_ICE_SERVERS_TOKEN", "quokka\nquokka").run();
    assert_refused(&run, &url, "CALLCHECK_ICE_SERVERS_TOKEN");
}

#[test]
fn a_login_in_the_url_is_sent_and_neither_it_nor_the_query_is_shown() {
    let web = WebServer::saying("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let url = format!("http://alice:{SECRET}%40@{}/ice?key={SECRET}#{SECRET}", web.address());
    let run = turn(&url).variable("CALLCHECK_ICE_SERVERS_TOKEN", SECRET).run();
    assert_refused(&run, &web.url("/ice?…"), "status 403");
    // The words of `alice:quokka@` in base64.
    assert!(web.heads()[0].contains("\r\nauthorization: Basic YWxpY2U6cXVva2thQA==\r\n"), "{:?}", web.heads());
    let run = turn(&format!("https://alice:{SECRET}@[::1")).run();
    assert_refused(&run, "https://…", "no URL");
}

#[test]
fn redirections_are_followed_and_only_the_first_origin_sees_the_token() {
    let server = TurnServer::start(LabConfig::default());
    let last = WebServer::saying(json(&server.ice_servers(&[Transport::Udp])));
    let elsewhere = redirection(&last.url("/list"));
    let first = WebServer::start(move |head, client| {
        client.write_all(if head.starts_with("GET /a/b ") { redirection("../c") } else { elsewhere.clone() }.as_bytes())
    });
    let run = turn(&first.url("/a/b")).variable("CALLCHECK_ICE_SERVERS_TOKEN", SECRET).run();
    let report = run.report();
    assert_eq!((run.code, report.verdict), (Some(0), Verdict::Ok));
    for web in [&first, &last] {
        assert!(report.contacted.contains(&format!("{}/tcp", web.address())), "{:?}", report.contacted);
    }
    assert!(first.heads().iter().all(|head| head.contains(SECRET)), "{:?}", first.heads());
    assert!(first.heads()[1].starts_with("GET /c ") && !last.heads()[0].contains(SECRET), "{:?}", last.heads());
}

#[test]
fn redirections_without_end_or_aim_are_not_followed() {
    let circle = WebServer::saying(redirection("/again?key=quokka"));
    let run = turn(&circle.url("/")).run();
    assert_refused(&run, &circle.url("/"), "redirects more than 5 times");
    assert_eq!(circle.heads().len(), 6);
    for (to, why) in [("", "/"), ("ftp://127.0.0.1/", "nowhere"), ("file:///etc/passwd", "nowhere"), ("http://[", "nowhere")] {
        let web = WebServer::saying(redirection(to));
        assert_refused(&turn(&web.url("/")).run(), &web.url("/"), why);
    }
    let nowhere = WebServer::saying("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n");
    assert_refused(&turn(&nowhere.url("/")).run(), &nowhere.url("/"), "nowhere");
}

#[test]
fn a_redirection_out_of_tls_is_not_followed() {
    let plain = WebServer::saying(json(UNASKED));
    let to = redirection(&plain.url("/"));
    let web = WebServer::secure(&[], move |_, client| client.write_all(to.as_bytes()));
    let run = callcheck(&["turn", "--ice-servers", &web.url("/"), "--ca", web.ca()]).run();
    assert_refused(&run, &web.url("/"), "from https: to http:");
    assert!(plain.heads().is_empty());
}

#[test]
fn an_answer_that_is_no_list_is_told_by_what_it_is() {
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n{}", "x".repeat(1_048_577));
    let flood = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(100_000));
    for (answer, why) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(), "status 404"),
        ("HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n".to_owned(), "status 405"),
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n".to_owned(), "status 503"),
        ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), "status 204"),
        (json("<html>Sign in</html>"), "not JSON"),
        (json(""), "not JSON"),
        (json(r#"{"error": "quokka"}"#), "not a list of iceServers"),
        (json(r#"{"v": {"iceServers": {"urls": "https://turn.example"}}}"#), "https://turn.example"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n[]".to_owned(), "ended before the answer was whole"),
        (String::new(), "closes the connection without an answer"),
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), "SSH, not HTTP/1.1"),
        (long, "longer than 1 MiB"),
        (flood, "broken"),
    ] {
        let web = WebServer::saying(answer);
        assert_refused(&turn(&web.url("/ice")).run(), &web.url("/ice"), why);
    }
}

#[test]
fn a_server_that_is_not_there_is_told_by_how() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("loopback has free ports");
    let url = format!("http://{closed}/");
    assert_refused(&turn(&url).run(), &url, "refused");
    let run = turn(&url).variable("HTTPS_PROXY", "http://alice:quokka@127.0.0.1:9").run();
    assert_refused(&run, &url, "refused");
    assert!(run.stderr.lines().nth(1).is_some_and(|hint| hint.contains("proxy")), "{}", run.stderr);
    let run = callcheck(&["turn", "-6", "--ice-servers", &url]).run();
    assert_refused(&run, &url, "127.0.0.1 has no IPv6 address");
}

/// A server that takes connections and does nothing in time is given up at `--timeout`.
#[test]
fn a_server_that_is_too_slow_is_given_up_in_time() {
    let silent = WebServer::start(|_, _| wait_for_ever());
    let stalled = WebServer::start(|_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n[")?;
        client.flush()?;
        wait_for_ever()
    });
    let dripping = WebServer::start(|_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n[")?;
        loop {
            client.write_all(b" ")?;
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    for (web, why) in [(silent, "not answered the request within 300ms"), (stalled, "not ended"), (dripping, "not ended")] {
        let run = callcheck(&["turn", "--ice-servers", &web.url("/"), "--timeout", "300ms"]).run();
        assert_refused(&run, &web.url("/"), why);
    }
}

fn wait_for_ever() -> std::io::Result<()> {
    loop {
        std::thread::park();
    }
}

#[test]
fn an_answer_without_end_is_cut() {
    let web = WebServer::start(|_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        loop {
            client.write_all(&[b' '; 4096])?;
        }
    });
    assert_refused(&turn(&web.url("/")).run(), &web.url("/"), "longer than 1 MiB");
}

#[test]
fn where_the_list_is_refused_no_server_in_it_is_asked() {
    let server = UdpSocket::bind("127.0.0.1:0").expect("loopback has free ports");
    server.set_nonblocking(true).expect("a socket can be made so");
    let address = server.local_addr().expect("a bound socket has an address");
    let list = format!(r#"{{"v": [{{"urls": "turn:{address}?transport=udp"}}, {{"urls": "quokka:{address}"}}]}}"#);
    let web = WebServer::saying(json(&list.replace("quokka", "https")));
    assert_refused(&turn(&web.url("/")).run(), &web.url("/"), "https:");
    assert!(server.recv(&mut [0; 1]).is_err());
}

#[test]
fn a_wrong_option_is_told_before_the_web_server_is_asked() {
    let web = WebServer::saying(json(UNASKED));
    let gone = turn_server::scratch("gone.pem");
    let gone = gone.to_str().expect("the path is text");
    for options in [["--ca", gone], ["--bind", "nowhere0"], ["--report", "report.pdf"], ["--deny", "no-such-cause"]] {
        let run = callcheck(&[&["turn", "--ice-servers", &web.url("/")], &options[..]].concat()).run();
        assert_eq!(run.code, Some(2));
        assert!(run.stderr.lines().next().is_some_and(|line| line.contains(options[0])), "{}", run.stderr);
    }
    assert!(web.heads().is_empty());
}
