//! What a responder answers.

use super::message::{ANSWERS, Fields, HEAD, LONGEST, head, opened};
use super::request::{Nonce, Question};
use super::token::{Purpose, TAG, Token};
use crate::model::ports::PortRange;

/// How many ranges of taken ports one answer can name.
pub const MOST_TAKEN: usize = (LONGEST - FIXED - DESCRIPTION - TAG) / 4;

/// The length of the head and of the fields that every answer has.
const FIXED: usize = HEAD + 8 + 2 + 2 + 2 + 1;

/// The length of a description without its ranges.
const DESCRIPTION: usize = 2 + 2 + 1 + 4 + 2 + 2;

/// An answer of a responder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The question that it answers.
    pub question: Question,
    /// The port that the request was sent to, as its sender sees it.
    pub asked: u16,
    /// The port that it has come to.
    pub arrived: u16,
    /// The responder's time, in seconds since 1970.
    pub time: i64,
    /// What it says.
    pub content: Content,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The request has arrived.
    Arrived,
    /// The request is right, but for its time, which differs by more than [`super::FRESH_S`] from the responder's.
    Stale,
    /// What is served.
    Description(Description),
}

/// What a responder serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The range of its ports.
    pub range: PortRange,
    /// Whether it serves TCP there as well.
    pub tcp: bool,
    /// How long it will go on, in seconds.
    pub ends_in_s: u32,
    /// How many parts the list of taken ports has.
    pub parts: u16,
    /// This part of the ports that other programs have.
    pub taken: Vec<PortRange>,
}

impl Content {
    fn status(&self) -> u8 {
        match self {
            Self::Arrived => 0,
            Self::Stale => 1,
            Self::Description(_) => 2,
        }
    }
}

impl Answer {
    /// The message; `nonce` is the request's.
    #[must_use]
    pub fn sealed(&self, nonce: &Nonce, token: &Token) -> Vec<u8> {
        let described = match &self.content {
            Content::Arrived | Content::Stale => Vec::new(),
            Content::Description(description) => description.written(),
        };
        let mut bytes = head(self.question.kind() | ANSWERS, FIXED + described.len() + TAG);
        bytes.extend(self.time.to_be_bytes());
        bytes.extend(self.asked.to_be_bytes());
        bytes.extend(self.arrived.to_be_bytes());
        bytes.extend(self.question.number().to_be_bytes());
        bytes.push(self.content.status());
        bytes.extend(described);
        token.seal(Purpose::Answer, nonce, &mut bytes);
        bytes
    }

    /// Reads a message; `None` where it is no answer to a request with this nonce, or not made with this token.
    #[must_use]
    pub fn read(bytes: &[u8], nonce: &Nonce, token: &Token) -> Option<Self> {
        let (kind, fields) = opened(bytes)?;
        let mut fields = Fields(fields);
        let (time, asked, arrived, number) = (fields.i64()?, fields.u16()?, fields.u16()?, fields.u16()?);
        let question = Question::of(kind.checked_sub(ANSWERS)?, number)?;
        let content = match fields.u8()? {
            0 => Content::Arrived,
            1 => Content::Stale,
            2 => Content::Description(Description::read(&mut fields)?),
            _ => return None,
        };
        let is_right = token.verifies(Purpose::Answer, nonce, bytes);
        is_right.then_some(Self { question, asked, arrived, time, content })
    }
}

impl Description {
    fn written(&self) -> Vec<u8> {
        let taken = &self.taken[..self.taken.len().min(MOST_TAKEN)];
        let mut bytes = range(self.range).to_vec();
        bytes.push(u8::from(self.tcp));
        bytes.extend(self.ends_in_s.to_be_bytes());
        bytes.extend(self.parts.to_be_bytes());
        bytes.extend(u16::try_from(taken.len()).unwrap_or_default().to_be_bytes());
        bytes.extend(taken.iter().flat_map(|taken| range(*taken)));
        bytes
    }

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let range = read_range(fields)?;
        let (tcp, ends_in_s, parts) = (fields.u8()? != 0, fields.u32()?, fields.u16()?);
        let count = fields.u16()?;
        let taken: Option<Vec<PortRange>> = (0..count).map(|_| read_range(fields)).collect();
        Some(Self { range, tcp, ends_in_s, parts, taken: taken? })
    }
}

fn range(range: PortRange) -> [u8; 4] {
    let ([a, b], [c, d]) = (range.first().to_be_bytes(), range.last().to_be_bytes());
    [a, b, c, d]
}

fn read_range(fields: &mut Fields<'_>) -> Option<PortRange> {
    PortRange::new(fields.u16()?, fields.u16()?)
}
