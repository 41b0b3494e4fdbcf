//! What `ufw allow` says, for hosts whose firewall is another one.

/// What one `ufw allow` lets in.
struct Rule<'c> {
    /// Ports and ranges as ufw writes them: `3478,5349`, `49152:65535`.
    ports: &'c str,
    protocol: &'c str,
}

impl<'c> Rule<'c> {
    /// The rules of a line, `ufw allow 3478/udp`; nothing of any other.
    fn parse(line: &'c str) -> Option<Vec<Self>> {
        let allowed = line.strip_prefix("ufw allow ")?;
        let (ports, protocols) = match allowed.split_once('/') {
            Some((ports, protocol)) => (ports, vec![protocol]),
            None => (allowed, vec!["udp", "tcp"]),
        };
        let is_known = ports.chars().all(|char| char.is_ascii_digit() || matches!(char, ',' | ':'))
            && protocols.iter().all(|protocol| matches!(*protocol, "udp" | "tcp"));
        is_known.then(|| protocols.into_iter().map(|protocol| Self { ports, protocol }).collect())
    }

    fn for_firewalld(&self) -> String {
        let ports = self.ports.split(',').map(|ports| format!("--add-port={}/{}", ports.replace(':', "-"), self.protocol));
        ports.collect::<Vec<_>>().join(" ")
    }

    fn for_nftables(&self) -> String {
        let ports = self.ports.replace(':', "-");
        let ports = if ports.contains(',') { format!("'{{ {} }}'", ports.replace(',', ", ")) } else { ports };
        format!("nft insert rule inet filter input {} dport {ports} accept", self.protocol)
    }
}

/// A command, with the same for firewalld and nftables below it where it is one of ufw's: as comments, which a shell passes over.
pub fn with_others(command: String) -> String {
    let rules: Option<Vec<Vec<Rule<'_>>>> = command.lines().map(Rule::parse).collect();
    let Some(rules) = rules.map(|rules| rules.into_iter().flatten().collect::<Vec<_>>()) else { return command };
    let firewalld: Vec<String> = rules.iter().map(Rule::for_firewalld).collect();
    let nftables: Vec<String> = rules.iter().map(Rule::for_nftables).collect();
    let (firewalld, nftables) = (firewalld.join(" "), nftables.join(" && "));
    format!("{command}\n# firewalld: firewall-cmd --permanent {firewalld} && firewall-cmd --reload\n# nftables: {nftables}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ufw_allows_is_said_for_the_others_too() {
        let said = with_others("ufw allow 3478,5349/udp\nufw allow 49152:65535/udp".into());
        assert_eq!(
            said.lines().collect::<Vec<_>>(),
            [
                "ufw allow 3478,5349/udp",
                "ufw allow 49152:65535/udp",
                "# firewalld: firewall-cmd --permanent --add-port=3478/udp --add-port=5349/udp --add-port=49152-65535/udp && firewall-cmd --reload",
                "# nftables: nft insert rule inet filter input udp dport '{ 3478, 5349 }' accept && nft insert rule inet filter input udp dport 49152-65535 accept",
            ]
        );
    }

    #[test]
    fn other_commands_are_left_alone() {
        for command in ["ufw status verbose", "ufw allow in on lo", "ufw allow 3478/udp\nip route", "external-ip=203.0.113.10"] {
            assert_eq!(with_others(command.into()), command);
        }
    }
}
