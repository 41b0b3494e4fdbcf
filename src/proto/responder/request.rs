//! What is asked of a responder.

use super::message::{Fields, HEAD, LONGEST, head, opened};
use super::token::{Purpose, TAG, Token};

/// What makes the answers to one run's requests its own.
pub type Nonce = [u8; 16];

/// The length of a probe, in bytes.
const PROBE: usize = HEAD + 8 + 16 + 2 + 2 + TAG;

/// What a request wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// Whether anything arrives.
    Probe {
        /// The number of the try, which the answer repeats.
        attempt: u16,
    },
    /// What is served, and which UDP ports others have.
    UdpTaken {
        /// The part of the list, the first being 0.
        part: u16,
    },
    /// The same with the TCP ports that others have.
    TcpTaken {
        /// The part of the list, the first being 0.
        part: u16,
    },
}

impl Question {
    pub(super) fn of(kind: u8, number: u16) -> Option<Self> {
        match kind {
            1 => Some(Self::Probe { attempt: number }),
            2 => Some(Self::UdpTaken { part: number }),
            3 => Some(Self::TcpTaken { part: number }),
            _ => None,
        }
    }

    pub(super) fn kind(self) -> u8 {
        match self {
            Self::Probe { .. } => 1,
            Self::UdpTaken { .. } => 2,
            Self::TcpTaken { .. } => 3,
        }
    }

    pub(super) fn number(self) -> u16 {
        match self {
            Self::Probe { attempt } => attempt,
            Self::UdpTaken { part } | Self::TcpTaken { part } => part,
        }
    }

    /// How long a request is: as long as the longest answer to it, or longer.
    fn length(self) -> usize {
        match self {
            Self::Probe { .. } => PROBE,
            Self::UdpTaken { .. } | Self::TcpTaken { .. } => LONGEST,
        }
    }
}

/// A request to a responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it wants to know.
    pub question: Question,
    /// The port that it is sent to, as the sender sees it.
    pub port: u16,
    /// The sender's time, in seconds since 1970.
    pub time: i64,
    /// What makes the answer its own.
    pub nonce: Nonce,
}

impl Request {
    /// The message.
    #[must_use]
    pub fn sealed(&self, token: &Token) -> Vec<u8> {
        let length = self.question.length();
        let mut bytes = head(self.question.kind(), length);
        bytes.extend(self.time.to_be_bytes());
        bytes.extend(self.nonce);
        bytes.extend(self.port.to_be_bytes());
        bytes.extend(self.question.number().to_be_bytes());
        bytes.resize(length - TAG, 0);
        token.seal(Purpose::Request, &[], &mut bytes);
        bytes
    }

    /// Reads a message; `None` where it is no request, or not made with this token.
    #[must_use]
    pub fn read(bytes: &[u8], token: &Token) -> Option<Self> {
        let (kind, fields) = opened(bytes)?;
        let mut fields = Fields(fields);
        let (time, nonce, port) = (fields.i64()?, fields.take()?, fields.u16()?);
        let question = Question::of(kind, fields.u16()?)?;
        let is_right = bytes.len() == question.length() && token.verifies(Purpose::Request, &[], bytes);
        is_right.then_some(Self { question, port, time, nonce })
    }
}
