//! STUN and `ChannelData` messages out of a byte stream (RFC 8656 §3.1, §12.5), and what else a stream may turn out to be.

use super::raw::{HEADER_LENGTH, MAGIC_COOKIE};
use crate::model::outcome::Protocol;

/// A buffer that gives whole messages back.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
}

/// The stream does not carry STUN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStun(pub Protocol);

impl Framer {
    /// Takes bytes as they come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message; `None` where more bytes are needed.
    ///
    /// No message is longer than 64 KiB, so the buffer is bounded by that and one read.
    ///
    /// # Errors
    ///
    /// [`NotStun`] as soon as the first bytes can't begin a message.
    pub fn next_message(&mut self) -> Result<Option<Vec<u8>>, NotStun> {
        let Some(first) = self.buffer.first() else { return Ok(None) };
        let Some(head) = self.buffer.get(..4) else {
            return if first & 0xC0 == 0x00 || first & 0xF0 == 0x40 { Ok(None) } else { Err(NotStun(speaks(&self.buffer))) };
        };
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let total = if first & 0xF0 == 0x40 && !looks_like_text(head) {
            super::channel_data::HEADER_LENGTH + length.next_multiple_of(4)
        } else if first & 0xC0 == 0x00 && length.is_multiple_of(4) {
            let cookie = &self.buffer[4..self.buffer.len().min(8)];
            if !MAGIC_COOKIE.to_be_bytes().starts_with(cookie) {
                return Err(NotStun(speaks(&self.buffer)));
            }
            HEADER_LENGTH + length
        } else {
            return Err(NotStun(speaks(&self.buffer)));
        };
        if self.buffer.len() < total {
            return Ok(None);
        }
        Ok(Some(self.buffer.drain(..total).collect()))
    }
}

/// `HTTP` begins with 0x48, which would be a channel number beyond those that RFC 8656 uses; so would any other text.
fn looks_like_text(head: &[u8]) -> bool {
    head.iter().all(|byte| (0x20..0x7F).contains(byte))
}

/// What bytes that aren't STUN look like.
#[must_use]
pub fn speaks(bytes: &[u8]) -> Protocol {
    if bytes.starts_with(b"HTTP/") || bytes.starts_with(b"<!") || bytes.starts_with(b"<html") {
        Protocol::Http
    } else if bytes.starts_with(b"SSH-") {
        Protocol::Ssh
    } else if matches!(bytes, [0x14..=0x17, 0x03, ..]) {
        Protocol::Tls
    } else {
        Protocol::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::channel_data::ChannelData;
    use crate::proto::request::Request;

    #[test]
    fn messages_come_back_whole_however_the_stream_is_cut() {
        let binding = Request::binding().seal([1; 12]);
        let data = ChannelData { channel: 0x4000, payload: b"x" }.encode(true).expect("short");
        let stream: Vec<u8> = [binding.clone(), data.clone(), binding.clone()].concat();
        for size in 1..stream.len() {
            let mut framer = Framer::default();
            let mut messages = Vec::new();
            for piece in stream.chunks(size) {
                framer.push(piece);
                while let Some(message) = framer.next_message().expect("STUN") {
                    messages.push(message);
                }
            }
            assert_eq!(messages, [binding.clone(), data.clone(), binding.clone()], "pieces of {size}");
        }
    }

    #[test]
    fn other_protocols_are_recognised() {
        for (bytes, protocol) in [
            (&b"HTTP/1.1 400 Bad Request\r\n"[..], Protocol::Http),
            (b"SSH-2.0-OpenSSH_9.2", Protocol::Ssh),
            (&[0x15, 0x03, 0x01, 0, 2, 2, 40], Protocol::Tls),
            (&[0xFF, 0xFF], Protocol::Other),
        ] {
            let mut framer = Framer::default();
            framer.push(bytes);
            assert_eq!(framer.next_message(), Err(NotStun(protocol)));
        }
    }
}
