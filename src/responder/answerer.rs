//! What a responder answers to what came in: bytes, a port and a time go in, bytes come out or nothing.

use crate::model::ports::{PortRange, PortSet};
use crate::proto::responder::{Answer, Content, Description, FRESH_S, MOST_TAKEN, Question, Request, Token};

/// What a responder knows of itself.
#[derive(Debug)]
pub struct Answerer {
    /// The token that requests have to prove.
    pub token: Token,
    /// The range that was asked for.
    pub range: PortRange,
    /// The UDP ports of it that others have.
    pub udp_taken: PortSet,
    /// The TCP ports of it that others have; `None` where TCP is not served.
    pub tcp_taken: Option<PortSet>,
    /// When it ends, in seconds since 1970.
    pub ends_at: i64,
}

impl Answerer {
    /// The answer to a message that has come to a port; `None` where it is no request that this token was used for.
    ///
    /// It is never longer than the message.
    #[must_use]
    pub fn answer(&self, bytes: &[u8], arrived: u16, now: i64) -> Option<Vec<u8>> {
        let request = Request::read(bytes, &self.token)?;
        let is_fresh = now.abs_diff(request.time) <= FRESH_S.unsigned_abs();
        let content = if is_fresh { self.content(request.question, now) } else { Content::Stale };
        let answer = Answer { question: request.question, asked: request.port, arrived, time: now, content };
        let answer = answer.sealed(&request.nonce, &self.token);
        (answer.len() <= bytes.len()).then_some(answer)
    }

    fn content(&self, question: Question, now: i64) -> Content {
        match question {
            Question::Probe { .. } => Content::Arrived,
            Question::UdpTaken { part } => self.describe(&self.udp_taken, part, now),
            Question::TcpTaken { part } => self.describe(self.tcp_taken.as_ref().unwrap_or(&PortSet::default()), part, now),
        }
    }

    fn describe(&self, taken: &PortSet, part: u16, now: i64) -> Content {
        let mut parts = taken.ranges().chunks(MOST_TAKEN);
        let count = u16::try_from(parts.len()).unwrap_or(u16::MAX);
        let taken = parts.nth(usize::from(part)).unwrap_or_default().to_vec();
        Content::Description(Description {
            range: self.range,
            tcp: self.tcp_taken.is_some(),
            ends_in_s: u32::try_from((self.ends_at - now).max(0)).unwrap_or(u32::MAX),
            parts: count.max(1),
            taken,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::Secret;

    const NOW: i64 = 1_700_000_000;

    fn token(text: &str) -> Token {
        Token::new(&Secret::new(text)).expect("long enough")
    }

    fn answerer() -> Answerer {
        Answerer {
            token: token("north-by-northwest"),
            range: PortRange::new(50_000, 50_999).expect("a range"),
            udp_taken: (50_000..51_000).step_by(2).collect(),
            tcp_taken: None,
            ends_at: NOW + 60,
        }
    }

    fn ask(question: Question, time: i64) -> Option<Answer> {
        let answerer = answerer();
        let request = Request { question, port: 50_001, time, nonce: [7; 16] }.sealed(&answerer.token);
        let answer = answerer.answer(&request, 50_003, NOW)?;
        assert!(answer.len() <= request.len(), "an answer is larger than its request");
        Answer::read(&answer, &[7; 16], &answerer.token)
    }

    #[test]
    fn a_probe_is_told_where_it_has_arrived() {
        let answer = ask(Question::Probe { attempt: 3 }, NOW).expect("an answer");
        assert_eq!((answer.asked, answer.arrived, answer.time), (50_001, 50_003, NOW));
        assert_eq!((answer.question, answer.content), (Question::Probe { attempt: 3 }, Content::Arrived));
    }

    #[test]
    fn a_request_from_another_time_is_told_the_own_time_and_nothing_else() {
        for (time, stale) in [(NOW - 119, false), (NOW + 120, false), (NOW - 121, true), (NOW + 500, true), (i64::MIN, true)] {
            for question in [Question::Probe { attempt: 0 }, Question::UdpTaken { part: 0 }] {
                let answer = ask(question, time).expect("an answer");
                assert_eq!(answer.content == Content::Stale, stale, "{time}");
                assert_eq!(answer.time, NOW);
            }
        }
    }

    #[test]
    fn a_long_list_of_taken_ports_comes_in_parts() {
        let mut taken = Vec::new();
        let mut parts = 1;
        let mut part = 0;
        while part < parts {
            let Content::Description(description) = ask(Question::UdpTaken { part }, NOW).expect("an answer").content else {
                panic!("no description");
            };
            assert!(!description.tcp && description.ends_in_s == 60);
            parts = description.parts;
            taken.extend(description.taken.iter().flat_map(|range| range.iter()));
            part += 1;
        }
        assert!(parts > 1);
        assert_eq!(taken.into_iter().collect::<PortSet>(), answerer().udp_taken);
    }

    #[test]
    fn without_the_token_nothing_is_answered() {
        let request = Request { question: Question::Probe { attempt: 0 }, port: 50_001, time: NOW, nonce: [0; 16] };
        assert_eq!(answerer().answer(&request.sealed(&token("south-by-southwest")), 50_001, NOW), None);
        assert_eq!(answerer().answer(b"", 50_001, NOW), None);
        assert_eq!(answerer().answer(&[0; 1024], 50_001, NOW), None);
    }
}
