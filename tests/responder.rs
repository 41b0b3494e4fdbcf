//! `responder` and `ports --responder` on loopback: what hostile senders get, what a responder that lies or replays comes to, how both end.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use callcheck::model::fact::{Fact, PortProtocol, PortsFact};
use callcheck::model::ports::{PortRange, PortSet};
use callcheck::model::report::{Report, Verdict};
use callcheck::model::secret::Secret;
use callcheck::proto::responder::{Answer, Content, Question, Request, Token};
use nix::sys::signal::{Signal, kill};

use child::{Program, Run, callcheck};
use responding::{Responding, TOKEN};
use turn_server::{scratch, scratch_file};

#[path = "program/child.rs"]
mod child;
#[path = "program/responding.rs"]
mod responding;
#[path = "program/turn_server.rs"]
mod turn_server;

const NONCE: [u8; 16] = *b"nonce-of-a-test!";

fn token(text: &str) -> Token {
    Token::new(&Secret::new(text)).expect("long enough")
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_secs()).expect("it is before the end of time")
}

fn request(question: Question, port: u16, time: i64, token: &Token) -> Vec<u8> {
    Request { question, port, time, nonce: NONCE }.sealed(token)
}

/// Sweeps a range against a responder; `more` are further arguments.
fn sweep(responder: SocketAddr, range: PortRange, token: &str, more: &[&str]) -> Run {
    sweeping(responder, range, token, more).run()
}

fn sweeping(responder: SocketAddr, range: PortRange, token: &str, more: &[&str]) -> Program {
    let file = scratch_file("token", &format!("{token}\n"));
    let (responder, range) = (responder.to_string(), range.to_string());
    let host = responder.rsplit_once(':').expect("it has a port").0;
    let file = file.to_str().expect("the path is text");
    let arguments =
        ["ports", host, "--responder", &responder, "--range", &range, "--token-file", file, "--json", "--timeout", "6s"];
    callcheck(&[&arguments, more].concat())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
fn ports(report: &Report, proto: PortProtocol) -> Option<PortsFact> {
    report.observations.iter().find_map(|seen| match &seen.fact {
        Fact::Ports(fact) if fact.proto == proto => Some(fact.clone()),
        _ => None,
    })
}

fn set(range: PortRange) -> PortSet {
    range.iter().collect()
}

// What senders get

#[test]
fn without_the_token_no_byte_comes_back_and_with_it_no_more_than_was_sent() {
    let responder = Responding::start(&[]);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has free ports");
    let (right, wrong) = (token(TOKEN), token("a token of somebody else"));
    let port = responder.range.first();
    let to = SocketAddr::new([127, 0, 0, 1].into(), port);
    let mut altered = request(Question::Probe { attempt: 0 }, port, now(), &right);
    *altered.last_mut().expect("it has bytes") ^= 1;
    let nothing = [
        Vec::new(),
        vec![0; 1],
        vec![0xff; 1400],
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        request(Question::Probe { attempt: 0 }, port, now(), &wrong),
        request(Question::UdpTaken { part: 0 }, port, now(), &wrong),
        altered,
        request(Question::Probe { attempt: 0 }, port, now(), &right)[..30].to_vec(),
    ];
    for (number, bytes) in nothing.iter().enumerate() {
        socket.send_to(bytes, to).expect("loopback takes it");
        // The answer to this one comes after the one to the last, if there were one.
        let question = Question::Probe { attempt: u16::try_from(number).expect("few") };
        let asked = request(question, port, now(), &right);
        socket.send_to(&asked, to).expect("loopback takes it");
        let mut buffer = [0; 2000];
        let (length, from) = socket.recv_from(&mut buffer).expect("a right request is answered");
        let answer = Answer::read(&buffer[..length], &NONCE, &right).expect("the answer proves the token");
        assert_eq!((answer.question, answer.arrived, from), (question, port, to), "after {bytes:?}");
        assert!(length <= asked.len());
    }
    let old = request(Question::Probe { attempt: 0 }, port, now() - 3600, &right);
    socket.send_to(&old, to).expect("loopback takes it");
    let mut buffer = [0; 2000];
    let length = socket.recv(&mut buffer).expect("an old request is told the time");
    let answer = Answer::read(&buffer[..length], &NONCE, &right).expect("the answer proves the token");
    assert_eq!(answer.content, Content::Stale);
    assert!(length <= old.len() && answer.time.abs_diff(now()) < 5);
}

#[test]
fn a_connection_without_the_token_ends_without_a_byte() {
    let responder = Responding::start(&[]);
    let wrong = token("a token of somebody else");
    for bytes in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        request(Question::UdpTaken { part: 0 }, responder.listen.port(), now(), &wrong),
        b"ccpr\x01\x01\xff\xff".to_vec(),
    ] {
        let mut stream = TcpStream::connect(responder.listen).expect("it listens");
        stream.write_all(&bytes).expect("it reads");
        let mut answer = Vec::new();
        // A reset is an end as well.
        _ = stream.read_to_end(&mut answer);
        assert_eq!(answer, b"", "{bytes:?}");
    }
}

#[test]
fn connections_that_say_nothing_keep_nobody_out() {
    let responder = Responding::start(&[]);
    let _idle: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(responder.listen).expect("it listens")).collect();
    let report = sweep(responder.listen, responder.range, TOKEN, &["--tcp"]).report();
    assert_eq!(report.verdict, Verdict::Ok, "{report:?}");
    assert_eq!(ports(&report, PortProtocol::Tcp).expect("TCP was swept").open, set(responder.range));
}

#[test]
fn a_flood_of_garbage_hides_no_port() {
    let responder = Responding::start(&[]);
    let range = responder.range;
    let flood = std::thread::spawn(move || {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has free ports");
        let until = Instant::now() + Duration::from_millis(700);
        while Instant::now() < until {
            for port in range.iter() {
                _ = socket.send_to(&[0x55; 52], ("127.0.0.1", port));
            }
        }
    });
    let report = sweep(responder.listen, range, TOKEN, &[]).report();
    flood.join().expect("a flood ends");
    assert_eq!(ports(&report, PortProtocol::Udp).expect("UDP was swept").open, set(range));
}

// How it ends

#[test]
fn it_ends_by_itself_when_its_time_is_up() {
    let begun = Instant::now();
    let ended = Responding::start(&["--for", "1s"]).wait();
    assert_eq!(ended.code, Some(0));
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert!(ended.stdout.contains("ended, the 1s are over: 0 requests answered"), "{}", ended.stdout);
}

#[test]
fn it_ends_well_when_somebody_ends_it() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let ended = Responding::start(&[]).end_by(signal);
        assert_eq!(ended.code, Some(0), "{signal}");
        assert!(ended.stdout.contains("ended, interrupted"), "{}", ended.stdout);
    }
}

#[test]
fn it_says_which_ports_others_have_and_never_its_token() {
    let range = responding::free_range();
    let held = UdpSocket::bind(("127.0.0.1", range.first() + 3)).expect("it was free");
    let responder = Responding::start_on(range, &[]);
    let report = sweep(responder.listen, range, TOKEN, &[]);
    let fact = ports(&report.report(), PortProtocol::Udp).expect("UDP was swept");
    let ended = responder.end_by(Signal::SIGINT);
    assert!(ended.stdout.contains(&format!("taken by other programs: {}", range.first() + 3)), "{}", ended.stdout);
    assert_eq!(fact.unknown, [range.first() + 3].into_iter().collect());
    for text in [&ended.stdout, &ended.stderr, &report.stdout, &report.stderr] {
        assert!(!text.contains(TOKEN));
    }
    drop(held);
}

#[test]
fn too_few_descriptors_are_named_with_what_mends_them() {
    let file = scratch_file("token", TOKEN);
    let program = format!(
        "ulimit -n 2000; exec {} responder --listen 127.0.0.1:{} --range 20000-29999 --token-file {}",
        env!("CARGO_BIN_EXE_callcheck"),
        responding::free_range().first(),
        file.display()
    );
    let run = std::process::Command::new("sh").args(["-c", &program]).output().expect("there is a shell");
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(2), "{stderr}");
    let (first, rest) = stderr.split_once('\n').expect("a hint follows");
    assert!(first.contains("--range") && first.contains("20000-29999") && first.contains("2000"), "{first}");
    assert!(rest.contains("ulimit -n 10602") && rest.contains("LimitNOFILE=10602"), "{rest}");
}

// Responders that lie

/// A responder of the test's own: what it answers to a request that proves the token, or nothing.
fn impostor(answer: impl Fn(&Request, u16) -> Option<Vec<u8>> + Send + Sync + 'static) -> (SocketAddr, PortRange) {
    let range = responding::free_range();
    let answer = std::sync::Arc::new(answer);
    // They end with the process.
    for port in range.iter() {
        let socket = UdpSocket::bind(("127.0.0.1", port)).expect("it was free");
        let answer = std::sync::Arc::clone(&answer);
        std::thread::spawn(move || {
            let mut buffer = [0; 2000];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let request = Request::read(&buffer[..length], &token(TOKEN));
                if let Some(bytes) = request.and_then(|request| answer(&request, port)) {
                    _ = socket.send_to(&bytes, from);
                }
            }
        });
    }
    (SocketAddr::new([127, 0, 0, 1].into(), range.first()), range)
}

fn answer_of(request: &Request, arrived: u16) -> Answer {
    Answer { question: request.question, asked: request.port, arrived, time: now(), content: Content::Arrived }
}

fn assert_untested(run: &Run, words: &str) {
    let report = run.report();
    assert_eq!((run.code, report.verdict), (Some(3), Verdict::Inconclusive), "{report:?}");
    assert_eq!(report.findings, []);
    assert_eq!(ports(&report, PortProtocol::Udp), None);
    let why = report.not_tested.iter().find(|entry| entry.what.contains("by its responder")).map(|entry| entry.why.as_str());
    assert!(why.is_some_and(|why| why.contains(words)), "{why:?}");
}

#[test]
fn a_replayed_answer_is_not_believed() {
    let (responder, range) = impostor(|request, port| Some(answer_of(request, port).sealed(&NONCE, &token(TOKEN))));
    assert_untested(&sweep(responder, range, TOKEN, &[]), "does not prove the token");
}

#[test]
fn an_answer_by_another_token_is_not_believed() {
    let other = "a token of somebody else";
    let (responder, range) = impostor(move |request, port| Some(answer_of(request, port).sealed(&request.nonce, &token(other))));
    assert_untested(&sweep(responder, range, TOKEN, &[]), "does not prove the token");
}

#[test]
fn a_request_that_is_thrown_back_is_not_believed() {
    let (responder, range) = impostor(|request, _| Some(request.sealed(&token(TOKEN))));
    assert_untested(&sweep(responder, range, TOKEN, &[]), "does not prove the token");
}

/// A responder whose time is another; the function gives it for the time of a request.
fn at_another_time(time: fn(i64) -> i64) -> (SocketAddr, PortRange) {
    impostor(move |request, port| {
        let stale = Answer { time: time(request.time), content: Content::Stale, ..answer_of(request, port) };
        Some(stale.sealed(&request.nonce, &token(TOKEN)))
    })
}

#[test]
fn a_right_token_at_a_wrong_time_is_told_in_one_line() {
    for ((responder, range), words) in [
        (at_another_time(|time| time + 7 * 60), "the responder's clock is about 7m ahead of this host's"),
        (at_another_time(|time| time - 65 * 60), "the responder's clock is about 1h 5m behind this host's"),
        (at_another_time(|_| i64::MIN), "behind this host's, and it answers nothing"),
        (at_another_time(|_| i64::MAX), "ahead of this host's, and it answers nothing"),
    ] {
        assert_untested(&sweep(responder, range, TOKEN, &[]), words);
    }
}

#[test]
fn a_responder_with_another_token_is_told_by_its_closed_connection() {
    let responder = Responding::start(&[]);
    assert_untested(&sweep(responder.listen, responder.range, "not the token of that one", &[]), "another token");
}

#[test]
fn nothing_at_all_is_told_as_that() {
    let range = responding::free_range();
    let nowhere = SocketAddr::new([127, 0, 0, 1].into(), range.first());
    assert_untested(&sweep(nowhere, range, TOKEN, &[]), "nothing listens there");
}

#[test]
fn a_listener_that_swallows_everything_ends_the_run_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = listener.local_addr().expect("it is bound");
    let _silent = UdpSocket::bind(address).expect("nobody has it for UDP");
    let begun = Instant::now();
    let run = sweep(address, responding::free_range(), TOKEN, &[]);
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_untested(&run, "it is no responder");
}

#[test]
fn an_interrupted_sweep_tells_what_it_knows() {
    let responder = Responding::start(&[]);
    // Over UDP at a pace that takes some seconds.
    let rate = (responder.range.count() / 4).max(1).to_string();
    let run = sweeping(responder.listen, responder.range, TOKEN, &["--rate", &rate]).run_while(|id| {
        sleep(Duration::from_millis(1500));
        kill(id, Signal::SIGINT).expect("it still runs");
    });
    let report = run.report();
    let ports = ports(&report, PortProtocol::Udp).expect("the sweep is told");
    assert_eq!(report.verdict, Verdict::Inconclusive);
    assert!(!ports.open.is_empty() && !ports.unknown.is_empty() && ports.closed.is_empty(), "{ports:?}");
}

#[test]
fn a_nat_that_moves_ports_is_told_and_makes_no_port_open() {
    let (responder, range) = impostor(|request, port| match request.question {
        Question::Probe { .. } => Some(answer_of(request, port + 1).sealed(&request.nonce, &token(TOKEN))),
        Question::UdpTaken { .. } | Question::TcpTaken { .. } => {
            let range = PortRange::new(1, 65_535).expect("a range");
            let content =
                callcheck::proto::responder::Description { range, tcp: false, ends_in_s: 60, parts: 1, taken: Vec::new() };
            let answer = Answer { content: Content::Description(content), ..answer_of(request, port) };
            Some(answer.sealed(&request.nonce, &token(TOKEN)))
        }
    });
    let run = sweep(responder, range, TOKEN, &[]);
    let report = run.report();
    let fact = ports(&report, PortProtocol::Udp).expect("UDP was swept");
    assert!(fact.open.is_empty() && fact.closed.is_empty());
    assert_eq!(fact.moved, set(range));
    let findings: Vec<String> = report.findings.iter().map(|finding| finding.claim()).collect();
    assert_eq!((findings.as_slice(), report.verdict), (&["relay-nat-remaps-ports fail certain".to_owned()][..], Verdict::Failed));
}

/// Wherever `scratch` puts it, a report of a sweep is replayed with the same verdict.
#[test]
fn a_saved_report_is_diagnosed_alike() {
    let responder = Responding::start(&[]);
    let file = scratch("report.json");
    let file = file.to_str().expect("the path is text");
    let run = sweep(responder.listen, responder.range, TOKEN, &["--report", file]);
    let again = callcheck(&["replay", file, "--json"]).run();
    assert_eq!((run.code, again.code), (Some(0), Some(0)));
    assert_eq!(run.report(), again.report());
}
