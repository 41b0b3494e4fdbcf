//! What a gateway may do to the descriptions that it forwards.

use serde_json::Value;

/// A description that somebody changes on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alteration {
    pub of: Description,
    pub how: How,
}

/// Whose description it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Description {
    Offer,
    Answer,
}

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The session has another name, which is nothing to the call.
    Name,
    /// The certificate's fingerprint (RFC 8122 §5).
    Fingerprint,
    /// The password of ICE (RFC 8839 §5.4), by which no check of the other side is answered.
    Password,
    /// Its user fragment.
    Ufrag,
}

impl Alteration {
    pub const ALL: [Self; 8] = [
        Self { of: Description::Offer, how: How::Name },
        Self { of: Description::Answer, how: How::Name },
        Self { of: Description::Offer, how: How::Fingerprint },
        Self { of: Description::Answer, how: How::Fingerprint },
        Self { of: Description::Offer, how: How::Password },
        Self { of: Description::Answer, how: How::Password },
        Self { of: Description::Offer, how: How::Ufrag },
        Self { of: Description::Answer, how: How::Ufrag },
    ];

    /// The causes that are true where it is made.
    pub fn causes(self) -> &'static [&'static str] {
        match self.how {
            How::Name => &["offer-altered"],
            How::Fingerprint => &["offer-altered", "dtls-failed"],
            How::Password | How::Ufrag => &["offer-altered", "ice-wrong-ufrag"],
        }
    }

    /// Whether no call survives it.
    pub fn is_fatal(self) -> bool {
        self.how != How::Name
    }

    /// Changes an event's description, where it holds one of that kind.
    pub fn apply(self, event: &str, payload: &mut Value) {
        let key = match (self.of, event) {
            (Description::Offer, "call:initiate") => "offer",
            (Description::Answer, "call:answer") => "answer",
            (Description::Offer | Description::Answer, _) => return,
        };
        let Some(sdp) = payload[key]["sdp"].as_str() else { return };
        let changed: String = sdp.split_inclusive('\n').map(|line| self.changed(line)).collect();
        payload[key]["sdp"] = changed.into();
    }

    fn changed(self, line: &str) -> String {
        let is_about_it = match self.how {
            How::Name => line.starts_with("s="),
            How::Fingerprint => line.starts_with("a=fingerprint:"),
            How::Password => line.starts_with("a=ice-pwd:"),
            How::Ufrag => line.starts_with("a=ice-ufrag:"),
        };
        if !is_about_it {
            return line.to_owned();
        }
        match self.how {
            How::Name => "s=gateway\r\n".to_owned(),
            How::Password => "a=ice-pwd:thepasswordofsomebodyelse\r\n".to_owned(),
            How::Ufrag => "a=ice-ufrag:another\r\n".to_owned(),
            How::Fingerprint => {
                let (head, _) = line.split_once(' ').unwrap_or((line, ""));
                format!("{head} {}\r\n", vec!["00"; 32].join(":"))
            }
        }
    }
}
