//! The messages survive the way and nothing else passes for them.

use super::message::head;
use super::*;
use crate::model::ports::PortRange;
use crate::model::secret::Secret;

const NONCE: Nonce = *b"nonce-of-a-sweep";

fn token(text: &str) -> Token {
    Token::new(&Secret::new(text)).expect("long enough")
}

fn right() -> Token {
    token("north-by-northwest")
}

fn request(question: Question) -> Request {
    Request { question, port: 50_000, time: 1_700_000_000, nonce: NONCE }
}

fn questions() -> [Question; 3] {
    [Question::Probe { attempt: 7 }, Question::UdpTaken { part: 1 }, Question::TcpTaken { part: 2 }]
}

fn answer(question: Question, content: Content) -> Answer {
    Answer { question, asked: 50_000, arrived: 50_001, time: -5, content }
}

fn description(ranges: usize) -> Content {
    let port = |number: usize| u16::try_from(number * 2 + 1).expect("few enough");
    let taken = (0..ranges).map(|number| PortRange::new(port(number), port(number)).expect("a port")).collect();
    let range = PortRange::new(1, 65_535).expect("a range");
    Content::Description(Description { range, tcp: true, ends_in_s: 600, parts: 3, taken })
}

#[test]
fn a_token_is_no_shorter_than_sixteen_characters_and_is_not_shown() {
    assert!(Token::new(&Secret::new("fifteen-letters")).is_none());
    assert!(!format!("{:?}", right()).contains("north"));
}

#[test]
fn requests_and_answers_survive_the_way() {
    for question in questions() {
        let sent = request(question);
        assert_eq!(Request::read(&sent.sealed(&right()), &right()), Some(sent));
        for content in [Content::Arrived, Content::Stale, description(0), description(MOST_TAKEN)] {
            let sent = answer(question, content);
            assert_eq!(Answer::read(&sent.sealed(&NONCE, &right()), &NONCE, &right()), Some(sent));
        }
    }
}

#[test]
fn no_answer_is_larger_than_its_request() {
    for question in questions() {
        let contents = match question {
            Question::Probe { .. } => vec![Content::Arrived, Content::Stale],
            Question::UdpTaken { .. } | Question::TcpTaken { .. } => vec![Content::Stale, description(MOST_TAKEN + 10)],
        };
        let asked = request(question).sealed(&right()).len();
        for content in contents {
            assert!(answer(question, content).sealed(&NONCE, &right()).len() <= asked);
        }
    }
}

#[test]
fn another_token_another_nonce_or_the_other_direction_is_not_believed() {
    let other = token("south-by-southwest");
    let asked = request(Question::Probe { attempt: 0 }).sealed(&right());
    assert_eq!(Request::read(&asked, &other), None);
    assert_eq!(Answer::read(&asked, &NONCE, &right()), None);
    let answered = answer(Question::Probe { attempt: 0 }, Content::Arrived).sealed(&NONCE, &right());
    assert_eq!(Answer::read(&answered, &NONCE, &other), None);
    assert_eq!(Answer::read(&answered, b"nonce-of-another", &right()), None);
    assert_eq!(Request::read(&answered, &right()), None);
}

#[test]
fn no_changed_cut_or_lengthened_message_is_believed() {
    let messages = [
        request(Question::Probe { attempt: 0 }).sealed(&right()),
        answer(Question::UdpTaken { part: 0 }, description(3)).sealed(&NONCE, &right()),
    ];
    let believed = |bytes: &[u8]| Request::read(bytes, &right()).is_some() || Answer::read(bytes, &NONCE, &right()).is_some();
    for message in messages {
        assert!(believed(&message));
        for place in 0..message.len() {
            let mut changed = message.clone();
            changed[place] ^= 1 << (place % 8);
            assert!(!believed(&changed), "byte {place} was changed");
            assert!(!believed(&message[..place]), "cut to {place} bytes");
        }
        assert!(!believed(&[message.as_slice(), &[0]].concat()));
    }
}

/// A generator of its own (xorshift), so that the same bytes come at every run.
#[test]
fn arbitrary_bytes_behind_a_right_head_and_hmac_never_panic() {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..20_000 {
        let length = HEAD + token::TAG + usize::try_from(next() % 200).expect("small");
        let kinds = [1, 2, 3, 0x81, 0x82, 0x83, 0, 0xff];
        let mut bytes = head(kinds[usize::try_from(next() % 8).expect("small")], length);
        while bytes.len() < length - token::TAG {
            bytes.push(next().to_le_bytes()[0]);
        }
        let (mut asked, mut answered) = (bytes.clone(), bytes);
        right().seal(token::Purpose::Request, &[], &mut asked);
        right().seal(token::Purpose::Answer, &NONCE, &mut answered);
        let read = (Request::read(&asked, &right()), Answer::read(&answered, &NONCE, &right()));
        assert!(read.0.is_none_or(|request| request.sealed(&right()) == asked), "what is read is what was written");
        drop(read.1);
    }
}

#[test]
fn the_head_tells_the_length_of_ours_alone() {
    let message = request(Question::Probe { attempt: 0 }).sealed(&right());
    let head = |bytes: &[u8]| bytes[..HEAD].try_into().expect("a head");
    assert_eq!(length(head(&message)), Some(message.len()));
    assert_eq!(length(*b"GET / HT"), None);
    assert_eq!(length([b'c', b'c', b'p', b'r', 1, 1, 0xff, 0xff]), None);
}
