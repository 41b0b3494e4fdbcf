//! What browsers refuse of a TURN server that they are given, as Chromium 156 was seen to do it.

/// The web's own ports, which browsers take although they lie below 1024.
const OF_THE_WEB: [u16; 2] = [80, 443];

/// The lowest port that is nobody's by default.
const FIRST_FREE: u16 = 1024;

/// The ports above 1023 that browsers count as those of other services.
const OF_OTHERS: [u16; 17] =
    [1719, 1720, 1723, 2049, 3659, 4045, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 10080];

/// Whether browsers gather no relay candidate from a TURN server at this port, over UDP and TCP alike, and say nothing of it.
///
/// Measured with Chromium 156 on 35 ports: of those below 1024 it takes 80 and 443 alone.
#[must_use]
pub fn refuses_port(port: u16) -> bool {
    port < FIRST_FREE && !OF_THE_WEB.contains(&port) || OF_OTHERS.contains(&port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_web_and_what_is_nobodys_is_taken() {
        for port in [80, 443, 1024, 3478, 4190, 5349, 8080, 10081, 49152, 65535] {
            assert!(!refuses_port(port), "{port}");
        }
        for port in [0, 22, 53, 110, 500, 993, 1023, 1720, 5060, 6667, 10080] {
            assert!(refuses_port(port), "{port}");
        }
    }
}
