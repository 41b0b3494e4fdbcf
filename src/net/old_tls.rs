//! A `ClientHello` that offers TLS 1.1 and nothing newer: who answers it, and no newer one, speaks only what browsers refuse.
//!
//! rustls has no such versions, and some servers drop a newer hello without an alert; so these bytes are made by hand.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::network::Stream;

/// How long a server may take to answer.
const LIMIT: Duration = Duration::from_millis(800);

/// TLS 1.1 on the wire (RFC 4346 §6.2.1).
const TLS_1_1: [u8; 2] = [3, 2];

/// Cipher suites that every server of that time has: ECDHE and plain RSA with AES in CBC mode, 3DES.
const CIPHER_SUITES: [u8; 14] = [0xC0, 0x13, 0xC0, 0x14, 0xC0, 0x09, 0xC0, 0x0A, 0x00, 0x2F, 0x00, 0x35, 0x00, 0x0A];

/// `supported_groups` with P-256 and P-384, and `ec_point_formats` with the uncompressed one (RFC 8422 §5.1).
const EXTENSIONS: [u8; 16] = [0, 10, 0, 6, 0, 4, 0, 23, 0, 24, 0, 11, 0, 2, 1, 0];

/// Whether the server takes TLS 1.1 or older.
pub async fn is_spoken(mut stream: Box<dyn Stream>, random: [u8; 32]) -> bool {
    let answered = async {
        stream.write_all(&client_hello(random)).await.ok()?;
        stream.flush().await.ok()?;
        let mut head = [0; 11];
        stream.read_exact(&mut head).await.ok()?;
        Some(head)
    };
    let head = tokio::time::timeout(LIMIT, answered).await.ok().flatten();
    // A handshake record with a ServerHello whose version is 1.0 or 1.1.
    head.is_some_and(|head| matches!(head, [22, 3, _, _, _, 2, _, _, _, 3, 1 | 2]))
}

fn client_hello(random: [u8; 32]) -> Vec<u8> {
    let mut body = TLS_1_1.to_vec();
    body.extend(random);
    body.push(0);
    body.extend([0, 14]);
    body.extend(CIPHER_SUITES);
    body.extend([1, 0]);
    body.extend([0, 16]);
    body.extend(EXTENSIONS);
    let mut handshake = vec![1, 0];
    handshake.extend(length(body.len()));
    handshake.extend(body);
    let mut record = vec![22, 3, 1];
    record.extend(length(handshake.len()));
    record.extend(handshake);
    record
}

fn length(length: usize) -> [u8; 2] {
    u16::try_from(length).expect("a hello of fixed parts is short").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hello_tells_its_own_lengths() {
        let hello = client_hello([7; 32]);
        let record = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
        let handshake = usize::from(u16::from_be_bytes([hello[7], hello[8]]));
        assert_eq!((record, handshake), (hello.len() - 5, hello.len() - 9));
    }
}
