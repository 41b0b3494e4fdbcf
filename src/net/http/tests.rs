//! Servers of all manners at the other end of a stream in memory.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;

/// How long a server may take here; the clock is paused, so waiting costs nothing.
const LIMIT: Duration = Duration::from_secs(3);

/// The answer to a GET by a server that says this, and then closes.
async fn answer_to_get(said: &[u8]) -> Result<Answer, NoAnswer> {
    exchange_with(get(), said, |_server| {}).await
}

/// The answer by a server that says this; what becomes of its end of the stream is the caller's matter.
async fn exchange_with(request: Request, said: &[u8], then: impl FnOnce(DuplexStream)) -> Result<Answer, NoAnswer> {
    let (client, mut server) = duplex(1024);
    let serve = async {
        read_head(&mut server).await;
        // A client that has heard enough closes, which ends the rest.
        _ = server.write_all(said).await;
        then(server);
    };
    let (answer, ()) = tokio::join!(exchange(Box::new(client), request, LIMIT), serve);
    answer
}

async fn read_head(server: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(server.read_u8().await.expect("the client sends a request"));
    }
    String::from_utf8(head).expect("the head is text")
}

fn get() -> Request {
    Request::new("GET", "chat.example:8443", "/socket.io/?EIO=4").expect("a right request")
}

fn keep(server: DuplexStream) {
    // Forgotten ends of a stream in memory stay open.
    std::mem::forget(server);
}

#[tokio::test(start_paused = true)]
async fn a_request_has_what_was_asked_for() {
    let (client, mut server) = duplex(1024);
    let request = Request::new("POST", "[2001:db8::1]:8443", "/a?b=c").expect("a right request");
    let request = request.with_header("Authorization", "Bearer north").expect("a right header").with_body("40{}");
    let serve = async {
        let head = read_head(&mut server).await;
        let mut body = [0; 4];
        server.read_exact(&mut body).await.expect("the client sends the body");
        server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("the client listens");
        (head, body)
    };
    let (answer, (head, body)) = tokio::join!(exchange(Box::new(client), request, LIMIT), serve);
    assert_eq!(answer.expect("an answer").status, 204);
    assert!(head.starts_with("POST /a?b=c HTTP/1.1\r\nhost: [2001:db8::1]:8443\r\nuser-agent: callcheck/"), "{head}");
    assert!(head.contains("\r\nauthorization: Bearer north\r\n") && head.contains("\r\ncontent-length: 4\r\n"), "{head}");
    assert_eq!(&body, b"40{}");
}

#[tokio::test(start_paused = true)]
async fn a_body_is_read_by_whatever_framing_it_has() {
    for said in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ] {
        let answer = answer_to_get(said).await.expect("an answer");
        let seen = (answer.status, answer.body.as_slice(), answer.end);
        assert_eq!(seen, (200, &b"hello"[..], BodyEnd::Whole), "{}", String::from_utf8_lossy(said));
    }
}

#[tokio::test(start_paused = true)]
async fn any_status_is_an_answer() {
    for status in [101, 204, 301, 304, 400, 403, 404, 418, 500, 502, 504, 599] {
        let said = format!("HTTP/1.1 {status} Some words\r\nX-Seen: yes\r\nContent-Length: 0\r\n\r\n");
        let answer = answer_to_get(said.as_bytes()).await.expect("an answer");
        assert_eq!((answer.status, answer.header("x-seen"), answer.end), (status, Some("yes"), BodyEnd::Whole));
    }
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_head_has_a_length_and_no_body() {
    let request = Request::new("HEAD", "chat.example", "/").expect("a right request");
    let answer = exchange_with(request, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", keep).await.expect("an answer");
    assert_eq!((answer.header("content-length"), answer.body.len(), answer.end), (Some("5"), 0, BodyEnd::Whole));
}

#[tokio::test(start_paused = true)]
async fn switched_protocols_end_the_answer_while_the_stream_stays_open() {
    let said = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02hi";
    let request = get().with_header("Connection", "Upgrade").and_then(|request| request.with_header("Upgrade", "websocket"));
    let answer = exchange_with(request.expect("right headers"), said, keep).await.expect("an answer");
    assert_eq!((answer.status, answer.header("upgrade"), answer.end), (101, Some("websocket"), BodyEnd::Whole));
}

#[tokio::test(start_paused = true)]
async fn a_body_without_end_is_cut() {
    let mut said = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    said.resize(LONGEST_BODY + 4096, b'x');
    let answer = answer_to_get(&said).await.expect("an answer");
    assert_eq!((answer.status, answer.body.len(), answer.end), (200, LONGEST_BODY, BodyEnd::TooLong));
}

#[tokio::test(start_paused = true)]
async fn what_came_of_a_broken_body_is_kept() {
    for said in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz",
    ] {
        let answer = answer_to_get(said).await.expect("an answer");
        assert_eq!((answer.status, answer.body.as_slice(), answer.end), (200, &b"hello"[..], BodyEnd::Broken));
    }
    let stalled = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello";
    let answer = exchange_with(get(), stalled, keep).await.expect("an answer");
    assert_eq!((answer.status, answer.body.as_slice(), answer.end), (200, &b"hello"[..], BodyEnd::Late));
}

#[tokio::test(start_paused = true)]
async fn broken_headers_take_nothing_away_from_the_status() {
    let said = b"HTTP/1.1 403 Forbidden\r\nno colon here\r\nX-Latin: caf\xe9\r\nContent-Length: 0\r\n\r\n";
    let answer = answer_to_get(said).await.expect("an answer");
    assert_eq!((answer.status, answer.header("x-latin")), (403, Some("caf\u{fffd}")));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_is_told_by_its_kind() {
    let endless_line = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &vec![b'x'; 2 * LONGEST_HEAD]].concat();
    let many_headers = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MOST_HEADERS + 1));
    for (said, expected) in [
        (&b""[..], NoAnswer::Closed),
        (b"HTTP/1.1 200 OK\r\nContent-", NoAnswer::Closed),
        (b"SSH-2.0-OpenSSH_9.2\r\n", NoAnswer::NotHttp { speaks: Protocol::Ssh }),
        (b"\x15\x03\x01\x00\x02\x02\x28", NoAnswer::NotHttp { speaks: Protocol::Tls }),
        (b"HTTP/2.0 200 OK\r\n\r\n", NoAnswer::NotHttp { speaks: Protocol::Http }),
        (b"220 mail.example ESMTP\r\n", NoAnswer::NotHttp { speaks: Protocol::Other }),
        (&endless_line, NoAnswer::NotHttp { speaks: Protocol::Http }),
        (many_headers.as_bytes(), NoAnswer::NotHttp { speaks: Protocol::Http }),
    ] {
        let beginning = String::from_utf8_lossy(&said[..said.len().min(40)]).into_owned();
        assert_eq!(answer_to_get(said).await, Err(expected), "{beginning}");
    }
    for unfinished in [&b""[..], b"HTTP/1.1 200 OK\r\n"] {
        assert_eq!(exchange_with(get(), unfinished, keep).await, Err(NoAnswer::Silent));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_speaks_before_it_is_asked_is_told_too() {
    let (client, mut server) = duplex(1024);
    server.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.expect("there is room");
    let answer = exchange(Box::new(client), get(), LIMIT).await;
    assert_eq!(answer, Err(NoAnswer::NotHttp { speaks: Protocol::Ssh }));
}

/// Informational answers without end must not keep the deadline from passing.
#[tokio::test(start_paused = true)]
async fn a_server_that_says_continue_for_ever_is_silent() {
    let (client, mut server) = duplex(1024);
    let serve = async {
        while server.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let (answer, ()) = tokio::join!(exchange(Box::new(client), get(), LIMIT), serve);
    assert_eq!(answer, Err(NoAnswer::Silent));
}

#[test]
fn what_no_server_could_read_is_not_sent() {
    let wrong = |method, host, target| Request::new(method, host, target).err();
    assert_eq!(wrong("G E T", "a", "/"), Some(InvalidRequest::Method("G E T".to_owned())));
    for target in ["", "a", "http://a/b", "/a b", "/\r\nX: y"] {
        assert_eq!(wrong("GET", "a", target), Some(InvalidRequest::Target(target.to_owned())));
    }
    assert_eq!(wrong("GET", "a\r\nX: y", "/"), Some(InvalidRequest::HeaderValue("host".to_owned())));
    let token = get().with_header("Authorization", "Bearer a\nb").err().expect("it has a line break");
    assert!(!token.to_string().contains("Bearer"), "{token}");
    assert_eq!(get().with_header("a b", "c").err(), Some(InvalidRequest::HeaderName("a b".to_owned())));
}
