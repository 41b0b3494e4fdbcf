//! What must never be shown: passwords, shared secrets, user names, nonces. Every output of every run is searched for them.

use std::net::UdpSocket;
use std::path::Path;

use callcheck::lab::fault::Fault;
use callcheck::lab::gateway::exchange::{CALLEE_TOKEN, CALLER_TOKEN};
use callcheck::lab::gateway::server::GatewayConfig;
use callcheck::lab::host::LabConfig;
use callcheck::model::endpoint::Transport;
use callcheck::model::secret::{Credentials, Secret};
use callcheck::proto::incoming::{Incoming, Method};
use callcheck::proto::outgoing::Outgoing;

use child::{Program, callcheck};
use gateway_server::GatewayServer;
use turn_server::{TurnServer, scratch, scratch_file};

#[path = "program/child.rs"]
mod child;
#[path = "program/gateway_server.rs"]
mod gateway_server;
#[path = "program/turn_server.rs"]
mod turn_server;

const USER: &str = "quokka-user";
const PASSWORD: &str = "quokka-password";
const SECRET: &str = "quokka-secret";
const NONCE: &str = "quokka-nonce";

/// No output has any reason to hold this word.
const MARK: &str = "quokka";

/// Nor any of these.
const WORDS: &[&str] = &[MARK, CALLER_TOKEN, CALLEE_TOKEN];

/// The ways of reporting, each of which could leak.
const FORMS: &[&[&str]] = &[&["--verbose", "--color", "always"], &["--json"]];

/// Faults that bring the credentials into play, and a healthy run.
const FAULTS: &[&[Fault]] =
    &[&[], &[Fault::CredentialsRejected], &[Fault::NonceLoop], &[Fault::AllocationRefused], &[Fault::TurnDown]];

fn server(faults: &[Fault]) -> TurnServer {
    let users = vec![Credentials { username: Secret::new(USER), password: Secret::new(PASSWORD) }];
    TurnServer::start(LabConfig { users, secret: Some(Secret::new(SECRET)), faults: faults.to_vec(), ..LabConfig::default() })
}

/// Runs with a report's file in each form, and searches all that comes out; the exit codes come back.
fn assert_silent(what: &str, program: impl Fn(&[&str]) -> Program) -> Vec<Option<i32>> {
    assert_silent_in(FORMS, what, program)
}

fn assert_silent_in(forms: &[&[&str]], what: &str, program: impl Fn(&[&str]) -> Program) -> Vec<Option<i32>> {
    let mut codes = Vec::new();
    for form in forms {
        for suffix in ["json", "txt"] {
            let file = scratch(&format!("report.{suffix}"));
            let mut options = vec!["--timeout", "5s", "--report", file.to_str().expect("the path is text")];
            options.extend(*form);
            let run = program(&options).run();
            let written = std::fs::read_to_string(&file).unwrap_or_default();
            for (place, text) in [("stdout", &run.stdout), ("stderr", &run.stderr), ("the report's file", &written)] {
                let word = WORDS.iter().find(|word| text.to_lowercase().contains(**word));
                assert_eq!(word, None, "{what} {form:?}: {place} has a secret:\n{text}");
            }
            assert!(!run.stdout.is_empty() && !written.is_empty(), "{what}: there was no report to search: {}", run.stderr);
            codes.push(run.code);
        }
    }
    codes
}

/// A search of runs that never logged in would prove nothing.
fn assert_logged_in_where_healthy(faults: &[Fault], codes: &[Option<i32>]) {
    assert!(!faults.is_empty() || codes.iter().all(|code| *code == Some(0)), "the healthy runs ended with {codes:?}");
}

#[test]
fn a_password_and_its_user_are_never_shown() {
    for faults in FAULTS {
        let server = server(faults);
        let uri = server.uri(Transport::Udp);
        let file = scratch_file("password", PASSWORD);
        let file = file.to_str().expect("the path is text");
        let codes = assert_silent(&format!("{faults:?} with --password-file"), |options| {
            callcheck(&[&["turn", &uri, "--user", USER, "--password-file", file], options].concat())
        });
        assert_logged_in_where_healthy(faults, &codes);
        let codes = assert_silent(&format!("{faults:?} with the password in the environment"), |options| {
            callcheck(&[&["turn", &uri, "--user", USER], options].concat()).variable("CALLCHECK_TURN_PASSWORD", PASSWORD)
        });
        assert_logged_in_where_healthy(faults, &codes);
    }
}

#[test]
fn a_shared_secret_and_the_id_of_its_names_are_never_shown() {
    for faults in FAULTS {
        let server = server(faults);
        let uri = server.uri(Transport::Tcp);
        let codes = assert_silent(&format!("{faults:?} with --secret"), |options| {
            callcheck(&[&["turn", &uri, "--user", USER, "--secret", SECRET], options].concat())
        });
        assert_logged_in_where_healthy(faults, &codes);
    }
}

#[test]
fn an_ephemeral_name_that_was_given_is_never_shown() {
    let server = server(&[]);
    let uri = server.uri(Transport::Udp);
    for name in [format!("1000000000:{USER}"), format!("4000000000000:{USER}"), format!("{USER} with a blank")] {
        assert_silent(&name, |options| callcheck(&[&["turn", &uri, "--user", &name, "--password", PASSWORD], options].concat()));
    }
}

#[test]
fn the_credentials_of_a_list_of_ice_servers_are_never_shown() {
    for faults in FAULTS {
        let server = server(faults);
        let list = server.ice_servers(&[Transport::Udp, Transport::Tcp, Transport::Tls]);
        assert!(list.contains(PASSWORD), "the list has what is searched for");
        let codes = assert_silent(&format!("{faults:?} with --ice-servers"), |options| {
            callcheck(&[&["turn", "--ice-servers", "-", "--ca", server.ca()], options].concat()).input(&list)
        });
        assert_logged_in_where_healthy(faults, &codes);
    }
}

#[test]
fn the_tokens_of_a_call_are_never_shown() {
    // A gateway that answers with whatever it was sent, as an error page may.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
    // It ends with the process.
    std::thread::spawn(move || listener.incoming().flatten().for_each(echo));
    assert_silent("a gateway that echoes", |options| {
        callcheck(&[&["call", "--config", "/dev/null", "--signaling", &url, "--chat-id", "42"], options].concat())
            .variable("CALLCHECK_CALLER_TOKEN", PASSWORD)
            .variable("CALLCHECK_CALLEE_TOKEN", SECRET)
    });
}

#[test]
fn the_logins_of_a_call_that_completes_are_never_shown() {
    let (turn, gateway) = (server(&[]), GatewayServer::start(GatewayConfig::default()));
    let token = scratch_file("token", CALLEE_TOKEN);
    let text = format!(
        "ice_servers = [ {{ urls = \"{}\", username = \"{USER}\", credential_env = \"CALLCHECK_TURN_PASSWORD\" }} ]\n\
         duration = \"300ms\"\n[signaling]\nurl = \"{}\"\nchat_id = \"42\"\nheaders = {{ Cookie = \"session={SECRET}\" }}\n\
         query = {{ key = \"{SECRET}\" }}\ncaller.auth = {{ token = \"{CALLER_TOKEN}\" }}\n\
         callee.auth = {{ token_file = \"{}\", extra = \"{SECRET}\" }}\n",
        turn.uri(Transport::Udp),
        gateway.url(),
        token.to_str().expect("the path is text"),
    );
    let file = scratch_file("callcheck.toml", &text);
    let file = file.to_str().expect("the path is text");
    let forms: &[&[&str]] = &[&[], &["--quiet"], &["--verbose", "--color", "always"], &["--json"]];
    let codes = assert_silent_in(forms, "a call that completes", |options| {
        let program = callcheck(&[&["call", "--config", file, "--no-controls"], options].concat());
        program.variable("CALLCHECK_TURN_PASSWORD", PASSWORD)
    });
    assert!(codes.iter().all(|code| *code == Some(0)), "every call completes: {codes:?}");
}

/// Answers a request with its own head and with what would be tokens.
fn echo(mut stream: std::net::TcpStream) {
    use std::io::{Read as _, Write as _};
    let mut request = [0; 2048];
    let length = stream.read(&mut request).unwrap_or_default();
    let body = format!("{}{PASSWORD} {SECRET}", String::from_utf8_lossy(&request[..length]));
    _ = write!(stream, "HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
}

#[test]
fn a_nonce_is_never_shown() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback has free ports");
    let uri = format!("turn:{}?transport=udp", socket.local_addr().expect("a bound socket has an address"));
    // It ends with the process.
    std::thread::spawn(move || challenge_for_ever(&socket));
    assert_silent("a server that refuses everyone", |options| {
        callcheck(&[&["turn", &uri, "--user", USER, "--password", PASSWORD], options].concat())
    });
}

/// Answers every Allocate with 401 and a nonce that can be recognised.
fn challenge_for_ever(socket: &UdpSocket) {
    let mut bytes = [0; 2048];
    while let Ok((length, client)) = socket.recv_from(&mut bytes) {
        let Ok(asked) = Incoming::read(&bytes[..length]) else { continue };
        let answer = if asked.subject.method == Method::Binding {
            Outgoing::success(asked.subject).xor_mapped(client)
        } else {
            Outgoing::error(asked.subject, 401).realm("example.org").nonce(NONCE)
        };
        // The program may have ended, which is no fault.
        _ = socket.send_to(&answer.seal(None), client);
    }
}

#[test]
fn the_login_of_a_proxy_is_never_shown() {
    let server = server(&[Fault::TurnDown]);
    let uri = server.uri(Transport::Tcp);
    let proxy = format!("http://{USER}:{PASSWORD}@127.0.0.1:9");
    assert_silent("a proxy that is down", |options| {
        callcheck(&[&["turn", &uri], options].concat()).variable("HTTPS_PROXY", &proxy)
    });
}

#[test]
fn no_error_of_usage_shows_a_secret() {
    let list =
        scratch_file("ice.json", &format!(r#"{{"v": [{{"urls": 7, "username": "{USER}", "credential": "{PASSWORD}"}}]}}"#));
    let list = list.to_str().expect("the path is text");
    let broken = scratch_file("broken.json", &format!(r#"[{{"urls": "turn:a.example", "credential": "{PASSWORD}" "#));
    let broken = broken.to_str().expect("the path is text");
    let server = "turn:127.0.0.1:9";
    let cases: &[&[&str]] = &[
        &["turn", server, "--password", PASSWORD],
        &["turn", server, "--user", "someone", "--password", PASSWORD, "--secret", SECRET],
        &["turn", server, "--secret", SECRET, "--timeout", "soon"],
        &["turn", server, "--secret", SECRET, "--deny", "no-such-cause"],
        &["turn", "--ice-servers", list],
        &["turn", "--ice-servers", broken],
    ];
    for arguments in cases {
        let run = callcheck(arguments).run();
        assert_eq!(run.code, Some(2), "{arguments:?}");
        assert!(!run.stderr.contains(MARK) && !run.stdout.contains(MARK), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn what_browsers_refuse_of_a_list_is_told_without_its_secrets() {
    for urls in [
        format!(r#""turn:{USER}:{PASSWORD}@127.0.0.1""#),
        format!(r#""turn:127.0.0.1?credential={PASSWORD}""#),
        format!(r#""{PASSWORD}""#),
        format!(r#"{{"credential": "{PASSWORD}"}}"#),
    ] {
        let list =
            scratch_file("ice.json", &format!(r#"[{{"urls": {urls}, "username": "{USER}", "credential": "{PASSWORD}"}}]"#));
        let list = list.to_str().expect("the path is text");
        for format in ["text", "json"] {
            let run = callcheck(&["turn", "--no-controls", "--ice-servers", list, "--format", format, "-v"]).run();
            assert_eq!(run.code, Some(1), "{urls}: {}", run.stderr);
            assert!(!run.stderr.contains(MARK) && !run.stdout.contains(MARK), "{urls}: {}", run.stdout);
        }
    }
}

#[test]
fn a_secret_in_a_file_that_is_no_secret_is_not_shown_by_the_error() {
    let file = scratch("password");
    std::fs::write(&file, [b"\xFF\xFE", PASSWORD.as_bytes()].concat()).expect("the build's own folder is writable");
    let file: &Path = &file;
    let run =
        callcheck(&["turn", "turn:127.0.0.1:9", "--user", "someone", "--password-file", file.to_str().expect("text")]).run();
    assert_eq!(run.code, Some(2));
    assert!(!run.stderr.contains(MARK), "{}", run.stderr);
}
