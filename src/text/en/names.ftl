# Names and addresses.
#
# New arguments:
#   $listed       the server as the user named it, for commands: a bare name, or an address with an IPv6 one in brackets; never "name (address)"
#   $ports-comma  the ports that were asked, joined for a firewall's command: "3478,5349"
#   $protocol     what a foreign service speaks: http, tls, ssh or other
# Where $listed and $ports-comma are not given, the texts fall back on $host and on the usual ports.

dns-not-found = the server's name does not resolve
    .summary = { $manner ->
        [no-address] The name { $name } has neither an IPv4 nor an IPv6 address in DNS.
        [record] The SRV record { $record } leads to { $name }, which has no address.
       *[not-found] The name { $name } does not exist in DNS.
    }
    .impact = { $manner ->
        [record] Browsers ask for no SRV records; clients that do, as many phones and SIP clients, find no server there.
       *[other] Nobody can reach this server: from a TURN server users get no relay, and through a signaling server no call starts.
    }
    .meaning = The name of the TURN server or of the signaling server does not exist in DNS, or it exists without an address (A or AAAA record).
    .proof = A resolver answers that the name does not exist (NXDOMAIN), or that it has no address.
    .look-alikes = dns-unavailable: there no resolver answers, and other names fail too.
    .remedy = Correct the name in the application's settings, or add the missing A or AAAA record.

dns-not-found-fix-dns = { $manner ->
        [no-address] Add an A record with the server's public address to { $name }.
        [record] Let the record lead to a name that has an address, or delete it.
       *[not-found] If the name is right, add it to its DNS zone, with the server's public address.
    }
    .command = { $manner ->
        [record] { $record }. 300 IN SRV 0 0 3478 <name of the server>.
       *[other] { $name }. 300 IN A <public address>
    }

dns-not-found-fix-application = { $manner ->
        [record] If the name is misspelled, correct it in the record.
       *[other] If the name is misspelled, correct it in the application's settings.
    }

dns-unavailable = no resolver answers
    .summary = { $name ->
        [none] No DNS resolver answers this host.
       *[other] No DNS resolver answers this host, so { $name } can't be resolved.
    }
    .impact = This host can't reach any server by name, neither TURN nor signaling: no call starts from here.
    .meaning = None of the resolvers that this host uses gives an answer, so no name can be resolved here, whichever it is.
    .proof = The lookup of the server's name ends without an answer, and no other lookup gets one.
    .look-alikes = dns-not-found: there a resolver does answer, and says that the name does not exist.
    .remedy = Repair the resolver settings of this host or of this network.

dns-unavailable-fix-network = Have this network let DNS out (port 53, UDP and TCP), or hand out a resolver that answers.

dns-unavailable-fix-client = See which resolver this host uses, and set one that answers.
    .command =
        resolvectl status
        cat /etc/resolv.conf

ipv6-only-network = an IPv4 address is listed, but this network has only IPv6
    .summary = This network has only IPv6, so the listed IPv4 address { $server } can't be reached.
    .impact = Users on IPv6-only networks, as many mobile networks are, can't reach this server; all others can.
    .meaning = This network has no IPv4. It reaches IPv4 servers by translating their names (DNS64 with NAT64), and an address that is listed without a name can't be translated.
    .proof = There is no IPv4 route, and the name ipv4only.arpa has an IPv6 address here, which only a translating network gives it (RFC 7050).
    .look-alikes = A host without any network: there no name resolves.
    .remedy = List the server by its name, or give it an IPv6 address.

ipv6-only-network-fix-application = List the server by a host name instead of { $server }: this network translates names, not addresses.
    .command = turn:<host name>:3478

ipv6-address-dead = the server's IPv6 address does not answer
    .summary = { $manner ->
        [refused] No TURN server listens at the server's IPv6 address: { $host }.
       *[other] Nothing answers at the server's IPv6 address: { $host }.
    }
    .impact = Users with IPv6 lose seconds on a dead address before each call, and users who have only IPv6 get no relay.
    .meaning = DNS gives the server an IPv6 address (AAAA record), but no TURN server answers there. Its IPv4 address is not affected.
    .proof = The IPv6 address is silent or refuses, the IPv4 address of the same name answers, and an unrelated host answers over IPv6.
    .look-alikes = network-without-ipv6: there unrelated hosts don't answer over IPv6 either.
    .remedy = Let the server listen on IPv6 and open its firewall for IPv6, or remove the AAAA record.

ipv6-address-dead-fix-server = Have the TURN server listen on { $server }; this shows where it listens now.
    .command = ss -lntup

ipv6-address-dead-fix-firewall = { $manner ->
        [refused] {""}
       *[other] Open the TURN ports for IPv6 too, also in the provider's firewall. ufw does so only with IPV6=yes in /etc/default/ufw.
    }
    .command = { $ports-comma ->
        [none] ufw allow 3478
       *[other]
            ufw allow { $ports-comma }/udp
            ufw allow { $ports-comma }/tcp
    }

ipv6-address-dead-fix-dns = If the server has no IPv6, remove the AAAA record { $server }.

proxy-in-front = the address belongs to a network that passes web pages alone
    .summary = { $host } leads to { $front }, which passes web pages and no TURN.
    .impact = No browser reaches the TURN server under this name or address.
    .meaning = The name or address belongs to a content network or a web proxy that stands in front of the site. It hands on HTTP on ports 80 and 443, and nothing of TURN on any port.
    .proof = No port of TURN answers, and the headers of the page on port 80 or 443 show the network or proxy.
    .look-alikes = wrong-host: there the page is served by the host itself. turn-down: there the address is the server's own.
    .remedy = Give the TURN server a name that leads to its own address.

proxy-in-front-fix-application = Add a name for the TURN server alone that leads to its own address, and list that: { $front ->
        [Cloudflare] at Cloudflare a record "DNS only" (grey cloud).
       *[other] a record that is not led through { $front }.
    }

wrong-host = another service answers instead of TURN
    .summary = { $manner ->
        [foreign] { $protocol ->
            [http] { $host } speaks HTTP instead of TURN: it is a web server, a proxy or a CDN.
            [tls] { $host } speaks TLS on a port for plain TURN.
            [ssh] { $host } speaks SSH instead of TURN.
           *[other] { $host } speaks some other protocol instead of TURN.
        }
        [mute] { $host } accepts connections, but answers neither STUN nor TURN.
       *[silent] { $host } does not answer on its TURN ports: it may be the wrong host.
    }
    .impact = Users get no relay from this server, because browsers don't understand what answers there.
    .meaning = The name or the port leads to something that is no TURN server: a web server, a CDN in front of the site, SSH.
    .proof = What answers on the port speaks another protocol, or accepts connections and answers neither STUN nor TURN.
    .look-alikes = captive-portal: there unrelated hosts seem to give the same answer. tls-not-turn: there TLS opens first. turn-down: the host is the right one, but its TURN server does not run.
    .remedy = Point the name at the TURN server itself, and list the right port; a CDN or an HTTP proxy can't carry TURN.

wrong-host-fix-dns = Point the name at the TURN server's own address: a CDN or an HTTP proxy can't carry TURN.

wrong-host-fix-application = { $protocol ->
        [tls] If this is the server's TLS port, list it as turns: instead of turn:.
       *[other] Check host and port in the list of ICE servers; TURN usually has port 3478, and 5349 with TLS.
    }

name-has-private-address = a name leads to a private address
    .summary = { $name } leads to { $server }, which can't be reached from the internet.
    .impact = Users outside the server's own network get no relay whenever they are given this address.
    .meaning = The name of the server has a private address, or one beside a public one. For each user it means a host in their own network.
    .proof = The name resolves to a private address beside a public one, or to one that nobody can use.
    .look-alikes = list-names-private-address: there the list itself says the address. turn-down: there the address is a public one, and nothing answers.
    .remedy = Leave only public addresses in DNS.

name-has-private-address-fix-dns = If { $server } is a record of a DNS name, remove it and leave only the server's public address.

name-has-private-address-fix-application = List the TURN server's public name or address.
    .command = turn:<public name or address>:{ $port ->
        [none] 3478
       *[other] { $port }
    }

no-route = this host has no route to the server
    .summary = This host has no route to { $host }: nothing was sent.
    .impact = No call from this host gets a relay of this server, whatever the server does.
    .meaning = The operating system has no route to the server's address: there is no default route, or a rule forbids this address (blackhole, prohibit, unreachable).
    .proof = The system knows no source address towards the server, and refuses to send.
    .look-alikes = turn-down: there packets leave, and nothing comes back.
    .remedy = Connect this host to the network, or mend its routes.

no-route-fix-client = See which way this host takes to the server, and mend it.
    .command = ip route get { $server }

list-refused-by-browsers = browsers refuse the list of ICE servers
    .summary = Browsers refuse the list of ICE servers: RTCPeerConnection throws { $error } at { $entry }.
    .impact = A page that uses this list gets no peer connection at all, so no call starts. { $words ->
        [none] {""}
       *[other] The error says: { $words }
    }
    .meaning = The list of ICE servers is given to RTCPeerConnection, which checks every entry before anything else. One entry that it refuses makes it throw, whatever the others say.
    .proof = The list has an entry on which Chromium was seen to throw; its own words are in the report.
    .look-alikes = credentials-rejected: there the list is taken, and the server refuses the login. A list that an application changes before it uses it: then look at what it becomes.
    .remedy = Correct the entry: urls with turn: or stun: URLs, and for turn: a username and a credential that are not empty.

list-refused-by-browsers-fix-application = { $mistake ->
        [no-urls] Give { $entry } at least one URL under the key urls.
        [url] Correct the URL in { $entry }: scheme, host, port, and for turn: and turns: ?transport=udp or ?transport=tcp.
        [empty-credentials] Give { $entry } a username and a credential that are not empty.
        [long-name] Shorten the username in { $entry } to 509 bytes at most.
       *[credentials] { $found ->
            [none] Give { $entry } the keys username and credential.
           *[other] Give { $entry } the keys username and credential; it has { $found } instead.
        }
    }
    .command = { $mistake ->
        [url] "urls": "turn:turn.example.org:3478?transport=udp"
        [long-name] {""}
       *[other] {"{"} "urls": "turn:turn.example.org:3478", "username": "NAME", "credential": "PASSWORD" {"}"}
    }

list-points-at-localhost = the list sends users to their own machine
    .summary = { $name } sends each user to their own machine (loopback address { $server }).
    .impact = No user gets a relay, because each one asks their own machine for it.
    .meaning = The list of ICE servers, or a name in it, leads to a loopback address, which means the machine that asks. It works while the server and the browser run on one machine, and for nobody else.
    .proof = The listed address is a loopback address, or the name resolves to one, and no server answers there.
    .look-alikes = A line for the name in this host's own hosts file: then only this host is led astray. turn-down: there the address is a public one, and nothing answers.
    .remedy = List the server's public name or address.

list-points-at-localhost-fix-application = List the TURN server's public name or address.
    .command = turn:<public name or address>:{ $port ->
        [none] 3478
       *[other] { $port }
    }

list-points-at-localhost-fix-client = If this host's hosts file has a line for { $name }, remove the line.
    .command = grep -F '{ $name }' /etc/hosts

list-names-private-address = the list names a private address
    .summary = The list names the private address { $server }, which users elsewhere can't reach.
    .impact = Only users in the server's own network get a relay from it.
    .meaning = The list of ICE servers names an address of a private network. For each user it means a host in their own network, if there is one.
    .proof = The listed address is private, this host is in another network, and nothing answers there.
    .look-alikes = A company's own server for its own users: then a VPN or the company's network leads there. turn-down: there the address is a public one.
    .remedy = List the server's public name or address.

list-names-private-address-fix-application = List the TURN server's public name or address.
    .command = turn:<public name or address>:{ $port ->
        [none] 3478
       *[other] { $port }
    }

list-names-private-address-fix-client = If all users are in the server's own network, run callcheck there.

port-refused-by-browsers = browsers refuse the server's port
    .summary = Browsers refuse TURN on port { $port }: they gather no relay candidate from { $host } there, and give no error.
    .impact = No browser gets a relay by this URL, whatever else works; other clients may.
    .meaning = Chromium takes TURN servers on ports 80, 443 and above 1023 only, and refuses some above that, such as 5060, 6667 and 10080, because they belong to other services.
    .proof = The listed port is one that Chromium was seen to refuse.
    .look-alikes = turn-udp-closed and turn-tcp-closed: there the port itself does not answer.
    .remedy = Let the TURN server listen on 3478, 5349, 443 or 80, and list that port.

port-refused-by-browsers-fix-server = { $software ->
        [coturn] Set a port that browsers take in turnserver.conf, then run systemctl restart coturn.
       *[other] Let the server listen on a port that browsers take: 3478 is usual.
    }
    .command = { $software ->
        [coturn] listening-port=3478
       *[other] {""}
    }

port-refused-by-browsers-fix-application = List the server with that port.
    .command = turn:{ $listed ->
        [none] { $host }
       *[other] { $listed }
    }:3478

stale-address-record = one of the name's addresses belongs to no server
    .summary = { $manner ->
        [refused] Nothing listens at { $server }, one of the addresses of { $name ->
            [none] the server's name
           *[other] { $name }
        }; another one works.
       *[silent] Nothing answers at { $server }, one of the addresses of { $name ->
            [none] the server's name
           *[other] { $name }
        }; another one works.
    }
    .impact = Users who are given this address wait in vain or get no relay; those who get another one can call.
    .meaning = The name has several addresses, and resolvers give them out in turn. Behind one of them no server answers: it was moved or stopped, and its record stayed.
    .proof = No port that was asked answers at this address, while the same name's other address does.
    .look-alikes = turn-down: one of several servers that share the name is down for now. ipv6-address-dead: there the dead address is the IPv6 one.
    .remedy = Remove the record, or start the server that belongs to it.

stale-address-record-fix-dns = If no server has { $server } any more, remove the record.

stale-address-record-fix-server = If a server should answer at { $server }, start it there and open its ports.

stun-server-dead = a listed STUN server does not answer
    .summary = The STUN server { $endpoint } does not answer; the other listed servers do not need it.
    .impact = Gathering candidates takes longer, and direct connections rest on the other servers.
    .meaning = The list has a stun: URL at which nothing answers. Calls work through the others.
    .proof = Nothing comes back from the server, or it refuses the port.
    .look-alikes = network-blocks-udp and network-blocks-port: there other servers do not answer over UDP either.
    .remedy = Remove the URL from the list, or replace it.

stun-server-dead-fix-application = Remove stun:{ $endpoint } from the list; a TURN server on the list answers STUN as well.
