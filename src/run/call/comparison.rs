//! Whether a session description arrived as it was sent. What differs is told by line and name, never by value: some are secret.

/// What differs first, line endings and spaces at a line's end aside; nothing where they are the same.
#[must_use]
pub fn difference(sent: &str, received: &str) -> Option<String> {
    let sent: Vec<&str> = lines(sent);
    let received: Vec<&str> = lines(received);
    for (index, line) in sent.iter().enumerate() {
        match received.get(index) {
            None => return Some(format!("it ends after {index} of {} lines", sent.len())),
            Some(other) if other != line => return Some(format!("line {} differs, {}", index + 1, name(line))),
            Some(_) => {}
        }
    }
    (received.len() > sent.len()).then(|| format!("{} lines were added at its end", received.len() - sent.len()))
}

fn lines(sdp: &str) -> Vec<&str> {
    sdp.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect()
}

/// An attribute's name without its value.
fn name(line: &str) -> &str {
    let end = line.find([':', ' ']).unwrap_or(line.len());
    &line[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\r\na=ice-pwd:north\r\na=fingerprint:sha-256 AA\r\n";

    #[test]
    fn line_endings_make_no_difference() {
        assert_eq!(difference(SDP, &SDP.replace("\r\n", "\n")), None);
    }

    #[test]
    fn what_differs_is_named_without_its_value() {
        let told = difference(SDP, &SDP.replace("north", "south")).expect("a difference");
        assert_eq!(told, "line 2 differs, a=ice-pwd");
        assert_eq!(difference(SDP, "v=0\n").as_deref(), Some("it ends after 1 of 3 lines"));
        assert_eq!(difference("v=0\n", SDP).as_deref(), Some("2 lines were added at its end"));
    }
}
