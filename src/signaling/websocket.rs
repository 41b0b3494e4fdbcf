//! As much of WebSocket (RFC 6455) as shows whether an upgrade works: the request's key, the answer's head, the first message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// What a server joins to the key (RFC 6455 §1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A frame that ends the connection, with an empty mask.
pub const CLOSE: [u8; 6] = [0x88, 0x80, 0, 0, 0, 0];

/// How many headers an answer may have.
const MOST_HEADERS: usize = 64;

/// A key for an upgrade.
#[must_use]
pub fn key(random: [u8; 16]) -> String {
    STANDARD.encode(random)
}

/// A request for an upgrade; the headers are such as may be sent.
#[must_use]
pub fn request(authority: &str, target: &str, key: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut request = format!(
        "GET {target} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {key}\r\n"
    );
    for (name, value) in headers {
        request.extend([*name, ": ", *value, "\r\n"]);
    }
    request.push_str("\r\n");
    request.into_bytes()
}

/// What a server has to answer to a key.
#[must_use]
pub fn accept_for(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(GUID);
    STANDARD.encode(hash.finalize())
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// How many bytes it has.
    pub length: usize,
}

impl Head {
    /// The first header of a name, which is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What has come so far of something that is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaited<T> {
    /// All of it.
    Whole(T),
    /// More is to come.
    Partial,
    /// It is something else.
    Wrong,
}

/// Reads the head of an answer.
#[must_use]
pub fn read_head(bytes: &[u8]) -> Awaited<Head> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => {
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            let headers = response.headers.iter().map(|header| (header.name.to_ascii_lowercase(), text(header.value)));
            Awaited::Whole(Head { status: response.code.unwrap_or_default(), headers: headers.collect(), length })
        }
        Ok(httparse::Status::Partial) => Awaited::Partial,
        Err(_) => Awaited::Wrong,
    }
}

/// Reads the first message of a server, which has to be a whole text (RFC 6455 §5.2).
#[must_use]
pub fn read_text(bytes: &[u8]) -> Awaited<String> {
    let [first, second, ..] = bytes else { return Awaited::Partial };
    // One frame of text, not masked.
    if *first != 0x81 || *second & 0x80 != 0 {
        return Awaited::Wrong;
    }
    let (length, start) = match *second {
        126 => match bytes.get(2..4) {
            Some(length) => (usize::from(u16::from_be_bytes([length[0], length[1]])), 4),
            None => return Awaited::Partial,
        },
        // No handshake is longer than 65,535 bytes.
        127 => return Awaited::Wrong,
        length => (usize::from(length), 2),
    };
    match bytes.get(start..start + length) {
        Some(text) => String::from_utf8(text.to_vec()).map_or(Awaited::Wrong, Awaited::Whole),
        None => Awaited::Partial,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_key_is_that_of_the_standard() {
        assert_eq!(accept_for("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x=\r\n\r\n\x81\x010";
        let Awaited::Whole(head) = read_head(answer) else { panic!("a whole head") };
        assert_eq!(
            (head.status, head.header("sec-websocket-accept"), &answer[head.length..]),
            (101, Some("x="), &b"\x81\x010"[..])
        );
        assert_eq!(read_head(&answer[..40]), Awaited::Partial);
        assert_eq!(read_head(b"SSH-2.0-OpenSSH_9.6\r\n"), Awaited::Wrong);
    }

    #[test]
    fn a_message_is_read_once_it_is_whole() {
        assert_eq!(read_text(b"\x81\x020x"), Awaited::Whole("0x".to_owned()));
        assert_eq!(read_text(b"\x81\x020"), Awaited::Partial);
        let long = [&[0x81, 126, 0, 200], &[b'a'; 200][..]].concat();
        assert_eq!(read_text(&long), Awaited::Whole("a".repeat(200)));
        assert_eq!(read_text(&long[..3]), Awaited::Partial);
        for wrong in [&b"\x88\x02\x03\xe8"[..], b"\x81\x82", b"\x81\x7f", b"HTTP"] {
            assert_eq!(read_text(wrong), Awaited::Wrong);
        }
    }
}
