//! Session descriptions on their way out and in: what the core writes is made fit for browsers, what it can't use is kept from it.

use crate::model::secret::Secret;

/// The lines of candidates; the own ones are all trickled, the other side's are added one by one.
const CANDIDATE: &str = "a=candidate:";

/// An own description as it goes to the other side: trickling is announced, and no candidate is in it.
pub(super) fn outgoing(sdp: &str) -> String {
    let announced = sdp.contains("a=ice-options:");
    let mut lines: Vec<&str> = Vec::new();
    for line in sdp.lines().filter(|line| !is_of_candidates(line)) {
        // RFC 8840 §4.1.1: it stands at the session level.
        if line.starts_with("m=") && !announced && !lines.contains(&"a=ice-options:trickle") {
            lines.push("a=ice-options:trickle");
        }
        lines.push(line);
    }
    joined(&lines)
}

/// The other side's description without its candidates, and those beside it.
pub(super) fn incoming(sdp: &str) -> (String, Vec<&str>) {
    let (candidates, rest): (Vec<&str>, Vec<&str>) = sdp.lines().partition(|line| is_of_candidates(line));
    (joined(&rest), candidates.into_iter().filter(|line| line.starts_with(CANDIDATE)).collect())
}

/// The mid of the first media section, which carries all others (RFC 9143).
pub(super) fn first_mid(sdp: &str) -> Option<&str> {
    sdp.lines().find_map(|line| line.strip_prefix("a=mid:")).map(str::trim)
}

/// The ICE user names of a description (RFC 8839 §5.4).
pub(super) fn ufrags(sdp: &str) -> Vec<String> {
    sdp.lines().filter_map(|line| line.strip_prefix("a=ice-ufrag:")).map(|ufrag| ufrag.trim().to_owned()).collect()
}

/// The ICE passwords of a description (RFC 8839 §5.4).
pub(super) fn passwords(sdp: &str) -> Vec<Secret> {
    sdp.lines().filter_map(|line| line.strip_prefix("a=ice-pwd:")).map(|password| Secret::new(password.trim())).collect()
}

fn is_of_candidates(line: &str) -> bool {
    line.starts_with(CANDIDATE) || line.starts_with("a=end-of-candidates")
}

fn joined(lines: &[&str]) -> String {
    lines.iter().flat_map(|line| [line.trim_end(), "\r\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\r\nt=0 0\r\na=group:BUNDLE audio\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:audio\r\n\
        a=candidate:1 1 udp 1 192.0.2.7 5000 typ host\r\na=candidate:1 2 udp 1 192.0.2.7 5000 typ host\r\na=end-of-candidates\r\n";

    #[test]
    fn an_own_description_announces_trickling_at_the_session_level_and_has_no_candidates() {
        let sent = outgoing(SDP);
        let session = sent.split("m=").next().expect("a session part");
        assert!(session.contains("a=ice-options:trickle\r\n"), "{sent}");
        assert_eq!((sent.matches("ice-options").count(), sent.matches("candidate").count()), (1, 0));
    }

    #[test]
    fn candidates_inside_a_description_are_found() {
        let (rest, candidates) = incoming(SDP);
        assert_eq!((candidates.len(), rest.matches("candidate").count()), (2, 0));
        assert_eq!(first_mid(&rest), Some("audio"));
    }
}
